"""``wirecopy poll``: one pass now, due or not, in this process, without a broker."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import typer

from desk import show
from desk.cli.context import check_wires, opened, telling, who
from ingest import intake
from ingest import poll as polling
from ingest.poll import lease_for
from ingest.schedule import Polled
from net.client import Client
from publish import indexer, renderer, rerender
from publish.pictures import keep_waiting
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, captures, outbox, statistics, wire_acts, wires
from stories.db.wire_acts import WireAct
from stories.errors import NO_HEADLINE
from stories.logs import masked
from stories.models import Problem, WireState
from workers.politeness import choose

AT_ONCE = 50
"""Wires leased in one go: as many as one client has under way."""

INDEXING = 5.0
"""Seconds for the full-text index: of a long history a part each time."""

PICTURES = 30.0
"""Seconds after which no more stories' pictures are fetched; the next time goes on."""


def poll(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[WIRE]…")] = None,
    insist: Annotated[
        bool,
        typer.Option("--now", help="Also wires whose servers asked to wait (Retry-After)."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Poll the wires once, now.

    All, or those named; what came is taken in, and the feeds are rendered.
    """
    with opened(ctx, follow=True) as (config, store):
        chosen = names or [w.name for w in config.wires]
        check_wires(config, chosen)
        if names:
            _note_resumed(store, chosen)
        asked = in_turn(store, config, chosen, resume=bool(names), insist=insist)
        with Client() as http:
            polled = list(polling.poll(store, config, http, asked))
        names = sorted({name for each in chosen for name in config.family(each)})
        intake.take_in_waiting(store, config, names, limit=len(names))
        rerender.go_on(store)  # a step each time, as nobody else may do it
        renderer.render_waiting(store, config, changed=telling(config, store))
        indexer.index_waiting(store, config, INDEXING)
        ends = time.monotonic() + PICTURES
        with Client() as http:
            while time.monotonic() < ends and list(keep_waiting(store, config, http)):
                pass
        with store.read() as conn:
            rows = [_outcome(conn, one) for one in sorted(polled, key=lambda one: one.wire)]
            waiting = _waiting(conn, set(chosen) - {one.wire for one in polled}, chosen)
            headless = _headless(conn)
    if json:
        show.as_json(rows)
    else:
        columns = ("wire", "state", "capture", "items", "new", "updated")
        nothing = "no wires are configured; add [[wires]] to wirecopy.toml"
        show.table(rows, columns, "no wire was polled" if chosen else nothing)
    failed = [row for row in rows if row["message"]]
    for row in failed:
        show.complain(f"wire {row['wire']}: {row['message']}")
    for line in [*waiting, *headless]:
        show.complain(line)
    if failed or waiting:
        raise typer.Exit(1)


def _note_resumed(store: Store, names: Sequence[str]) -> None:
    """Put on record that those of the wires *names* are resumed by this that were paused."""
    with store.write() as conn:
        for name in names:
            state = wires.get(conn, name)
            if state is not None and state.paused_at is not None:
                wire_acts.add(conn, WireAct(name, "resume", who(None), clock.now()))


def _waiting(conn: Connection, unasked: Iterable[str], names: Sequence[str]) -> list[str]:
    """What was not done, and for whom it waits, in sentences: the wires *unasked*, captures of the
    wires *names* that were not taken in, stories and feeds that were not published."""
    found = []
    for name in sorted(unasked):
        state = wires.get(conn, name)
        if state is not None and state.paused_at is not None:
            because = f"{state.state}, since {show.when(state.paused_at)}"
            found.append(f"wire {name}: paused ({because}); `wirecopy poll {name}` resumes it")
        elif state is not None and state.retry_at is not None:
            found.append(
                f"wire {name}: not polled, as its server asked to wait until"
                f" {show.when(state.retry_at)} (Retry-After); `wirecopy poll {name} --now` asks all"
                " the same"
            )
    found += [
        f"wire {name}: a capture waits until another process, or `wirecopy up`, has taken it in"
        for name in sorted(set(names) & set(captures.wires_pending(conn)))
    ]
    faults: dict[str, list[str]] = {}
    for kind, key, error in outbox.failures(conn):
        if kind in ("story", "feed") and NO_HEADLINE not in error:
            faults.setdefault(error, []).append(f"{kind} {key}")
    for error, keys in faults.items():
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        found.append(f"not published, tried again later: {', '.join(keys[:3])}{more}: {error}")
    for work in outbox.waiting(conn, clock.now()):
        if work.kind in ("story", "feed") and work.count > work.failed:
            count, what = work.count - work.failed, {"story": "stories", "feed": "feeds"}[work.kind]
            found.append(f"not published yet: {count} {what}, which another process is rendering")
    return found


def _headless(conn: Connection) -> list[str]:
    """A sentence about the stories that wait for the desk, which is no fault."""
    ids = statistics.headless(conn)
    if not ids:
        return []
    what = "1 story has" if len(ids) == 1 else f"{len(ids)} stories have"
    return [f"{what} no headline, and waits for the desk: wirecopy headline {ids[0]} …"]


def in_turn(
    store: Store, config: Config, names: Iterable[str], *, resume: bool, insist: bool = True
) -> Iterator[WireState | None]:
    """The wires *names*, each leased when politeness lets it start; None while none may.

    What workers have under way counts too. Paused wires are left out, unless *resume*; so are those
    whose servers asked to wait, unless *insist*.
    """
    with store.read() as conn:
        waiting = {wire.name: wire for wire in wires.named(conn, names)}
    while waiting:
        now = clock.now()
        with store.write() as conn:
            taken: list[WireState] = []
            if wires.dispatcher(conn):
                traffic = wires.traffic(conn, now, config.politeness.gap)
                chosen = choose(waiting.values(), traffic, config.politeness, now, AT_ONCE)
                names = [wire.name for wire in chosen]
                # Twice: it may have to wait until one of those under way has ended.
                until = now + 2 * lease_for(config, names)
                taken = wires.take(conn, names, until, resume=resume, insist=insist)
                for wire in chosen:
                    del waiting[wire.name]
        yield from taken
        if not taken:
            yield None


def _outcome(conn: Connection, polled: Polled) -> dict[str, Any]:
    """What came of a poll; ``message`` is empty when all of it is well."""
    kept = captures.several(conn, polled.captures).values()
    state = wires.get(conn, polled.wire)
    fault = state.fault if state is not None else None
    problems = [p for number in polled.captures for p in captures.problems_of(conn, number)]
    return {
        "wire": polled.wire,
        "state": polled.state,
        "capture": polled.capture_id,
        "items": sum(each.items for each in kept) if kept else None,
        "new": sum(each.new for each in kept) if kept else None,
        "updated": sum(each.updated for each in kept) if kept else None,
        "message": masked(polled.message or fault or _quarantined(problems)),
    }


def _quarantined(problems: Sequence[Problem]) -> str:
    """A sentence about the *problems* of one capture; empty for none."""
    if not problems:
        return ""
    number, count = problems[0].capture_id, len(problems)
    return (
        f"capture {number}: {count} item{'s' * (count > 1)} in quarantine, the first:"
        f" {problems[0].told}; `wirecopy captures {number}` shows all"
    )
