"""``wirecopy status``: is anything wrong, is anything waiting, is anything lost."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from desk import show
from desk.context import opened
from ingest.schedule import GOOD
from stories import clock
from stories.newsroom import Newsroom
from stories.store import Store, captures, feeds, outbox, wires
from stories.store import stories as records


def gather(newsroom: Newsroom, store: Store) -> dict[str, Any]:
    """Everything the operator wants to know at once, as JSON holds it."""
    now = clock.now()
    with store.read() as conn:
        every = [w for w in wires.every(conn) if w.configured]
        count, versions = records.counts(conn)
        told: dict[str, Any] = {
            "wires": len(every),
            "failing": [
                {
                    "wire": w.name,
                    "state": w.state,
                    "since": w.failing_since,
                    "message": w.message,
                    "next_poll": w.due_at,
                }
                for w in every
                if w.state not in GOOD and w.state != "new"
            ],
            "faulty": [{"wire": w.name, "fault": w.fault} for w in every if w.fault],
            "late": [
                {"wire": w.name, "due": w.due_at}
                for w in every
                if (now - w.due_at).total_seconds() > LATE_SECONDS
            ],
            "quarantine": {
                "count": captures.problems_count(conn),
                "newest": [asdict(p) for p in captures.problems_listing(conn, 20)],
            },
            "outbox": [asdict(w) for w in outbox.waiting(conn, now)],
            "outbox_failures": [
                {"kind": k, "key": key, "error": error} for k, key, error in outbox.failures(conn)
            ],
            "stories": count,
            "versions": versions,
            "second_look": len(records.second_looks(conn)),
            "unrendered": feeds.unrendered(conn),
            "feeds": {
                name: {"entries": entries, "modified": modified}
                for name, (entries, modified) in feeds.summary(conn).items()
            },
            "captures": asdict(captures.volume(conn)),
        }
    told["database"] = store.name
    return told


LATE_SECONDS = 60
"""A wire this long past its time is late: the dispatcher claims every second."""


def status(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Tell how wires, quarantine, outbox, feeds and storage stand."""
    with opened(ctx) as (newsroom, store):
        told = gather(newsroom, store)
    if json:
        show.as_json(told)
        return
    volume = told["captures"]
    show.facts(
        {
            "database": told["database"],
            "wires": f"{told['wires']} ({len(told['failing'])} failing, {len(told['late'])} late)",
            "stories": f"{told['stories']} in {told['versions']} versions",
            "second look": f"{told['second_look']} wait for the desk"
            if told["second_look"]
            else "",
            "captures": f"{volume['captures']} ({_mb(volume['received'])} received,"
            f" {_mb(volume['kept'])} kept)",
            "quarantine": str(told["quarantine"]["count"]),
            "waiting": ", ".join(
                f"{w['count']} {w['kind']} (oldest {show.ago(w['oldest'])})" for w in told["outbox"]
            )
            or "nothing",
            "not rendered": str(told["unrendered"]) if told["unrendered"] else "",
        }
    )
    for wire in told["failing"]:
        show.say(
            f"! wire {wire['wire']}: {wire['state']} since {show.when(wire['since'])}"
            f" — {wire['message']} (next try {show.ago(wire['next_poll'])})"
        )
    for wire in told["faulty"]:
        show.say(f"! wire {wire['wire']}: {wire['fault']}")
    for wire in told["late"]:
        show.say(f"! wire {wire['wire']}: was due {show.ago(wire['due'])} and was not polled")
    for problem in told["quarantine"]["newest"]:
        item = f" item {problem['position']}" if problem["position"] >= 0 else ""
        show.say(
            f"! capture {problem['capture_id']}{item} of {problem['wire']}:"
            f" {problem['state']}: {problem['message']}"
        )
    for job in told["outbox_failures"]:
        show.say(f"! {job['kind']} {job['key']}: {job['error']}")


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
