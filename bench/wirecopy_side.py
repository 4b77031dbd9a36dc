"""Wirecopy's side of the pipeline, in one process: what ``wirecopy poll`` does, again and again."""

import tempfile
from pathlib import Path

from pydantic import SecretStr

from bench import agency, inputs
from bench.rounds import LIMIT, lived
from ingest import intake, poll, sandbox
from ingest.item import Hints
from net.client import Client
from publish import renderer
from stories import clock
from stories.config import Config
from stories.db import Store, captures, feeds
from stories.db import stories as records
from stories.db import wires as known
from workers.start import start


def run(
    base: str, moment: str, wires: int, rounds: int, database: str = "", server: int | None = None
) -> dict[str, float]:
    """The rounds on the agency at *base*.

    *database* is PostgreSQL's URL, empty for SQLite; *server* is the process id of its server.
    """
    rules = [inputs.wire(f"sim-{n}", base + agency.path(n)) for n in range(wires)]
    with tempfile.TemporaryDirectory(prefix="wirecopy-bench-") as folder:
        config = inputs.config_of(tuple(rules), Path(folder), LIMIT)
        if database:
            config = config.model_copy(update={"database_url": SecretStr(database)})
        store = start(config)
        renderer.render_waiting(store, config)
        # A worker's child that reads captures is started once; that is not what is measured here.
        sandbox.read(agency.bodies(1, "rss")[0], Hints(url=base), rules[0])
        with Client() as http:
            figures = lived(
                lambda: once(store, config, http), Path(moment), base, wires, rounds, server
            )
        with store.read() as conn:
            stories, _ = records.counts(conn)
            made = {f: feeds.feed(conn, "all", f) for f in feeds.FORMATS}
        store.close()
    held = {f: row.entries if row else 0 for f, row in made.items()}
    if set(held.values()) != {min(LIMIT, stories)}:
        raise RuntimeError(f"{held} entries are in the feeds, of {stories} stories")
    for kind in ("first", "unchanged", "news"):
        if figures[f"{kind} changed"] != figures[f"{kind} came"]:
            raise RuntimeError(f"{kind}: {figures} does not say what the agency published")
    return figures


def once(store: Store, config: Config, http: Client) -> int:
    """Poll every wire, take in what came, render; how many stories were new or changed."""
    names = [wire.name for wire in config.wires]
    with store.write() as conn:
        claimed = known.take(conn, names, clock.now() + poll.lease_for(config))
    polled = list(poll.poll(store, config, http, claimed))
    failed = [p for p in polled if p.state not in ("ok", "unchanged", "not-modified")]
    if failed:
        raise RuntimeError(f"{len(failed)} polls failed, the first: {failed[0]}")
    intake.take_in_waiting(store, config, names, limit=len(names))
    renderer.render_waiting(store, config, limit=10**9)
    with store.read() as conn:
        taken = [captures.get(conn, p.capture_id) for p in polled if p.capture_id]
    return sum(c.new + c.updated for c in taken if c)
