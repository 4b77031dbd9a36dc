"""Wirecopy's sides: the functions that workers call, in one process, again and again."""

import gc
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import func, select

from bench import inputs
from ingest import intake, poll
from net.client import Client
from publish import renderer
from stories import clock
from stories.config import Config
from stories.db import Store, tables
from stories.db import wires as known
from workers.start import start

LIMIT = 50
"""Entries in the feed that is made."""


@contextmanager
def opened(urls: Sequence[str], database: str) -> Iterator[tuple[Config, Store]]:
    """A store with a wire for each of *urls*; *database* is PostgreSQL's URL, empty for SQLite."""
    with tempfile.TemporaryDirectory(prefix="wirecopy-bench-") as folder:
        rules = tuple(inputs.wire(f"sim-{n}", url) for n, url in enumerate(urls))
        config = inputs.config_of(rules, Path(folder), LIMIT)
        if database:
            config = config.model_copy(update={"database_url": SecretStr(database)})
        store = start(config)
        gc.collect()
        gc.freeze()  # as a worker does, so that no collection goes through all that it imported
        try:
            yield config, store
        finally:
            store.close()


@contextmanager
def polling(urls: list[str], database: str = "") -> Iterator[Callable[..., int]]:
    """Polls wires as ``wirecopy poll`` does: fetch, keep, take in, render."""
    with opened(urls, database) as (config, store), Client() as http:
        names = {wire.url: wire.name for wire in config.wires}

        def work(urls: Sequence[str], prepare: bool = False) -> int:
            if prepare:
                return stories(store)
            once(store, config, http, [names[url] for url in urls])
            return len(urls)

        yield work


def once(store: Store, config: Config, http: Client, names: Sequence[str]) -> None:
    """Poll the wires *names*; take in and render where something came, as workers do."""
    with store.write() as conn:
        claimed = known.take(conn, names, clock.now() + poll.lease_for(config))
    polled = list(poll.poll(store, config, http, claimed))
    failed = [p for p in polled if p.state not in ("ok", "unchanged", "not-modified")]
    if failed or len(polled) != len(names):
        raise RuntimeError(f"{len(failed)} of {len(polled)} polls failed: {failed[:1]}")
    if all(p.capture_id is None for p in polled):
        return
    intake.take_in_waiting(store, config, names, limit=len(names))
    renderer.render_waiting(store, config, limit=10**9)


def stories(store: Store) -> int:
    """How many stories there are."""
    with store.read() as conn:
        query = select(func.count()).select_from(tables.stories)
        return int(conn.execute(query).scalar_one())
