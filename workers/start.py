"""Opening shop: what a member does first, worker, beat and web, and who only comes to look."""

from publish.rerender import rendered_before, rerender_if_changed
from stories import clock
from stories.config import Config
from stories.db import Store, connect, wires


def start(config: Config) -> Store:
    """Open the store, bring its tables up to date, and make it follow the configuration.

    Safe to do in many processes at once, and again: what has not changed is not touched.
    """
    store = connect(config.database)
    store.migrate()
    _follow(store, config)
    return store


def visit(config: Config) -> Store:
    """Open the store as it stands: what runs on it follows the file of its members, whichever
    file a visitor has. Only a store that nobody has started yet follows the visitor's.
    """
    store = connect(config.database)
    store.migrate()
    if not rendered_before(store):
        _follow(store, config)
    return store


def _follow(store: Store, config: Config) -> None:
    with store.write() as conn:
        wires.sync(conn, config.wires, clock.now())
    rerender_if_changed(store, config)
