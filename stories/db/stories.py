"""Stories, their versions, and the keys by which items are recognised."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from stories.db.captures import CHUNK, first_of
from stories.db.engine import replacing, resume_sequence, roughly, upsert
from stories.db.tables import (
    UtcDateTime,
    acts,
    agency_statements,
    captures,
    headlines,
    identities,
    settled,
    settlings,
    stories,
    versions,
)
from stories.facts import differing
from stories.models import (
    Act,
    HeadlineEdit,
    Hiding,
    Identity,
    KnownKey,
    KnownStory,
    Story,
    Version,
    hiding,
    is_another_text,
    key_digest,
    printable,
)
from wirecopy.scope import Digests
from wirecopy.statement import Custody

WITHDRAWN = "withdrawn"
"""State of a capture whose licence is over: its bytes are gone, and the words it brought."""


def _chunks(names: Sequence[str]) -> Iterable[Sequence[str]]:
    for at in range(0, len(names), CHUNK):
        yield names[at : at + CHUNK]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version, with the place of its own bytes in its capture.

    ``received`` are the digests of the copy received, None when text was lost or added on the way;
    ``custody`` is the digest of the agency's own statement of it, None where none came that holds.
    """

    story_id: str
    capture_id: int
    number: int
    position: int
    start: int
    end: int
    raw_digest: str | None
    content_digest: str
    received_at: datetime
    data: dict[str, Any]
    received: dict[str, Any] | None
    custody: str | None = None


def content(row: RowMapping) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """``data`` and ``received`` of the version in *row*, packed or not (:data:`CONTENT`)."""
    data, received = row["packed"] or (row["data"], row["received"])
    return data, received


CONTENT = (versions.c.packed, versions.c.data, versions.c.received)


def _version_row(row: RowMapping) -> VersionRow:
    data, received = content(row)
    kept = {name: row[name] for name in _PLAIN}
    return VersionRow(**kept, data=data, received=received)


_PLAIN = tuple(f.name for f in fields(VersionRow) if f.name not in ("data", "received"))


class Sought(NamedTuple):
    """Keys that items of a capture, number *before*, could have; its wire, and the siblings of
    that."""

    wire: str
    keys: Collection[str]
    before: int
    siblings: Collection[str] = ()


KnownKeys = tuple[dict[str, KnownKey], dict[str, KnownKey]]
"""Those that captures of the wire have put on record, and those that captures of its siblings have,
the first of them."""


def known_keys(conn: Connection, sought: Sequence[Sought]) -> list[KnownKeys]:
    """Of each of *sought* those of its keys that earlier captures have put on record."""
    digests = {key: key_digest(key) for each in sought for key in each.keys}
    rows: dict[str, list[Any]] = {}
    for chunk in _chunks(sorted(set(digests.values()))):
        for row in conn.execute(_KNOWN, {"digests": chunk}):
            rows.setdefault(row.digest, []).append(row)
    return [_known(each, digests, rows) for each in sought]


def _known(of: Sought, digests: Mapping[str, str], rows: Mapping[str, Sequence[Any]]) -> KnownKeys:
    senders = {of.wire, *of.siblings}
    there = [
        (row, key)
        for key in (of.keys if rows else ())
        for row in rows.get(digests[key], ())
        if row.capture_id < of.before and row.wire in senders
    ]
    there.sort(key=lambda pair: (pair[0].capture_id, pair[0].wire, pair[0].digest))
    ours: dict[str, KnownKey] = {}
    theirs: dict[str, KnownKey] = {}
    for row, key in there:
        shared = row.shared_from is not None and row.shared_from < of.before
        known = ours if row.wire == of.wire else theirs
        known.setdefault(key, KnownKey(row.story_id, shared))
    return ours, theirs


# By digest alone, which leads to few rows: with the wires, of which an agency may have many, a
# database looks for each key of each.
_KNOWN = select(
    identities.c.wire,
    identities.c.digest,
    identities.c.story_id,
    identities.c.capture_id,
    identities.c.shared_from,
).where(identities.c.digest.in_(bindparam("digests", expanding=True)))


def known_stories(conn: Connection, ids: Iterable[str], before: int) -> dict[str, KnownStory]:
    """The stories *ids* as they stood before capture *before* was taken in."""
    found: dict[str, KnownStory] = {}
    for chunk in _chunks(sorted(set(ids))):
        rows = conn.execute(
            _before(
                chunk,
                before,
                versions.c.story_id,
                versions.c.number,
                versions.c.content_digest,
                versions.c.updated,
                versions.c.data["updated"].as_string().label("said"),
                versions.c.received_at,
                versions.c.raw_digest,
                stories.c.key,
                stories.c.status,
                agency_statements.c.number.label("stated"),
            )
            .join(stories, stories.c.id == versions.c.story_id)
            .join(agency_statements, _OF_AGENCY, isouter=True)
        )
        for row in rows:
            found[row.story_id] = KnownStory(
                row.story_id,
                row.key,
                row.number,
                row.content_digest,
                datetime.fromisoformat(row.said) if row.said else row.updated,
                row.received_at,
                row.raw_digest,
                row.stated,
                row.status != "usable",
            )
    return found


_OF_AGENCY = agency_statements.c.digest == versions.c.custody


def versions_before(
    conn: Connection, ids: Iterable[str], before: int, but: str | None = None
) -> dict[str, Version]:
    """The versions of *ids* that stood before capture *before* was taken in, by story; without
    those that came by the wire *but*."""
    found: dict[str, Version] = {}
    for chunk in _chunks(sorted(set(ids))):
        query = _before(chunk, before, versions.c.story_id, *CONTENT)
        if but is not None:
            query = query.join(captures, captures.c.id == versions.c.capture_id)
            query = query.where(captures.c.wire != but)
        for row in conn.execute(query).mappings():
            found[row["story_id"]] = Version.model_validate(content(row)[0])
    return found


def _before(ids: Sequence[str], before: int, *columns: ColumnElement[Any]) -> Select[Any]:
    """*columns* of the version of each of *ids* that was latest before capture *before*."""
    latest = (
        select(versions.c.story_id, func.max(versions.c.capture_id).label("capture_id"))
        .where(versions.c.story_id.in_(ids), versions.c.capture_id < before)
        .group_by(versions.c.story_id)
        .subquery()
    )
    standing = and_(
        versions.c.story_id == latest.c.story_id, versions.c.capture_id == latest.c.capture_id
    )
    return select(*columns).select_from(versions).join(latest, standing)


def versions_of_captures(
    conn: Connection, numbers: Sequence[int]
) -> dict[int, dict[str, VersionRow]]:
    """The versions that captures brought, by capture and story."""
    found: dict[int, dict[str, VersionRow]] = {}
    if numbers:
        query = select(versions).where(versions.c.capture_id.in_(numbers))
        for row in conn.execute(query).mappings():
            found.setdefault(row["capture_id"], {})[row["story_id"]] = _version_row(row)
    return found


def stories_of_captures(conn: Connection, numbers: Sequence[int]) -> list[str]:
    """Ids of the stories of which captures brought a version."""
    found: set[str] = set()
    for at in range(0, len(numbers), CHUNK):
        some = versions.c.capture_id.in_(numbers[at : at + CHUNK])
        found.update(conn.execute(select(versions.c.story_id).where(some)).scalars())
    return sorted(found)


def keys_of_captures(
    conn: Connection, numbers: Sequence[int]
) -> dict[int, tuple[set[str], set[str]]]:
    """By capture: digests of the keys that it put on record, and of those it found to be shared."""
    found: dict[int, tuple[set[str], set[str]]] = {number: (set(), set()) for number in numbers}
    for at, column in enumerate((identities.c.capture_id, identities.c.shared_from)):
        if numbers:
            query = select(column.label("number"), identities.c.digest).where(column.in_(numbers))
            for row in conn.execute(query):
                found[row.number][at].add(row.digest)
    return found


def add_stories(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Put stories on record (:func:`settle` sets their current versions).

    One that is there already, from a later capture, gets slug and identity from what is its first
    version now; its guid never changes.
    """
    if not rows:
        return
    made = [{**row, "key": printable(row["key"])} for row in rows]
    conn.execute(_add_stories(conn.dialect.name), made)


@cache
def _add_stories(dialect: str) -> Executable:
    statement = upsert(dialect, stories)
    first = {name: statement.excluded[name] for name in ("slug", "rule", "key", "degraded")}
    return statement.on_conflict_do_update(index_elements=["id"], set_=first)


def add_keys(conn: Connection, keys: Iterable[tuple[str, str, str, int]]) -> None:
    """Record that each key was first seen: wire, key, story and capture.

    In a replay, a key on record from a later capture is now known to be from this one, and a key
    from this capture may name another story now (the wire's identity rule may have changed). A key
    from an earlier capture stays as it is.
    """
    rows = [
        {
            "wire": wire,
            "digest": key_digest(key),
            "story_id": story,
            "capture_id": capture_id,
        }
        for wire, key, story, capture_id in keys
    ]
    if rows:
        conn.execute(_add_keys(conn.dialect.name), rows)


@cache
def _add_keys(dialect: str) -> Executable:
    statement = upsert(dialect, identities)
    return statement.on_conflict_do_update(
        index_elements=["wire", "digest"],
        set_={name: statement.excluded[name] for name in ("story_id", "capture_id")},
        where=identities.c.capture_id >= statement.excluded.capture_id,
    )


def carried_by(conn: Connection, ids: Iterable[str]) -> set[str]:
    """The wires that carry some of the stories *ids*."""
    found: set[str] = set()
    for chunk in _chunks(sorted(set(ids))):
        query = select(identities.c.wire).where(identities.c.story_id.in_(chunk)).distinct()
        found.update(conn.execute(query).scalars())
    return found


def share_keys(conn: Connection, wire: str, keys: Iterable[str], capture_id: int) -> None:
    """Record that each of *keys* is known to name several stories, from this capture on."""
    for key in keys:
        conn.execute(
            update(identities)
            .where(
                identities.c.wire == wire,
                identities.c.digest == key_digest(key),
                identities.c.shared_from.is_(None),
            )
            .values(shared_from=capture_id)
        )


def drop_keys(conn: Connection, wire: str, digests: Iterable[str]) -> None:
    """Delete keys that a replay no longer finds."""
    for digest in digests:
        conn.execute(
            delete(identities).where(identities.c.wire == wire, identities.c.digest == digest)
        )


def unshare_keys(conn: Connection, wire: str, digests: Iterable[str]) -> None:
    """Record that a replay no longer finds these keys to be shared."""
    for digest in digests:
        conn.execute(
            update(identities)
            .where(identities.c.wire == wire, identities.c.digest == digest)
            .values(shared_from=None)
        )


def put_versions(conn: Connection, rows: Sequence[VersionRow]) -> None:
    """Insert or replace versions: one per story and capture."""
    made = [
        {**{name: getattr(row, name) for name in _PLAIN}, **kept(row.data, row.received)}
        for row in rows
    ]
    if made:
        conn.execute(replacing(conn.dialect.name, versions), made)


def kept(data: Mapping[str, Any], received: Mapping[str, Any] | None) -> dict[str, Any]:
    """The columns in which a version's content is kept."""
    signals = data.get("signals") or {}
    stated = {
        "updated": data.get("updated"),
        "embargo": signals.get("embargo"),
        "expires": signals.get("expires"),
    }
    instants = {name: datetime.fromisoformat(at) if at else None for name, at in stated.items()}
    return {"data": None, "received": None, "packed": [data, received], **instants}


def drop_version(conn: Connection, story: str, capture_id: int) -> None:
    """Delete a version that a replay no longer finds in its capture."""
    conn.execute(
        delete(versions).where(versions.c.story_id == story, versions.c.capture_id == capture_id)
    )


def seen(conn: Connection, last: Iterable[tuple[str, datetime]]) -> None:
    """Record that stories, by id, were on their wires at these times."""
    rows = [{"story": story, "at": at} for story, at in sorted(set(last))]
    if rows:
        conn.execute(_SEEN, rows)


_SEEN = (
    update(stories)
    .where(stories.c.id == bindparam("story"), stories.c.last_seen_at < bindparam("at"))
    .values(last_seen_at=bindparam("at"))
)


def renew_addresses(
    conn: Connection, found: Mapping[str, Mapping[str, str]], at: datetime
) -> list[str]:
    """Keep the addresses *found* at *at*, by story and by their unsigned form, of the stories that
    were not seen later; those for which they are others than before."""
    changed = []
    for chunk in _chunks(sorted(found)):
        query = select(stories.c.id, stories.c.addresses)
        for row in conn.execute(query.where(stories.c.id.in_(chunk), stories.c.last_seen_at <= at)):
            if row.addresses != found[row.id]:
                changed.append({"story": row.id, "addresses": dict(found[row.id])})
    if changed:
        conn.execute(update(stories).where(stories.c.id == bindparam("story")), changed)
    return [str(each["story"]) for each in changed]


def renew_notes(conn: Connection, found: Mapping[str, str], at: datetime) -> None:
    """Keep the notes to editors *found* at *at*, ``""`` where there was none, of the stories that
    were not seen later."""
    conn.execute(_RENEW_NOTE, [{"story": s, "note": n, "at": at} for s, n in found.items()])


_RENEW_NOTE = (
    update(stories)
    .where(stories.c.id == bindparam("story"), stories.c.last_seen_at <= bindparam("at"))
    .values(ed_note=bindparam("note"))
)


def hold(conn: Connection, ids: Sequence[str]) -> None:
    """Wait until nobody else changes the stories *ids*, and keep others waiting until the
    transaction ends. What is read of them after this is how they stand; of what was read before,
    another may have committed more meanwhile. On SQLite there is one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(_HELD, {"ids": list(ids)})


_HELD = (
    select(stories.c.id)
    .where(stories.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(stories.c.id)
    .with_for_update(key_share=True)
)


def settle(conn: Connection, ids: Iterable[str]) -> None:
    """Bring the rows of the stories *ids* up to date with their versions and the desk's acts.

    A story without versions is deleted together with its keys. Its entry leaves with its places in
    feeds, when it is to be rendered and is not there.
    """
    for chunk in _chunks(sorted(set(ids))):
        hold(conn, chunk)
        found = _standing(conn, chunk)
        if found:
            conn.execute(_SETTLED, [{"story": name, **row} for name, row in found.items()])
        gone = [name for name in chunk if name not in found]
        if gone:
            for table, column in (
                (identities, identities.c.story_id),
                (stories, stories.c.id),
            ):
                conn.execute(delete(table).where(column.in_(gone)))


_SETTLED = update(stories).where(stories.c.id == bindparam("story"))


def _standing(conn: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The columns of the rows of those of *ids* that have a version."""
    asked = {"ids": list(ids)}
    rows = conn.execute(_CURRENT_VERSIONS, asked).all()
    edits = {row.story_id: row for row in conn.execute(_LAST_EDITS, asked)}
    hidden = {name: hiding(acts) for name, acts in acts_of(conn, ids).items()}
    return {
        row.story_id: {
            "wire": row.wire,
            "capture_id": row.capture_id,
            "position": row.position,
            "number": row.number,
            "first_received_at": row.first,
            "received_at": row.received_at,
            "changed_at": max(
                [
                    row.received_at,
                    row.embargo or row.received_at,
                    *(each.at for each in (edit, hides) if each and each.at),
                ]
            ),
            "second_look": edit is not None and edit.text is not None and edit.against < row.number,
            "status": hides.status,
            "status_at": hides.at,
            "embargo": row.embargo,
            "expires": row.expires,
        }
        for row in rows
        for edit, hides in ((edits.get(row.story_id), hidden.get(row.story_id, Hiding())),)
    }


def _current_versions() -> Select[Any]:
    newest = (
        select(
            versions.c.story_id,
            func.max(versions.c.capture_id).label("capture_id"),
            func.min(versions.c.received_at).label("first"),
        )
        .where(versions.c.story_id.in_(bindparam("ids", expanding=True)))
        .group_by(versions.c.story_id)
        .subquery()
    )
    return select(
        versions.c.story_id,
        versions.c.capture_id,
        versions.c.position,
        versions.c.number,
        versions.c.received_at,
        versions.c.embargo,
        versions.c.expires,
        newest.c.first,
        func.coalesce(captures.c.wire, stories.c.wire).label("wire"),
    ).select_from(
        newest.join(
            versions,
            and_(
                versions.c.story_id == newest.c.story_id,
                versions.c.capture_id == newest.c.capture_id,
            ),
        )
        .join(stories, stories.c.id == newest.c.story_id)
        .join(captures, captures.c.id == newest.c.capture_id, isouter=True)
    )


_CURRENT_VERSIONS = _current_versions()
_LAST_EDITS = select(
    headlines.c.story_id, headlines.c.at, headlines.c.text, headlines.c.against
).where(
    headlines.c.id.in_(
        select(func.max(headlines.c.id))
        .where(headlines.c.story_id.in_(bindparam("ids", expanding=True)))
        .group_by(headlines.c.story_id)
    )
)


def embargo_over(conn: Connection, now: datetime) -> bool:
    """Whether :func:`end_embargoes` would find any story."""
    return any(conn.execute(over.limit(1), {"now": now}).first() for over in _OVER.values())


def end_embargoes(conn: Connection, now: datetime) -> list[str]:
    """The stories whose embargo has ended since this was last asked, or that have expired, to be
    wanted by the caller."""
    found: set[str] = set()
    for name, is_over in _IS_OVER.items():
        # One statement: a version that comes meanwhile may have another embargo.
        ended = update(stories).where(is_over).values({name: None}).returning(stories.c.id)
        found.update(conn.execute(ended, {"now": now}).scalars())
    return sorted(found)


def embargoed_until(conn: Connection, end: datetime) -> list[str]:
    """The stories that are under an embargo which is over at *end*."""
    return list(conn.execute(_OVER["embargo"], {"now": end}).scalars())


def killed_since(conn: Connection, since: datetime) -> list[str]:
    """The stories that were killed after *since*."""
    return list(conn.execute(_KILLED, {"since": since}).scalars())


_KILLED = select(stories.c.id).where(
    stories.c.status != literal_column("'usable'"),  # written out, so that its index is used
    stories.c.status == "killed",
    stories.c.status_at > bindparam("since", type_=UtcDateTime()),
)

_IS_OVER = {
    column.name: and_(column.is_not(None), column <= bindparam("now", type_=UtcDateTime()))
    for column in (stories.c.embargo, stories.c.expires)
}
_OVER = {name: select(stories.c.id).where(is_over) for name, is_over in _IS_OVER.items()}


def _edits(conn: Connection, ids: Sequence[str]) -> dict[str, list[HeadlineEdit]]:
    found: dict[str, list[HeadlineEdit]] = {}
    for chunk in _chunks(ids):
        for row in conn.execute(_edits_of, {"ids": chunk}):
            edit = HeadlineEdit(text=row.text, by=row.by, at=row.at, against=row.against)
            found.setdefault(row.story_id, []).append(edit)
    return found


_edits_of = (
    select(headlines)
    .where(headlines.c.story_id.in_(bindparam("ids", expanding=True)))
    .order_by(headlines.c.id)
)
_carried = select(func.aggregate_strings(identities.c.wire, " ")).where(
    identities.c.story_id == stories.c.id, identities.c.wire != stories.c.wire
)
_current = select(
    stories,
    *CONTENT,
    _carried.scalar_subquery().label("also"),
    versions.c.raw_digest,
    versions.c.custody,
    agency_statements.c.kid,
    func.coalesce(captures.c.rule, 1).label("intake_rule"),
    (stories.c.capture_id == first_of(stories.c.wire)).label("first_fill"),
).select_from(
    stories.join(
        versions,
        and_(versions.c.story_id == stories.c.id, versions.c.capture_id == stories.c.capture_id),
    )
    .join(captures, captures.c.id == stories.c.capture_id, isouter=True)
    .join(agency_statements, _OF_AGENCY, isouter=True)
)


_current_of = _current.where(stories.c.id.in_(bindparam("ids", expanding=True)))


def _story(row: RowMapping, edits: Sequence[HeadlineEdit], texts: Mapping[str, Version]) -> Story:
    # Rows were written from validated values; validating every field again costs 0.2 ms a story.
    data, received = content(row)
    version = Version.model_validate(data)
    before = texts.get(row["id"])
    return Story(
        id=row["id"],
        guid=row["guid"],
        slug=row["slug"],
        wire=row["wire"],
        also=tuple(sorted({*(row["also"] or "").split()})),
        identity=Identity(rule=row["rule"], key=row["key"], degraded=row["degraded"]),
        version=version,
        number=row["number"],
        received=Digests(**received) if received else None,
        raw_digest=row["raw_digest"],
        first_received=row["first_received_at"],
        received_at=row["received_at"],
        position=row["position"],
        edits=tuple(edits),
        another_text=before is not None and is_another_text(before, version),
        rule=row["intake_rule"],
        first_fill=bool(row["first_fill"]),
        addresses=row["addresses"] or {},
        custody=Custody(row["kid"], row["custody"]) if row["kid"] else None,
        status=row["status"],
        status_at=row["status_at"],
        ed_note=(row["ed_note"] or None) if row["ed_note"] is not None else _ed_note(version),
    )


def _ed_note(version: Version) -> str | None:
    return version.signals.ed_note if version.signals is not None else None


def _texts_of_edits(
    conn: Connection, rows: Sequence[RowMapping], edits: Mapping[str, Sequence[HeadlineEdit]]
) -> dict[str, Version]:
    """Of those *rows* whose wire moved on after the desk wrote a headline, and by the rules since
    release 0.1, the version for which it was written."""
    written = {
        row["id"]: last.against
        for row in rows
        for last in edits.get(row["id"], ())[-1:]
        if last.text is not None and last.against < row["number"]
    }
    found: dict[str, Version] = {}
    for chunk in _chunks(sorted(written)):
        query = (
            select(versions.c.story_id, versions.c.number, *CONTENT)
            .join(stories, stories.c.id == versions.c.story_id)
            .join(captures, captures.c.id == stories.c.capture_id)
            .where(
                versions.c.story_id.in_(chunk),
                versions.c.number.in_({written[name] for name in chunk}),
                captures.c.rule >= 2,
            )
            .order_by(versions.c.capture_id)
        )
        for row in conn.execute(query).mappings():
            if row["number"] == written[row["story_id"]]:
                found[row["story_id"]] = Version.model_validate(content(row)[0])
    return found


def get(conn: Connection, ids: Sequence[str]) -> list[Story]:
    """The stories *ids* as they are now, those that exist, in the order of *ids*."""
    rows: dict[str, RowMapping] = {}
    for chunk in _chunks(ids):
        for row in conn.execute(_current_of, {"ids": chunk}).mappings():
            rows[row["id"]] = row
    edits = _edits(conn, ids)
    texts = _texts_of_edits(conn, list(rows.values()), edits)
    return [_story(rows[i], edits.get(i, ()), texts) for i in ids if i in rows]


def one(conn: Connection, story: str) -> Story | None:
    """The story of that id, None when there is none."""
    found = get(conn, [story])
    return found[0] if found else None


def guids(conn: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The guid of each of the stories *ids* that exists."""
    found: dict[str, str] = {}
    for chunk in _chunks(ids):
        found |= {r.id: r.guid for r in conn.execute(_GUIDS, {"ids": chunk})}
    return found


_GUIDS = select(stories.c.id, stories.c.guid).where(
    stories.c.id.in_(bindparam("ids", expanding=True))
)


def brought_by(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The capture that brought the current version of each story, and the position in it."""
    rows = conn.execute(
        select(stories.c.id, stories.c.capture_id, stories.c.position).where(
            stories.c.id.in_(list(ids))
        )
    )
    return {r.id: (r.capture_id, r.position) for r in rows}


def matching(conn: Connection, prefix: str, limit: int = 5) -> list[str]:
    """Ids that begin with *prefix*, for a person who typed the beginning of one."""
    # LIKE alone walks over all of them: an index leads to a range. No letter of an id is above z.
    query = select(stories.c.id).where(
        stories.c.id.between(prefix, f"{prefix}{'z' * 13}"),
        stories.c.id.startswith(prefix, autoescape=True),
    )
    return list(conn.execute(query.order_by(stories.c.id).limit(limit)).scalars())


def newest(conn: Connection, *, wires: Sequence[str] | None = None, limit: int = 50) -> list[Story]:
    """The *limit* stories that changed last, newest first, as feeds order them."""
    # Ids first, and of each wire by itself: so each walk along an index ends at the limit. Asked
    # for whole stories, PostgreSQL joins all of them before it sorts.
    top = select(stories.c.changed_at, stories.c.position, stories.c.id)
    top = top.order_by(*_ORDER).limit(limit)
    some = [top] if wires is None else [top.where(stories.c.wire == w) for w in sorted(set(wires))]
    found = [row for query in some for row in conn.execute(query)]
    found.sort(key=lambda row: (row.position, row.id))
    found.sort(key=lambda row: row.changed_at, reverse=True)
    return get(conn, [row.id for row in found[:limit]])


_ORDER = (stories.c.changed_at.desc(), stories.c.position, stories.c.id)
"""As feeds order stories."""


def second_looks(
    conn: Connection, limit: int | None = None, wires: Sequence[str] | None = None
) -> list[str]:
    """Ids of up to *limit* stories whose wire moved on after the desk wrote the headline in force,
    the last changed first."""
    query = select(stories.c.id).where(stories.c.second_look).order_by(*_ORDER).limit(limit)
    if wires is not None:
        query = query.where(stories.c.wire.in_(wires))
    return list(conn.execute(query).scalars())


def second_looks_count(conn: Connection) -> int:
    """How many they are."""
    query = select(func.count()).select_from(stories).where(stories.c.second_look)
    return int(conn.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class Hidden:
    """How many stories are killed, withheld, and ``embargoed`` by their newest version; and
    ``sent_again``: ids of killed ones of which the agency has sent a version since, lately, the
    newest first."""

    killed: int = 0
    withheld: int = 0
    sent_again: Sequence[str] = ()
    embargoed: int = 0


def hidden(conn: Connection, lately: datetime) -> Hidden:
    """The stories that agency or desk has hidden; sent again since *lately*."""
    # In one question, each part by an index of its own.
    parts = (
        (_HIDDEN, stories.c.status == "killed"),
        (_HIDDEN, stories.c.status == "withheld"),
        (stories.c.embargo.is_not(None),),
    )
    counts = (select(func.count()).where(*part).scalar_subquery() for part in parts)
    killed, withheld, embargoed = conn.execute(select(*counts)).one()
    again = select(stories.c.id).where(
        _HIDDEN,
        stories.c.status == "killed",
        stories.c.received_at > stories.c.status_at,
        stories.c.received_at >= lately,
    )
    newest = again.order_by(stories.c.received_at.desc(), stories.c.id)
    names = tuple(conn.execute(newest).scalars()) if killed else ()
    return Hidden(killed, withheld, names, embargoed)


_HIDDEN = stories.c.status != literal_column("'usable'")  # written out, so that its index is used


def contradicted(conn: Connection, limit: int = 100) -> list[tuple[Story, str]]:
    """Of the newest *limit* stories that wait for a second look, those under a desk headline whose
    wire headline changed in a fact since, and in which (:func:`stories.facts.differing`)."""
    ids = second_looks(conn, limit)
    rows = list(conn.execute(_current.where(stories.c.id.in_(ids))).mappings()) if ids else []
    edits = _edits(conn, [r["id"] for r in rows])
    texts = _texts_of_edits(conn, rows, edits)
    found = []
    for row in rows:
        story = _story(row, edits.get(row["id"], ()), texts)
        if story.id in texts and story.desk_headline is not None:
            fact = differing(texts[story.id].headline, story.version.headline)
            if fact:
                found.append((story, fact))
    return found


def changed_before(
    conn: Connection, before: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, str]]:
    """Times of change and ids of up to *limit* stories that did not change since *before*,
    ascending, from *after* (such a pair) on."""
    query = select(stories.c.changed_at, stories.c.id).where(stories.c.changed_at < before)
    if after is not None:
        at, name = after
        query = query.where(
            stories.c.changed_at >= at, or_(stories.c.changed_at > at, stories.c.id > name)
        )
    rows = conn.execute(query.order_by(stories.c.changed_at, stories.c.id).limit(limit))
    return [(row.changed_at, row.id) for row in rows]


def ids_after(conn: Connection, after: str, limit: int, wire: str | None = None) -> list[str]:
    """Story ids above *after*, ascending: a cursor over all stories."""
    query = select(stories.c.id).where(stories.c.id > after).order_by(stories.c.id).limit(limit)
    if wire is not None:
        query = query.where(stories.c.wire == wire)
    return list(conn.execute(query).scalars())


def ids_before(
    conn: Connection, before: tuple[datetime, str] | None, limit: int
) -> list[tuple[datetime, str]]:
    """When stories changed last, and their ids, newest first: a cursor over all stories. Those that
    come after *before* in this order; from the newest on for None."""
    query = select(stories.c.changed_at, stories.c.id)
    if before is not None:
        at, name = before
        # A range first, for which the index is used.
        query = query.where(
            stories.c.changed_at <= at, or_(stories.c.changed_at < at, stories.c.id < name)
        )
    query = query.order_by(stories.c.changed_at.desc(), stories.c.id.desc()).limit(limit)
    return [(row.changed_at, row.id) for row in conn.execute(query)]


def history(conn: Connection, story: str) -> list[VersionRow]:
    """Every version of the story, oldest first."""
    rows = conn.execute(
        select(versions).where(versions.c.story_id == story).order_by(versions.c.capture_id)
    )
    return [_version_row(r) for r in rows.mappings()]


def add_edit(conn: Connection, story: str, edit: HeadlineEdit) -> None:
    """Append a headline edit to the story's history."""
    told = {
        "story_id": story,
        "text": edit.text,
        "by": edit.by,
        "at": edit.at,
        "against": edit.against,
    }
    conn.execute(_ADD_EDIT, told)


_ADD_EDIT = insert(headlines)


def edited(conn: Connection, story: Story) -> None:
    """Bring the row of *story* up to date with its last edit, as :func:`settle` would."""
    told = {"story": story.id, "at": story.changed_at, "look": story.second_look}
    conn.execute(_EDITED, told)


_EDITED = (
    update(stories)
    .where(stories.c.id == bindparam("story"))
    .values(changed_at=bindparam("at"), second_look=bindparam("look"))
)


def add_acts(conn: Connection, made: Sequence[tuple[str, Act]]) -> None:
    """Append acts, each with its story, to the record. One that a capture has brought already stays
    as it is. The stories are to be settled then."""
    rows = [{"story_id": story, **act.model_dump()} for story, act in made]
    if rows:
        kept = upsert(conn, acts).on_conflict_do_nothing(index_elements=["capture_id", "story_id"])
        conn.execute(kept, rows)


def drop_acts(conn: Connection, pairs: Iterable[tuple[int, str]]) -> None:
    """Delete acts that a replay no longer finds, each by its capture and story."""
    for capture_id, story in pairs:
        this = acts.c.capture_id == capture_id, acts.c.story_id == story
        conn.execute(delete(acts).where(*this))


def acts_of_captures(conn: Connection, numbers: Sequence[int]) -> set[tuple[int, str]]:
    """Which captures have brought an act, and of which story."""
    query = select(acts.c.capture_id, acts.c.story_id).where(acts.c.capture_id.in_(numbers))
    return {(row.capture_id, row.story_id) for row in conn.execute(query)} if numbers else set()


def acts_of(conn: Connection, ids: Collection[str]) -> dict[str, list[Act]]:
    """What was done about whether each of *ids* is published, oldest first; those of which nothing
    was are left out."""
    found: dict[str, list[tuple[int, Act]]] = {}
    for chunk in _chunks(sorted(set(ids))):
        for row in conn.execute(_ACTS_OF, {"ids": chunk}).mappings():
            act = Act(**{name: row[name] for name in Act.model_fields})
            found.setdefault(row["story_id"], []).append((row["id"], act))
    # What a capture brings comes before what the desk did in that microsecond.
    return {
        name: [act for _, act in sorted(acts, key=lambda pair: (pair[1].at, _rank(*pair)))]
        for name, acts in found.items()
    }


def _rank(number: int, act: Act) -> tuple[bool, int]:
    return (act.capture_id is None, number if act.capture_id is None else act.capture_id)


_ACTS_OF = select(acts).where(acts.c.story_id.in_(bindparam("ids", expanding=True)))


def copy_acts(old: Connection, new: Connection) -> None:
    """Write all that the desk did, headlines among it, into another store, as it was."""
    for table in (headlines, acts, settlings):
        rows = [dict(row) for row in old.execute(select(table).order_by(table.c.id)).mappings()]
        if rows:
            new.execute(upsert(new, table).on_conflict_do_nothing(index_elements=["id"]), rows)
            resume_sequence(new, table.c.id)
    left = [dict(row) for row in old.execute(select(settled)).mappings()]
    if left:
        new.execute(replacing(new.dialect.name, settled), left)


def counts(conn: Connection) -> tuple[int, int]:
    """How many stories and how many versions there are, roughly where they are many."""
    return roughly(conn, stories), roughly(conn, versions)


def withdrawn(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Those of *ids* whose current version has no words any more, as its licence has ended."""
    query = (
        select(stories.c.id)
        .join(captures, captures.c.id == stories.c.capture_id)
        .where(stories.c.id.in_(list(ids)), captures.c.state == WITHDRAWN)
    )
    return set(conn.execute(query).scalars())
