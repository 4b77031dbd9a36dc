"""Wires polled because somebody asks for it now: due or not, and yet as politely as by workers."""

from collections.abc import Iterable, Iterator

from ingest.poll import lease_for
from stories import clock
from stories.config import Config
from stories.db import Store, wires
from stories.db.wires import WireState
from workers.politeness import choose

AT_ONCE = 50
"""Wires leased in one go: as many as one client has under way."""


def in_turn(
    store: Store, config: Config, names: Iterable[str], *, resume: bool
) -> Iterator[WireState | None]:
    """The wires *names*, each leased when politeness lets it start; None while none may.

    What workers have under way counts, too. Wires that are paused are left out, unless *resume*.
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
                taken = wires.take(conn, names, until, resume=resume)
                for wire in chosen:
                    del waiting[wire.name]
        yield from taken
        if not taken:
            yield None
