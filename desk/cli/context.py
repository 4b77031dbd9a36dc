"""What every command starts from: the configuration named on the command line, the store opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from stories.config import Config, load
from stories.db import Store
from stories.db import stories as records
from stories.errors import UnknownNameError
from stories.models import Story
from workers.start import open_store, start

LARGEST = 2**63 - 1
"""The largest whole number that both databases hold."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The configuration file asked for; ``None`` means the usual places."""

    config: Path | None = None


def newsroom_of(ctx: typer.Context) -> Config:
    """The newsroom that the command line names."""
    desk = ctx.find_root().obj
    return load(desk.config if isinstance(desk, Desk) else None)


@contextmanager
def opened(ctx: typer.Context, *, follow: bool = False) -> Iterator[tuple[Config, Store]]:
    """The newsroom and its store, open for one command; with *follow*, for one that makes the
    store's wires and feeds those of the configuration, as members do at their start."""
    config = newsroom_of(ctx)
    store = start(config) if follow else open_store(config)
    try:
        yield config, store
    finally:
        store.close()


def story_named(store: Store, name: str) -> Story:
    """The story whose id is *name* or begins with it.

    :raises UnknownNameError: for none, or for more than one.
    """
    with store.read() as conn:
        ids = records.matching(conn, name.strip().lower()) if name.strip() else []
        if len(ids) == 1 or name in ids:
            found = records.one(conn, name if name in ids else ids[0])
            if found is not None:
                return found
    if ids:
        raise UnknownNameError(
            f"story {name}: several begin so ({', '.join(ids)}); type more of it"
        )
    raise UnknownNameError(f"story {name}: there is none; `wirecopy stories` lists them")


def check_wires(config: Config, names: list[str], also: list[str] | None = None) -> None:
    """Refuse wire names that are neither configured nor in *also*.

    :raises UnknownNameError: naming those there are.
    """
    known = sorted({w.name for w in config.wires} | set(also or ()))
    for name in names:
        if name not in known:
            raise UnknownNameError(
                f"wire {name}: there is none; known: {', '.join(known) or 'none'}"
            )
