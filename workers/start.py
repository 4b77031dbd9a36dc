"""Opening shop: what every process does first, worker, beat, web and command alike."""

from publish.refresh import refresh
from stories import clock
from stories.newsroom import Newsroom
from stories.store import Store, connect, wires


def start(newsroom: Newsroom) -> Store:
    """Open the store, bring its tables up to date, and make it follow the configuration.

    Safe to do in many processes at once, and again: what has not changed is not touched.
    """
    store = connect(newsroom.database)
    store.migrate()
    with store.write() as conn:
        wires.sync(conn, newsroom.wires, clock.now())
    refresh(store, newsroom)
    return store
