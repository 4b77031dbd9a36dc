"""What commands share: the configuration and the store they start from, and names of things."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from stories import folders
from stories.config import Config, Feed, load
from stories.db import Store
from stories.db import stories as records
from stories.errors import UnknownNameError
from stories.models import Story
from workers.start import open_store, start

LARGEST = 2**63 - 1
"""The largest whole number that both databases hold."""

Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Received at or after (ISO 8601).")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Received before (ISO 8601).")
]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who does this (default: the machine's user)."),
]


def who(by: str | None) -> str:
    """The name of who does this: *by*, or the machine's user.

    :raises HeadlineError: for one that cannot be seen or typed.
    """
    from desk.headline import checked

    user = folders.user_name(os.geteuid()) if by is None else by
    return checked(user, "name of who does this")


def config_file(ctx: typer.Context) -> Path | None:
    """The configuration file of ``--config``; None for the usual places."""
    file = ctx.find_root().obj
    return file if isinstance(file, Path) else None


@contextmanager
def opened(ctx: typer.Context, *, follow: bool = False) -> Iterator[tuple[Config, Store]]:
    """The configuration and its store, open for one command.

    With *follow* the store's wires and feeds become those of the configuration, as when members
    start; without it the store stays as its members have it.
    """
    config = load(config_file(ctx))
    store = start(config) if follow else open_store(config)
    try:
        yield config, store
    finally:
        store.close()


def telling(config: Config, store: Store) -> Callable[[Collection[str]], None]:
    """A function that tells running webs, if there are any, which feeds this command changed."""

    def changed(names: Collection[str]) -> None:
        from workers import notices  # a tenth of a second, which only a change needs

        notices.tell_feeds_of(config, store, names)

    return changed


def moment(text: str | None, option: str) -> datetime | None:
    """An ISO 8601 time from the command line; one without a zone is the machine's own."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"{text!r} is no time; write it like 2026-11-22T06:00:00+05:30", param_hint=option
        ) from error


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


def feed_named(config: Config, name: str) -> Feed:
    """The configured feed *name*.

    :raises UnknownNameError: naming those there are.
    """
    found = config.feed(name)
    if found is None:
        names = ", ".join(feed.name for feed in config.outgoing)
        raise UnknownNameError(f"feed {name}: there is none; known: {names}")
    return found


def check_wires(config: Config, names: list[str], also: list[str] | None = None) -> None:
    """Refuse wire names that are neither configured nor in *also*.

    :raises UnknownNameError: naming those there are.
    """
    known = sorted({wire.name for wire in config.wires} | set(also or ()))
    for name in names:
        if name not in known:
            raise UnknownNameError(
                f"wire {name}: there is none; known: {', '.join(known) or 'none'}"
            )
