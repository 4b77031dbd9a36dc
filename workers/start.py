"""Opening the store: as a member does at its start, or as a command that only looks."""

from collections.abc import Iterator
from contextlib import contextmanager

from publish.rerender import refresh, rendered_before
from stories import clock
from stories.config import Config, variable
from stories.db import Connection, Store, connect, hubs, key_value, names, wires
from stories.db.key_value import AUTHORITY
from stories.errors import AddressError, ConfigError
from workers.alerts import put_clock_right, tell_failover


def start(config: Config) -> Store:
    """Open the store, migrate it, and apply the configuration to it.

    Safe to do in many processes at once, and again: what has not changed is not written.
    """
    with _opening(config) as store:
        store.migrate()
        now = clock.now()
        put_clock_right(store, now)
        tell_failover(store, now)
        _apply(store, config)
    return store


def open_store(config: Config) -> Store:
    """Open the store and migrate it, without applying the configuration: that is up to the members
    that run on it, which may have another file. Only a new store gets this one's, which binds to
    nothing before anything comes.
    """
    with _opening(config) as store:
        store.migrate()
        keep_ids(store, config)
        if not rendered_before(store):
            _apply(store, config)
    return store


@contextmanager
def _opening(config: Config) -> Iterator[Store]:
    """The store, closed again if the block ends with an error."""
    try:
        store = connect(config.database)
    except AddressError as error:
        raise ConfigError(f"database_url ({variable(['database_url'])}): {error}") from error
    try:
        yield store
    except BaseException:
        store.close()
        raise


def keep_ids(store: Store, config: Config) -> None:
    """Have ids made of the publisher's host and the names under which the store, its wires and its
    feeds began: RFC 4287 §4.2.6 forbids that they change."""
    with store.read() as conn:
        _recall(conn, config)


def _recall(conn: Connection, config: Config) -> bool:
    """Tell *config* what the store knows of its names; whether it knows the publisher's host, which
    it does once anything has an id of it."""
    known = key_value.read(conn, AUTHORITY) if names.in_ids(conn) else None
    began, left = names.first_names(conn), wires.left(conn, config.wires)
    config.recall(known or config.publisher.authority, began, left)
    return known is not None


def _apply(store: Store, config: Config) -> None:
    """Make the wires and feeds of the store those of *config*: under new names with what they had
    under others, with those that are new, and rendered as it says.

    All of it at once, and by one process at a time: another that starts with another file must not
    come between, and find or leave a wire under both of its names.

    :raises ConfigError: where it does not say which wire one is. All its stories would come anew,
        without the desk's headlines, if it were taken for another.
    """
    with store.write() as conn:
        names.lock(conn)
        now = clock.now()
        if faults := names.rename(conn, config):
            raise ConfigError("\n".join(faults))
        if not _recall(conn, config):
            key_value.write(conn, AUTHORITY, config.publisher.authority)
        wires.sync(conn, config.wires, now)
        hubs.sync(conn, config.wires, config.site.url, now)
        refresh(conn, config, now)
