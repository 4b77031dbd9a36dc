"""The member ``desk``: the desk in the browser, served in this process until it is told to stop.

python -m desk.newsroom
"""

import asyncio
import logging
import os

from desk.listen import listen_as_desk
from desk.newsroom.app import create
from desk.web import BROKER_PATIENCE, member, run
from stories.config import Config
from stories.db import connect
from workers.address import broker_address, client, key_prefix
from workers.notices import tell_feeds
from workers.start import start

PATIENCE = 20.0
"""Seconds the database has for one statement: an act may wait for others that are just rendered."""


def serve(config: Config, *, started: bool) -> None:
    """Serve the desk on its address until SIGTERM or SIGINT; answers under way are finished.

    *started* says that the store was started with this very *config*.

    :raises WirecopyError: when there is no desk, its address cannot be listened on, the store
        cannot be opened, or the server ends of itself.
    """
    host, port = listen_as_desk(config)
    store = (connect(config.database) if started else start(config)).hurry(PATIENCE)
    broker = client(broker_address(config), BROKER_PATIENCE, key_prefix(store))
    try:
        app = create(config, store, changed=lambda names: tell_feeds(broker, names))
        asyncio.run(run(app, host, port, "desk", app.end))
    finally:
        broker.close()
        store.close()


def main(started: Config | None = None) -> int:
    """Serve as configured, or as the store was *started*; 1 with one line in the log when that
    fails."""
    return member("desk", serve, started)


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # as desk.web does, and why
