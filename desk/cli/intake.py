"""``wirecopy pause``, ``resume``, ``accept`` and ``leave``: what people do about wires, and about
what is in quarantine."""

from typing import Annotated

import typer

from desk import show
from desk.cli.context import LARGEST, By, check_wires, opened, telling, who
from desk.wire_acts import act, decide, quarantined
from stories.config import Config
from stories.db import Store, captures, wire_acts
from stories.db.wire_acts import WireActKind
from stories.errors import UnknownNameError
from stories.models import WHOLE

Wire = Annotated[str, typer.Argument(metavar="WIRE", help="The wire.")]
Capture = Annotated[int, typer.Argument(metavar="CAPTURE", max=LARGEST, help="Its capture.")]


def pause(ctx: typer.Context, name: Wire, by: By = None) -> None:
    """Poll a wire no more until it is resumed; what its agency sends by itself is still taken."""
    _on_wire(ctx, name, "pause", by)
    show.say(f"{name}: paused; `wirecopy resume {name}` polls it again")


def resume(ctx: typer.Context, name: Wire, by: By = None) -> None:
    """Poll a wire again that was paused: at once."""
    _on_wire(ctx, name, "resume", by)
    show.say(f"{name}: resumed; it is due now")


def _on_wire(ctx: typer.Context, name: str, kind: WireActKind, by: str | None) -> None:
    with opened(ctx) as (config, store):
        check_wires(config, [name])
        act(store, name, kind, who(by))


def accept(
    ctx: typer.Context,
    capture: Capture,
    item: Annotated[int, typer.Argument(metavar="ITEM", min=1, help="Its number there.")],
    by: By = None,
) -> None:
    """Take an item in that is in quarantine for its words, without a claim.

    It is published as it was read, with the edit scope unknown and no line, here and wherever its
    bytes come again on this wire. That is not undone; the story can be held or killed.
    """
    from ingest import replay  # half a second that only this command needs
    from publish import renderer

    with opened(ctx) as (config, store):
        wire = _on_problem(store, config, capture, item, "accept", by)
        while replay.take_in_accepted(store, config):
            pass
        renderer.render_waiting(store, config, changed=telling(config, store))
        with store.read() as conn:
            waits = wire in wire_acts.waiting(conn)
    done = "will be taken in by `wirecopy up`, which has its wire" if waits else "taken in"
    show.say(f"capture {capture}, item {item}: {done}, without a claim")


def leave(
    ctx: typer.Context,
    capture: Capture,
    item: Annotated[
        int | None,
        typer.Argument(metavar="[ITEM]", min=1, help="Its number there; without, the whole."),
    ] = None,
    by: By = None,
) -> None:
    """Leave in quarantine what could not be taken in, off the desk's list."""
    with opened(ctx) as (config, store):
        _on_problem(store, config, capture, item, "leave", by)
    show.say(f"capture {capture}{f', item {item}' if item else ''}: left in quarantine")


def _on_problem(
    store: Store, config: Config, capture: int, item: int | None, kind: WireActKind, by: str | None
) -> str:
    found = quarantined(store, config, capture, item - 1 if item else WHOLE)
    if found is None:
        raise UnknownNameError(_not_there(store, capture, item))
    decide(store, found, kind, who(by))
    return found.problem.wire


def _not_there(store: Store, capture: int, item: int | None) -> str:
    """Why nothing is done about that: it is not in quarantine."""
    with store.read() as conn:
        if captures.get(conn, capture) is None:
            return f"capture {capture}: there is none; see `wirecopy captures`"
        some = captures.problems_of(conn, capture)
    what = f"item {item} of capture {capture}" if item else f"capture {capture} as a whole"
    listed = f"`wirecopy captures {capture}` says what of it is" if some else "nothing of it is"
    return (
        f"{what}: is not in quarantine; {listed}, and `wirecopy captures --failed` lists the rest"
    )
