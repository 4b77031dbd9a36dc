"""Opening the store: as a member does at its start, or as a command that only looks."""

from collections.abc import Iterator
from contextlib import contextmanager

from publish.rerender import rendered_before, rerender_if_changed
from stories import clock
from stories.config import Config
from stories.db import Store, connect, key_value, wires
from stories.db.key_value import AUTHORITY
from stories.errors import ConfigError
from workers.alerts import put_clock_right


def start(config: Config) -> Store:
    """Open the store, migrate it, and apply the configuration to it.

    Safe to do in many processes at once, and again: what has not changed is not written.
    """
    with _opening(config) as store:
        store.migrate()
        _refuse_renamed(store, config)
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
    """Have ids made of the publisher's host under which the store began: RFC 4287 §4.2.6 forbids
    that they change when the publisher moves."""
    with store.read() as conn:
        known = key_value.read(conn, AUTHORITY)
    if known is None:
        known = config.publisher.authority
        with store.write() as conn:
            key_value.write(conn, AUTHORITY, known)
    config.publisher.began_as(known)


def _refuse_renamed(store: Store, config: Config) -> None:
    """:raises ConfigError: where a wire has only another name than before: all its stories would
    come anew, without the desk's headlines."""
    with store.read() as conn:
        renamed = wires.renamed(conn, config.wires)
    if renamed:
        raise ConfigError(
            "\n".join(
                f"wires: {new!r} has the url and agency that {old!r} had until now; under the new"
                f" name all its stories would be published anew, without the desk's headlines. Keep"
                f" name = {old!r}; or, to begin anew, run `wirecopy poll` once without this wire"
                for old, new in renamed
            )
        )


def _apply(store: Store, config: Config) -> None:
    with store.write() as conn:
        wires.sync(conn, config.wires, clock.now())
    rerender_if_changed(store, config)
