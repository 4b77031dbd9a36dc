"""``wirecopy stories`` and ``wirecopy story``: what is on record, down to the bytes."""

from typing import Annotated, Any

import typer

from desk import show
from desk.cli.context import LARGEST, check_wires, feed_named, opened, story_named
from desk.headline import unseen
from publish.render import as_published
from publish.selection import excluded_by
from stories import clock
from stories.config import Config
from stories.db import Store, captures, feeds, proofs
from stories.db import stories as records
from stories.db.feeds import EntryRow
from stories.db.stories import VersionRow
from stories.desk_marks import desk_marks, headline_mark
from stories.errors import UnknownNameError
from stories.models import Act, ActKind, Story
from wirecopy.text import paragraphs


def stories(
    ctx: typer.Context,
    wire: Annotated[list[str] | None, typer.Option("--wire", help="Only of this wire.")] = None,
    feed: Annotated[str | None, typer.Option("--feed", help="Only those in this feed.")] = None,
    second_look: Annotated[
        bool,
        typer.Option("--second-look", help="Only those the wire changed under a desk headline."),
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=LARGEST, help="How many at most.")
    ] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List stories, last changed first."""
    with opened(ctx) as (config, store), store.read() as conn:
        if feed is not None:
            feed_named(config, feed)
        if wire:
            check_wires(config, wire, captures.wires_captured(conn))
        if feed is not None:
            found = records.get(conn, feeds.placed_ids(conn, feed, limit))
        elif second_look:
            found = records.get(conn, records.second_looks(conn, limit, wire or None))
        else:
            found = records.newest(conn, wires=wire or None, limit=limit)
        found = [story for story in found if not wire or story.wire in wire][:limit]
        if second_look:
            found = [story for story in found if story.second_look]
        entries = feeds.entries_of(conn, [story.id for story in found])
    rows = [record(story, entries.get(story.id), config) for story in found]
    if json:
        show.as_json(rows)
        return
    show.table(
        [
            {
                "id": r["id"],
                "wire": r["wire"],
                "v": r["version"],
                "changed": show.ago(r["changed"]),
                "scope": r["edit_scope"] or "not rendered",
                "headline": (r["headline"] or "(no headline)")
                + ("  [second look]" if r["second_look"] else "")
                + ("" if r["status"] == "usable" else f"  [{r['status']}]"),
            }
            for r in rows
        ],
        ("id", "wire", "v", "changed", "scope", "headline"),
        "no story waits for a second look"
        if second_look
        else f"no story of {' or '.join(wire)}"
        if wire
        else "no stories; `wirecopy poll` fetches the wires now",
    )


def story(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A story's id, or how it begins.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the item's own bytes as received, nothing else.")
    ] = False,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="This version instead of the current.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print everything known as JSON.")] = False,
) -> None:
    """Show one story.

    Its headlines and versions, what was measured, and the bytes it came as.
    """
    with opened(ctx) as (config, store):
        found = story_named(store, name)
        with store.read() as conn:
            history = records.history(conn, found.id)
            entry = feeds.entry(conn, found.id)
            placed = feeds.feeds_of(conn, found.id)
            stated = proofs.last_statements(conn, [found.id]).get(found.id)
            acts = records.acts_of(conn, [found.id]).get(found.id, [])
            hidden = unseen(conn, config, found)
        chosen = _version(history, version)
        if raw:
            show.raw(_own_bytes(store, chosen))
            return
        shown = record(found, entry, config)
        shown["feeds"] = placed
        shown["not_published"] = hidden or None
        scope = entry.scope if entry else None
        shown["not_in"] = {
            feed.name: excluded_by(feed, found, scope)
            for feed in config.outgoing
            if feed.name not in placed
        }
        shown["statement"] = stated.version if stated else None
        shown["signed_by"] = stated.kid if stated else None
        signals = chosen.data.get("signals") or {}
        shown["slugline"] = signals.get("slugline")
        marks = desk_marks(paragraphs(chosen.data["body"]))
        shown["desk_marks"] = [{"rule": mark.rule, "text": mark.text} for mark in marks]
        if take := headline_mark(chosen.data["headline"]):
            shown["desk_marks"].insert(0, {"rule": "take_numbers", "text": take})
        if json:
            shown["measurement"] = entry.measurement if entry else None
            shown["received_digests"] = chosen.received
            shown["raw_digest"] = chosen.raw_digest
            shown["content"] = chosen.data
            shown["headlines"] = [e.model_dump(mode="json") for e in found.edits]
            shown["acts"] = [each.model_dump(mode="json") for each in acts]
            shown["versions"] = [_version_record(v) for v in history]
            show.as_json(shown)
            return
        _print(found, shown, history, chosen, acts)


def record(story: Story, entry: EntryRow | None, config: Config) -> dict[str, Any]:
    """The story under the contract's names. What is measured is None until it is rendered, and
    while it is hidden."""
    version = story.version
    entry = None if story.hidden(clock.now()) else entry
    return {
        "id": story.id,
        "guid": story.guid,
        "url": entry.url if entry else None,
        "wire": story.wire,
        "also_on": list(story.also),
        "agency": version.agency,
        "agency_id": version.agency_id,
        "agency_version": version.agency_version,
        "version": story.number,
        "status": story.status,
        "embargo": story.embargo,
        "expires": story.expires,
        "correction": story.corrected,
        "note_to_editors": story.ed_note,
        "headline": as_published(story, config).headline,
        "wire_headline": version.headline,
        "desk_headline": story.desk_headline,
        "second_look": story.second_look,
        "edit_scope": entry.scope if entry else None,
        "edited_headline_only": entry.edited_headline_only if entry else None,
        "disclosure": entry.disclosure if entry else None,
        "published": version.published,
        "first_received": story.first_received,
        "received": story.received_at,
        "changed": story.changed_at,
        "language": version.language,
        "identity": story.identity.rule,
        "identity_degraded": story.identity.degraded,
    }


_DID: dict[ActKind, str] = {"kill": "killed it", "hold": "held it", "release": "released it"}


def _version(history: list[VersionRow], number: int | None) -> VersionRow:
    if number is None:
        return history[-1]
    for row in history:
        if row.number == number:
            return row
    raise UnknownNameError(f"version {number}: there is none; this story has 1 to {len(history)}")


def _own_bytes(store: Store, row: VersionRow) -> bytes:
    with store.read() as conn:
        sent = captures.own_bytes(conn, row.capture_id, row.start, row.end)
    if sent is None:
        raise UnknownNameError(
            f"capture {row.capture_id}: its bytes are no longer kept (retention);"
            " the normalised version is: --json"
        )
    return sent


def _version_record(row: VersionRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "capture": row.capture_id,
        "received": row.received_at,
        "agency_version": row.data.get("agency_version"),
        "correction": bool((row.data.get("signals") or {}).get("correction")),
        "headline": row.data.get("headline"),
        "raw_digest": row.raw_digest,
        "content_digest": row.content_digest,
    }


def _print(
    found: Story,
    shown: dict[str, Any],
    history: list[VersionRow],
    chosen: VersionRow,
    acts: list[Act],
) -> None:
    shown["feeds"] = ", ".join(shown["feeds"])
    shown["also_on"] = ", ".join(shown["also_on"])
    shown["not_in"] = "; ".join(
        f"{feed} (its {', '.join(why)})" for feed, why in shown["not_in"].items() if why
    )
    marks = shown.pop("desk_marks")
    # Where a killed story stands, a notice of that does.
    feeds_are = "notice_in" if found.status == "killed" else "feeds"
    show.facts({feeds_are if name == "feeds" else name: fact for name, fact in shown.items()})
    for number, edit in enumerate(found.edits, 1):
        what = f"wrote: {edit.text}" if edit.text is not None else "put the wire's headline back"
        show.say(
            f"  {number}. {show.when(edit.at)} {edit.by} {what} (against version {edit.against})"
        )
    for act in acts:
        why = f": {act.reason}" if act.reason else ""
        show.say(f"  {show.when(act.at)} {act.by} {_DID[act.kind]}{why}")
    show.table(
        [
            {
                **_version_record(v),
                "bytes": f"{v.start}-{v.end}" if v.start >= 0 else "unknown",
                "agency's": v.data.get("agency_version"),
            }
            for v in history
        ],
        ("number", "agency's", "capture", "bytes", "received", "headline"),
        "no versions",
    )
    if chosen.received is None:
        show.say(
            "Its text is not known to be that of the item's bytes, so nothing is claimed of it:"
            f" `wirecopy captures {chosen.capture_id}` says why, --raw shows the bytes."
        )
    for mark in marks:
        show.say(f"desk mark ({mark['rule']}): {mark['text']}")
    show.say("")
    for paragraph in paragraphs(chosen.data["body"]):
        show.say(paragraph)
        show.say("")
