"""Opening the store: as a member does at its start, or as a command that only looks."""

from collections.abc import Iterator
from contextlib import contextmanager

from publish.rerender import rendered_before, rerender_if_changed
from stories import clock
from stories.config import Config
from stories.db import Store, connect, hubs, key_value, names, wires
from stories.db.key_value import AUTHORITY
from stories.errors import ConfigError
from workers.alerts import put_clock_right


def start(config: Config) -> Store:
    """Open the store, migrate it, and apply the configuration to it.

    Safe to do in many processes at once, and again: what has not changed is not written.
    """
    with _opening(config) as store:
        store.migrate()
        _rename(store, config)
        keep_ids(store, config)
        put_clock_right(store, clock.now())
        _apply(store, config)
    return store


def open_store(config: Config) -> Store:
    """Open the store and migrate it, without applying the configuration: that is up to the members
    that run on it, which may have another file. Only a new store gets this one's.
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
    store = connect(config.database)
    try:
        yield store
    except BaseException:
        store.close()
        raise


def keep_ids(store: Store, config: Config) -> None:
    """Have ids made of the publisher's host and the names under which the store, its wires and its
    feeds began: RFC 4287 §4.2.6 forbids that they change."""
    with store.read() as conn:
        known = key_value.read(conn, AUTHORITY)
        began, left = names.first_names(conn), wires.left(conn, config.wires)
    if known is None:
        known = config.publisher.authority
        with store.write() as conn:
            key_value.write(conn, AUTHORITY, known)
    config.recall(known, began, left)


def _rename(store: Store, config: Config) -> None:
    """Have wires and feeds go on under new names with what they had under those in their aliases.

    :raises ConfigError: where a new wire has the address of one that left, and does not say whether
        it is that one: all stories would come anew, without the desk's headlines.
    """
    with store.write() as conn:
        faults = [
            f"wires: {one!r} and {two!r} have stories of their own, and cannot become one; take"
            f" {two!r} out of the aliases of {one!r}"
            for one, two in names.rename(conn, config)
        ] or [
            f"wires: {new!r} has the url that {old!r} had until now. If it is that wire under"
            f' another name, write aliases = ["{old}"], and its stories keep their guids and'
            " headlines; if it is another wire, write aliases = []"
            for old, new in wires.renamed(conn, config.wires)
        ]
        if faults:
            raise ConfigError("\n".join(faults))


def _apply(store: Store, config: Config) -> None:
    with store.write() as conn:
        wires.sync(conn, config.wires, clock.now())
        hubs.sync(conn, config.wires, config.site.url, clock.now())
    rerender_if_changed(store, config)
