"""Renders what waits in the outbox: stories as entries, and the lists of the feeds they belong to.

A story that changed is rendered once in every format, signed, stored, and placed in its feeds,
whose lists change with it, in one transaction. When it cannot be signed, what was last published of
it stays. All work is claimed by lease and safe to do twice: the same story gives the same bytes.

A story whose licence is over is in no feed; its entry has what was measured, but no copy. One that
is held, killed or under embargo is not even rendered; in place of a killed one feeds have a notice.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from publish import signing
from publish.entry import Notice, notice
from publish.formats import WRITERS, notices
from publish.render import Rendered, render_together
from publish.selection import metadata, selected_by
from publish.signing import Batch, Last, Signed
from stories import clock, transparency
from stories.config import Config
from stories.db import (
    Connection,
    SQLAlchemyError,
    Store,
    away,
    feeds,
    key_value,
    outbox,
    proofs,
    search,
    wires,
)
from stories.db import stories as records
from stories.db.feeds import EntryRow, Placement
from stories.db.outbox import Job
from stories.db.proofs import KeyRow, Receipt
from stories.errors import RenderError, SigningError
from stories.keys import current_signer, ensure_keys
from stories.models import StatementRow, Story, changed_fields, licence_end, licence_over
from wirecopy import tlog
from wirecopy.jose import payload_of
from wirecopy.statement import Claims, Logged

STORIES_A_TURN = 50
"""Stories rendered between two commits: a crash loses some tens of milliseconds of work."""

FEEDS_A_TURN = 5
"""Feeds whose lists are made between two commits."""

AT_ONCE = 100_000
"""Characters of a body that is rendered while others wait to write: some milliseconds."""

ANEW = timedelta(hours=1)
"""A story that changed longer than this before its job began is rendered for another reason."""

KEYLESS = timedelta(minutes=5)
"""The longest between two tries while nothing can be signed: somebody who put a key back waits."""

log = structlog.get_logger()


def render_waiting(
    store: Store,
    config: Config,
    limit: int = sys.maxsize,
    *,
    ids: Sequence[str] | None = None,
    rendered: Callable[[datetime], None] = lambda _: None,
    changed: Callable[[Collection[str]], None] = lambda _: None,
    settings: str | None = None,
) -> int:
    """Render up to *limit* waiting stories (only of *ids*, if given), then list every waiting feed.

    How many of both were done. *rendered* is called with the time of the change of each story that
    was rendered because it changed, *changed*, after each commit, with the feeds whose bytes did.
    With *settings*, the digest of the caller's configuration, nothing is done once another one was
    noted: who has an older file leaves the work to the others.
    """
    done = 0
    with store.write() as conn:
        now = clock.now()
        outbox.want(conn, "story", records.end_embargoes(conn, now), now)
        jobs, waiting_feeds = _claim(conn, limit, ids, now, settings)
    while jobs or waiting_feeds:
        done += len(jobs) + len(waiting_feeds)
        if waiting_feeds:  # no story waits; but stories may be wanted for what a feed is to show
            with store.write() as conn:
                now = clock.now()
                others = _keep_feeds(conn, config, waiting_feeds, now)
                jobs, waiting_feeds = _claim(conn, limit - done, ids, now, settings)
            if others:
                changed(others)
            continue
        with outbox.renewing(store, jobs):
            with store.read() as conn:  # one snapshot of all that entries are made of
                drafts = _drafts(conn, config, [job.key for job in jobs])
                signed = _sign(store, conn, config, _claims(drafts))
            with store.write() as conn:
                now = clock.now()
                written, others = _keep(conn, config, jobs, drafts, signed, now, settings)
                jobs, waiting_feeds = _claim(conn, limit - done, ids, now, settings)
        if others:
            changed(others)
        log.info("rendered", stories=[job.key for job in written])
        for job in written:
            changed_at = drafts[job.key].story.changed_at
            if job.since - changed_at < ANEW:
                rendered(changed_at)
    return done


def lock(conn: Connection) -> None:
    """Wait until nobody else renders, or revokes a key, and keep others waiting until the
    transaction ends. To be called before it writes anything."""
    feeds.lock(conn, keys=True)


def render_at_once(
    conn: Connection, config: Config, story: Story, now: datetime
) -> list[str] | None:
    """Render *story*, as it is in the caller's transaction, in the same; the feeds whose bytes
    changed. The caller has called :func:`lock`.

    None when nothing was done, because another one is at it, or it would take long, or does not
    succeed so easily: then it is to be put into the outbox, as any other change. One that is hidden
    leaves its feeds in any case, and whoever is rendering it will keep nothing of that.
    """
    if story.hidden(now):
        drafts = _drafts_of(conn, config, [story], now)
        signed = _sign(None, conn, config, _claims(drafts))
        outcome = _outcome(story.id, drafts[story.id], signed, (), now)
        listed = _store(conn, config, [outcome], now)
        outbox.drop(conn, "story", story.id)
        if outcome.failure is not None:  # whoever has the key signs its notice
            outbox.want(conn, "story", [story.id], now)
        _want_beside(conn, config, drafts[story.id], now)
        return _changed(listed)
    if len(story.version.body) > AT_ONCE or not outbox.missing(conn, "story", [story.id]):
        return None
    drafts = _drafts_of(conn, config, [story], now)
    signed = _sign(None, conn, config, _claims(drafts))
    outcome = _outcome(story.id, drafts[story.id], signed, (), now)  # no key is revoked meanwhile
    if outcome.failure is not None:
        return None
    listed = _store(conn, config, [outcome], now)
    _want_beside(conn, config, drafts[story.id], now)
    return _changed(listed)


def _want_beside(conn: Connection, config: Config, of: "_Draft", now: datetime) -> None:
    """Want what a story that was rendered at once needs besides."""
    if config.site.export is not None:
        outbox.want(conn, "export-story", [of.story.id], now)
    if config.media.keep:
        outbox.want(conn, "picture", _pictured(config, [of]), now)


def _pictured(config: Config, drafts: Collection["_Draft"]) -> list[str]:
    """The stories of *drafts* whose pictures may be kept, or have to go."""
    found = (draft.story for draft in drafts)
    wires = {wire.name for wire in config.wires if "pictures" in wire.grants}
    return [story.id for story in found if story.wire in wires]


def render_feed(store: Store, config: Config, name: str) -> bool:
    """List the feed *name* whether it waits or not; True when any of its bytes changed."""
    with store.write() as conn:
        feeds.lock(conn)
        now = clock.now()
        changed, unrendered = _relist(conn, config, name, now)
        outbox.want(conn, "story", unrendered, now)
    return changed


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A story whose stored entry is not what is rendered now, and the fields that differ."""

    story_id: str
    fields: dict[str, tuple[object, object]]


WRITTEN = ("digests", "disclosure")
"""The fields of an entry that other rendering code alone makes different."""


def compare(
    store: Store, config: Config, ids: Sequence[str], *, bytes_too: bool = True
) -> Iterator[Mismatch]:
    """Render the stories *ids* again and compare with what is stored; without *bytes_too* only what
    was measured.

    Those that differ are put into the outbox, to be stored as they are rendered now.
    """
    passed_over = ("rendered_at", "packed", *(() if bytes_too else WRITTEN))
    for at in range(0, len(ids), STORIES_A_TURN):
        with store.read() as conn:
            drafts = _drafts(conn, config, ids[at : at + STORIES_A_TURN])
            kept = feeds.entries_of(conn, list(drafts))
            claims = _claims(drafts)
            last = _last(conn, claims)
            standing = signing.standing(claims, last, _revoked(proofs.keys(conn)))
        found, now = [], clock.now()
        for name, draft in drafts.items():
            if draft.rendered is None:
                continue  # it stays as it is; status says why once render_waiting has tried
            row = _entry_row(draft, draft.rendered, standing.get(name), now)
            before = kept.get(name)
            fields: dict[str, tuple[object, object]] = {"entry": (None, "rendered")}
            if before is not None:
                fields = changed_fields(before, row, passed_over=passed_over)
            if fields:
                found.append(Mismatch(name, fields))
        if found:
            with store.write() as conn:
                outbox.want(conn, "story", [each.story_id for each in found], now)
        yield from found


def again(
    conn: Connection, config: Config, stories: Sequence[Story], at: datetime
) -> dict[str, tuple[EntryRow, StatementRow | None]]:
    """The entries that those of *stories* would have that may be in feeds *at* a time, by story,
    and their last statements where these still hold; nothing is stored."""
    drafts = _drafts_of(conn, config, stories, at)
    claims = _claims(drafts)
    signed = Signed(signing.standing(claims, _last(conn, claims), _revoked(proofs.keys(conn))))
    outcomes = {name: _outcome(name, draft, signed, (), at) for name, draft in drafts.items()}
    return {
        name: (outcome.entry, signed.standing.get(name))
        for name, outcome in outcomes.items()
        if outcome.entry is not None
    }


def _claim(
    conn: Connection,
    limit: int,
    ids: Sequence[str] | None,
    now: datetime,
    settings: str | None,
) -> tuple[list[Job], list[Job]]:
    """Up to *limit* waiting stories; waiting feeds when no story waits."""
    size = min(STORIES_A_TURN, limit)
    stories = outbox.claim(conn, "story", now, size, ids) if size > 0 else []
    feeds = [] if stories else outbox.claim(conn, "feed", now, FEEDS_A_TURN)
    # Read after claiming: settings noted meanwhile have put into the outbox what was claimed.
    if settings is not None and key_value.is_superseded(conn, settings):
        outbox.release(conn, [*stories, *feeds])
        log.warning("another configuration was started; this process leaves rendering to it")
        return [], []
    return stories, feeds


@dataclass(frozen=True, slots=True)
class _Draft:
    """A story as it is in the snapshot, its entry as rendered, and the feeds that it belongs to.

    ``over`` when its licence is. ``rendered`` is None when there is a ``failure``, when it is
    hidden, and when its words were deleted with its licence; then ``kept`` is the entry that it
    has. ``notice`` is what its feeds have in place of a killed one.
    """

    story: Story
    over: bool
    feeds: Sequence[str] = ()
    rendered: Rendered | None = None
    failure: Exception | None = None
    kept: EntryRow | None = None
    notice: Notice | None = None


def _drafts(conn: Connection, config: Config, ids: Sequence[str]) -> dict[str, _Draft]:
    at = clock.now()  # before reading: housekeeping finds a licence that ends after this
    return _drafts_of(conn, config, records.get(conn, ids), at)


def _drafts_of(
    conn: Connection, config: Config, found: Sequence[Story], at: datetime
) -> dict[str, _Draft]:
    bare = [story.id for story in found if not story.version.body]
    wordless = records.withdrawn(conn, bare) if bare else set()
    kept = feeds.entries_of(conn, list(wordless)) if wordless else {}
    terms = wires.licence_terms(conn, config, {story.wire for story in found})
    # What was killed is measured where feeds choose by that: its notice stands where it did.
    scoped = any(feed.scopes for feed in config.feeds)
    hidden = {story.id for story in found if story.hidden(at)}
    worded = [
        story for story in found if story.id not in wordless and (scoped or story.id not in hidden)
    ]
    made = render_together([(story, licence_end(terms, story)) for story in worded], config)
    rendered = {story.id: each for story, each in zip(worded, made, strict=True)}
    drafts = {}
    for story in found:
        over = licence_over(terms, story, at)
        if story.id in wordless:
            draft = _Draft(story, over=True, kept=kept.get(story.id))
        elif story.id in hidden:
            draft = _hidden(config, story, rendered.get(story.id), over=over)
        else:
            draft = _draft(config, story, rendered[story.id], over=over)
        drafts[story.id] = draft
    return drafts


def _hidden(
    config: Config, story: Story, rendered: Rendered | Exception | None, *, over: bool
) -> _Draft:
    at = story.status_at
    if over or story.status != "killed" or at is None or not story.headline.strip():
        return _Draft(story, over)
    if story.number == 1 and story.embargo is not None and story.embargo > at:
        return _Draft(story, over)  # nobody has seen anything of it
    said = notice(story, config, at)
    scope = rendered.measurement.scope if isinstance(rendered, Rendered) else "unknown"
    return _Draft(story, over, selected_by(config, story, scope), notice=said)


def _draft(config: Config, story: Story, rendered: Rendered | Exception, *, over: bool) -> _Draft:
    if isinstance(rendered, Rendered):
        chosen = () if over else selected_by(config, story, rendered.measurement.scope)
        return _Draft(story, over, chosen, rendered)
    if not isinstance(rendered, RenderError):
        log.error("rendering failed", story=story.id, exc_info=rendered)
        rendered = RenderError(f"{type(rendered).__name__}: {rendered}")
    return _Draft(story, over, failure=rendered)


def _claims(drafts: Mapping[str, _Draft]) -> dict[str, Claims]:
    """The claims of the stories that are published, and of those that were killed."""
    found: dict[str, Claims] = {}
    for name, draft in drafts.items():
        if draft.feeds and draft.rendered is not None:
            found[name] = signing.claims_for(draft.story, draft.rendered)
        elif draft.feeds and draft.notice is not None:
            found[name] = signing.withdrawal_for(draft.story)
    return found


def _last(conn: Connection, claims: Mapping[str, Claims]) -> dict[str, Last]:
    rows = proofs.last_statements(conn, list(claims))
    return {story: Last(row, payload_of(row.token)) for story, row in rows.items()}


def _revoked(rows: Sequence[KeyRow]) -> set[str]:
    return {row.kid for row in rows if row.revoked_at is not None}


def _sign(
    store: Store | None, conn: Connection, config: Config, claims: Mapping[str, Claims]
) -> Signed:
    """Statements that make the *claims*, by story. What was received is in the log before anything
    is stated of it. Without a *store*, in which to do that first, such claims are refused."""
    try:
        return _signed(store, conn, config, claims)
    except Exception as error:  # named in status; stories that are not published go on
        if away(error):  # of the stories, that says nothing
            raise
        log.exception("nothing can be stated")
        why = SigningError(f"nothing can be stated: {type(error).__name__}: {error}")
        return Signed(refused=dict.fromkeys(claims, why))


def _signed(
    store: Store | None, conn: Connection, config: Config, claims: Mapping[str, Claims]
) -> Signed:
    last, keys = _last(conn, claims), proofs.keys(conn)
    standing = signing.standing(claims, last, _revoked(keys))
    wanted = {name: each for name, each in claims.items() if name not in standing}
    if not wanted:
        return Signed(standing)
    receipts, refused = signing.receipts(wanted)
    try:
        hashes = {tlog.leaf_hash(leaf) for leaf in receipts.values()}
        logged = transparency.places(conn, hashes)
        if store is None and not (keys and logged.keys() >= hashes):
            missing = SigningError("a key has to be made, or what was received be logged, first")
            return Signed(standing, refused={**dict.fromkeys(wanted, missing), **refused})
        if store is not None and not logged.keys() >= hashes:
            logged = _log(store, config, receipts)
        if store is not None and not keys:  # this is the first statement of all
            ensure_keys(store, config)
            with store.read() as later:
                keys = proofs.keys(later)
        signer = current_signer(config, keys)
    except SigningError as error:
        log.error("nothing can be signed", error=str(error))
        return Signed(standing, refused={**dict.fromkeys(wanted, error), **refused})
    accepted = {name: each for name, each in wanted.items() if name not in refused}
    new = signing.sign(Batch(accepted, last, receipts, logged, signer, clock.now()))
    return Signed(standing, new.new, {**refused, **new.refused})


def _log(store: Store, config: Config, receipts: Mapping[str, bytes]) -> dict[bytes, Logged]:
    """Put the *receipts*, by story, into the log if they are not there; their places in it.

    Intake puts them there, but not those of versions received before there was a log, or digested
    by an older rule; nor yet those of versions that it is storing right now.
    """
    leaves = {tlog.leaf_hash(leaf): (name, leaf) for name, leaf in receipts.items()}
    with store.read() as conn:
        unknown = sorted(leaves.keys() - proofs.receipt_places(conn, leaves).keys())
    if unknown:
        with store.write() as conn:
            brought = records.brought_by(conn, [leaves[each][0] for each in unknown])
            found = ((each, *leaves[each]) for each in unknown)
            proofs.add_receipts(
                conn,
                [
                    Receipt(each, name, *brought.get(name, (0, 0)), leaf)
                    for each, name, leaf in found
                ],
            )
    transparency.append(store, config)
    with store.read() as conn:
        return transparency.places(conn, leaves)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What becomes of a story: its place in feeds, its entry, a new statement.

    It is rendered again: at once when ``again``, later when there is a ``failure``. ``copy``: its
    copy stands in feeds.
    """

    place: Placement | None = None
    entry: EntryRow | None = None
    statement: StatementRow | None = None
    failure: Exception | None = None
    again: bool = False
    copy: bool = False


_Listed = tuple[bool, Sequence[str]] | Exception
"""What became of a feed: whether its bytes changed, and the stories that it still needs; or what
hindered it."""


def _keep(
    conn: Connection,
    config: Config,
    jobs: Sequence[Job],
    drafts: Mapping[str, _Draft],
    signed: Signed,
    now: datetime,
    settings: str | None = None,
) -> tuple[list[Job], list[str]]:
    """Store everything, with the lists of the feeds that changed; the jobs whose stories were
    rendered, and the feeds whose bytes changed."""
    lock(conn)
    revoked = proofs.revoked_keys(conn)
    # A lease that is lost means that somebody else has rendered the story since, from newer data.
    ours = outbox.held(conn, jobs)
    kept = [
        (job, _outcome(job.key, drafts.get(job.key), signed, revoked, now))
        for job in jobs
        if job.key in ours
    ]
    for job, outcome in kept:
        if outcome.failure is not None:
            unsigned = isinstance(outcome.failure, SigningError)
            longest = KEYLESS if unsigned else outbox.RETRY_LONGEST
            outbox.failed(conn, job, str(outcome.failure), now, longest)
            search.want(conn, [job.key])
    outbox.release(conn, [job for job, outcome in kept if outcome.again])
    finished = [job for job, outcome in kept if outcome.failure is None and not outcome.again]
    if gone := [job.key for job in finished if job.key not in drafts]:
        feeds.drop_entries(conn, gone)
    listed = _store(conn, config, [outcome for _, outcome in kept], now)
    if settings is not None and key_value.is_superseded(conn, settings):
        # What this process says of the feeds is not what they now say.
        outbox.want(conn, "feed", listed, now)
    outbox.done(conn, finished, now)
    if config.site.export is not None:
        outbox.want(conn, "export-story", [job.key for job in jobs], now)
    if config.media.keep:
        drawn = [(job, drafts[job.key]) for job in finished if job.key in drafts]
        changed = [d for job, d in drawn if d.over or job.since - d.story.changed_at < ANEW]
        outbox.want(conn, "picture", _pictured(config, changed), now)
    written = [
        job for job in finished if job.key in drafts and drafts[job.key].rendered is not None
    ]
    return written, _changed(listed)


def _store(
    conn: Connection, config: Config, outcomes: Sequence["_Outcome"], now: datetime
) -> dict[str, _Listed]:
    """Store entries, statements and places, take what is read no more out of the full-text index,
    and list the feeds that these change; what became of each of those."""
    proofs.add_statements(conn, [o.statement for o in outcomes if o.statement is not None])
    feeds.put_entries(conn, [o.entry for o in outcomes if o.entry is not None])
    touched = feeds.place(conn, [o.place for o in outcomes if o.place is not None])
    if gone := [o.place.story_id for o in outcomes if o.place is not None and not o.copy]:
        search.forget(conn, gone)
    public = set(config.public_names)
    if unseen := [
        o.place.story_id
        for o in outcomes
        if o.place is not None and (not o.copy or public.isdisjoint(o.place.feeds))
    ]:
        search.want(conn, unseen)
    listed = {name: _try(conn, config, name, now) for name in sorted(touched)}
    # Not the stories at once: others lock such rows without waiting for us to have locked ours.
    again = [name for name, found in listed.items() if isinstance(found, Exception) or found[1]]
    outbox.want(conn, "feed", again, now)
    if config.site.export is not None:
        outbox.want(conn, "export-feed", touched, now)
    _tell_hub(conn, config, _changed(listed), now)
    return listed


def _tell_hub(conn: Connection, config: Config, changed: Collection[str], now: datetime) -> None:
    """Have another one's hub told which feeds *changed*. Ours finds that by their numbers."""
    if config.hub.enabled and config.hub.url is not None:
        outbox.want(conn, "ping", changed, now)


def _changed(listed: Mapping[str, _Listed]) -> list[str]:
    """The feeds whose bytes changed."""
    return [name for name, found in listed.items() if isinstance(found, tuple) and found[0]]


def _outcome(
    name: str, draft: _Draft | None, signed: Signed, revoked: Collection[str], now: datetime
) -> _Outcome:
    nowhere = Placement(name, (), now, 0)
    if draft is None:  # deleted by a replay, or long after its licence
        return _Outcome(nowhere)
    story = draft.story
    failure = draft.failure or signed.refused.get(story.id)
    if failure and draft.notice is None:
        # When its licence is over, or its only headline was taken back, it leaves the feeds even if
        # it cannot be rendered: what they have of it must not be read on.
        leaves = draft.over or not story.headline.strip()
        return _Outcome(nowhere if leaves else None, failure=failure)
    new = signed.new.get(story.id)
    statement = new or signed.standing.get(story.id)
    if statement is not None and statement.kid in revoked:
        return _Outcome(again=True)  # revoked while we signed: the next turn signs with another
    at, version = story.placed_at, None
    if draft.rendered is not None:
        version = story.number
        entry = _entry_row(draft, draft.rendered, statement, now)
    elif draft.notice is not None:
        entry = _with_notice(_never_rendered(story, now), draft.notice, statement)
        # Where it was killed and not where its agency sent it again since.
        at = story.status_at or at
    else:
        return _Outcome(nowhere, _without_copy(draft.kept or _never_rendered(story, now)))
    place = Placement(story.id, draft.feeds, at, story.position, entry.digests, version)
    shown = draft.rendered is not None and bool(draft.feeds)
    return _Outcome(place, entry, new, failure, copy=shown)


def _entry_row(
    draft: _Draft, rendered: Rendered, statement: StatementRow | None, now: datetime
) -> EntryRow:
    """What is stored of an entry: with its statement, without its copy if the licence is over."""
    if statement is not None:
        rendered = rendered.with_statement(statement.token)
    written = {format: getattr(rendered, format) for format in WRITERS}
    row = EntryRow(
        story_id=draft.story.id,
        changed_at=draft.story.changed_at,
        scope=rendered.measurement.scope,
        edited_headline_only=rendered.measurement.edited_headline_only,
        disclosure=rendered.entry.disclosure,
        url=rendered.entry.url,
        measurement=rendered.measurement.to_json(),
        rendered_at=now,
        digests=feeds.digests_of(written),
        packed=feeds.pack(written, statement.token if statement else "") if draft.feeds else None,
    )
    return _without_copy(row) if draft.over else row


def _with_notice(row: EntryRow, said: Notice, statement: StatementRow | None) -> EntryRow:
    """*row* as it is stored in place of a story that was killed: with a notice, unsigned at first
    where nothing can be signed."""
    token = statement.token if statement else ""
    said = said.model_copy(update={"statement": token or None})
    written = notices(said)
    return replace(row, digests=feeds.digests_of(written), packed=feeds.pack(written, token))


def _without_copy(row: EntryRow) -> EntryRow:
    """*row* as it is stored when the licence is over: what was measured, nothing of the copy."""
    return replace(row, digests="", packed=None)


def _never_rendered(story: Story, now: datetime) -> EntryRow:
    """The entry of a story that is not rendered: hidden, or its words were deleted before."""
    return EntryRow(
        story_id=story.id,
        changed_at=story.changed_at,
        scope="unknown",
        edited_headline_only=False,
        disclosure="",
        url="",
        measurement={},
        rendered_at=now,
        digests="",
        packed=None,
    )


def _relist(
    conn: Connection, config: Config, name: str, now: datetime
) -> tuple[bool, Sequence[str]]:
    """Bring the feed *name* up to date with its placements: whether any of its bytes changed, and
    the stories that it is to show and whose bytes are gone, as they had left every feed."""
    feed = config.feed(name)
    if feed is None:
        return False, []  # no longer configured; a start deletes what is kept of it
    shown, unrendered, older = feeds.relist(conn, name, feed.limit)
    of = metadata(feed, config, max((each.changed_at for each in shown), default=None), older)
    listed = [each.digests for each in shown]
    digests = {
        format: feeds.document_digest(format, writer.feed(of), listed)
        for format, writer in WRITERS.items()
    }
    return feeds.put_feed(conn, name, digests, len(shown), now), unrendered


def _try(conn: Connection, config: Config, name: str, now: datetime) -> _Listed:
    """:func:`_relist`, or what hinders it."""
    try:
        return _relist(conn, config, name, now)
    except SQLAlchemyError:
        raise  # nothing of the transaction stands
    except Exception as error:  # one feed must not stop the others, whatever it raises
        log.exception("listing failed", feed=name)
        return error


def _keep_feeds(conn: Connection, config: Config, jobs: Sequence[Job], now: datetime) -> list[str]:
    """Bring feeds up to date; those whose bytes changed."""
    feeds.lock(conn)
    ours = outbox.held(conn, jobs)
    finished, others = [], []
    for job in jobs:
        if job.key not in ours:
            continue  # somebody else has listed it since
        found = _try(conn, config, job.key, now)
        if isinstance(found, Exception):
            outbox.failed(conn, job, f"{type(found).__name__}: {found}", now)
            continue
        finished.append(job)
        was_changed, unrendered = found
        if was_changed:
            others.append(job.key)
        outbox.want(conn, "story", unrendered, now)
    outbox.done(conn, finished, now)
    if config.site.export is not None:
        outbox.want(conn, "export-feed", [job.key for job in jobs], now)
    _tell_hub(conn, config, others, now)
    return others
