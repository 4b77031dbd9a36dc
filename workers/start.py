"""Opening shop: what a member does first, worker, beat and web, and who only comes to look."""

from publish.refresh import begun, refresh
from stories import clock
from stories.newsroom import Newsroom
from stories.store import Store, connect, wires


def start(newsroom: Newsroom) -> Store:
    """Open the store, bring its tables up to date, and make it follow the configuration.

    Safe to do in many processes at once, and again: what has not changed is not touched.
    """
    store = connect(newsroom.database)
    store.migrate()
    _follow(store, newsroom)
    return store


def visit(newsroom: Newsroom) -> Store:
    """Open the store as it stands: what runs on it follows the file of its members, whichever
    file a visitor has. Only a store that nobody has started yet follows the visitor's.
    """
    store = connect(newsroom.database)
    store.migrate()
    if not begun(store):
        _follow(store, newsroom)
    return store


def _follow(store: Store, newsroom: Newsroom) -> None:
    with store.write() as conn:
        wires.sync(conn, newsroom.wires, clock.now())
    refresh(store, newsroom)
