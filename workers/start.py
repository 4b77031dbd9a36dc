"""Opening the store: as a member does at its start, or as a command that only looks."""

from publish.rerender import rendered_before, rerender_if_changed
from stories import clock
from stories.config import Config
from stories.db import Store, connect, wires
from workers.alerts import put_clock_right


def start(config: Config) -> Store:
    """Open the store, migrate it, and apply the configuration to it.

    Safe to do in many processes at once, and again: what has not changed is not written.
    """
    store = connect(config.database)
    store.migrate()
    put_clock_right(store, clock.now())
    _apply(store, config)
    return store


def open_store(config: Config) -> Store:
    """Open the store and migrate it, without applying the configuration: that is up to the members
    that run on it, which may have another file. Only a new store gets this one's.
    """
    store = connect(config.database)
    store.migrate()
    if not rendered_before(store):
        _apply(store, config)
    return store


def _apply(store: Store, config: Config) -> None:
    with store.write() as conn:
        wires.sync(conn, config.wires, clock.now())
    rerender_if_changed(store, config)
