"""What is kept: the archive beside the bytes received, and how the database grows a poll."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select, text

from bench import agency, postgres
from bench.agency import CONTENT_TYPES, ITEMS, Moment
from bench.sides import Side, at_work
from bench.table import Table
from bench.wirecopy_side import LIMIT, once, opened
from net.client import Client
from stories import clock
from stories.db import Store, captures, key_value, storage, tables
from stories.models import body_digest
from workers import housekeeping

BEFORE = 3
"""Rounds until the feed is full of what is measured, and stories leave it as others come."""


@contextmanager
def side(urls: list[str], database: str = "") -> Iterator[Callable[[str], dict[str, int]]]:
    """Polls wires; tells what is kept, once housekeeping has done what is to be done."""
    with opened(urls, database) as (config, store), Client() as http:

        def work(what: str) -> dict[str, int]:
            if what == "poll":
                once(store, config, http, [wire.name for wire in config.wires])
                return {}
            with store.write() as conn:
                key_value.forget(conn, "housekeeping:retained")
            housekeeping.housekeeping(store, config)
            return _kept(store)

        yield work


def _kept(store: Store) -> dict[str, int]:
    """Bytes received, bytes kept of them, bytes of the database that are in use. Every capture must
    come out as it came in."""
    with store.read() as conn:
        volume, _ = storage.figures(conn, clock.now())
        for digest in conn.execute(select(tables.captures.c.digest)).scalars().all():
            body = captures.body(conn, digest)
            if body is None or body_digest(body) != digest:
                raise RuntimeError(f"the capture of digest {digest} cannot be restored")
    return {"received": volume.received, "kept": volume.kept, "size": _size(store)}


def _size(store: Store) -> int:
    with store.engine.connect() as conn:
        if store.dialect == "sqlite":
            pages = conn.execute(text("PRAGMA page_count")).scalar_one()
            free = conn.execute(text("PRAGMA freelist_count")).scalar_one()
            size = conn.execute(text("PRAGMA page_size")).scalar_one()
            return int((pages - free) * size)
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM FULL"))
        # Our tables with their indexes: what the server notes of itself comes and goes.
        return int(conn.execute(_OUR_TABLES).scalar_one())


_OUR_TABLES = text(
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def table(wires: int, rounds: int) -> Table:
    """Measure *rounds* rounds of *wires* wires, half of them RSS, half Atom."""
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="wirecopy-bench-")))
        shown = stack.enter_context(agency.performing(folder))
        formats = tuple(CONTENT_TYPES)
        urls = [shown.url(wire, formats[wire % 2]) for wire in range(wires)]
        ours = "bench.growth:side"
        sides: dict[str, Side] = {"SQLite": stack.enter_context(at_work(ours, urls=urls))}
        try:
            url, _ = stack.enter_context(postgres.running())
        except RuntimeError as error:
            absent["PostgreSQL"] = f"not measured: {str(error).splitlines()[0]}"
        else:
            database = stack.enter_context(postgres.database(url, "growth"))
            sides["PostgreSQL"] = stack.enter_context(at_work(ours, urls=urls, database=database))
        before: dict[str, dict[str, int]] = {}
        for turn in range(BEFORE + rounds + 1):
            shown.move(Moment(turn))
            for one in sides.values():
                one.ask(what="poll")
            if turn == BEFORE:
                before = {name: one.ask(what="kept").result for name, one in sides.items()}
        after = {name: one.ask(what="kept").result for name, one in sides.items()}
    polls = wires * rounds
    grown = {
        name: {what: (found[what] - before[name][what]) / polls / 1e3 for what in found}
        for name, found in after.items()
    }
    made = Table(
        "growth",
        f"Growth: kB a changed poll, 1 new of {ITEMS}; {wires} wires, {rounds} rounds",
        ("", *sides),
        notes=(
            f"One feed of {LIMIT}, housekeeping done. Every capture was restored and compared. The",
            "database: all of it, with what indexes take; SQLite's pages in use, PostgreSQL after",
            "VACUUM FULL. The archive is part of it.",
        ),
    )
    made.rows.append(("received", *(each["received"] for each in grown.values())))
    made.rows.append(("archive", *(each["kept"] for each in grown.values())))
    shares = (f"{each['kept'] / each['received']:.2%}" for each in grown.values())
    made.rows.append(("archive, of received", *shares))
    made.rows.append(("database", *(each["size"] for each in grown.values())))
    made.rows.extend(absent.items())
    return made
