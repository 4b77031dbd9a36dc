"""``wirecopy keys``: the keys that sign statements: listed, published, rotated, revoked."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer

from desk import show
from desk.backup import told
from desk.cli.context import moment, opened
from desk.headline import checked
from stories import clock
from stories.config import Config
from stories.db import Store, outbox, proofs
from stories.db.proofs import KeyRow
from stories.errors import SigningError
from stories.keys import (
    ensure_keys,
    faults,
    key_set,
    revoke_key,
    rotate_key,
    signer_of,
    signing_key,
)
from stories.transparency import begin_anew


def keys(
    ctx: typer.Context,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new key; it signs after signing.overlap.")
    ] = False,
    at_once: Annotated[
        bool, typer.Option("--now", help="With --rotate: the new key signs at once.")
    ] = False,
    revoke: Annotated[
        str | None, typer.Option("--revoke", metavar="KID", help="Nothing it signed counts.")
    ] = None,
    new_log: Annotated[
        bool,
        typer.Option("--new-log", help="Begin another log: the key of this one is lost, or known."),
    ] = False,
    restored_to: Annotated[
        str | None,
        typer.Option(
            "--restored-to",
            metavar="TIME",
            help="With --new-log: the database was put back to what it was then (ISO 8601).",
        ),
    ] = None,
    unvouched: Annotated[
        bool, typer.Option("--unvouched", help="With --new-log: go on when all keys are lost.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="With --revoke: why, published.")
    ] = None,
    jwks: Annotated[
        bool, typer.Option("--jwks", help="Print the JWK Set, as /.well-known/jwks.json has it.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the signing keys; make a new one, or revoke one."""
    if at_once and not rotate:
        raise typer.BadParameter("goes with --rotate", param_hint="--now")
    if (revoke is None) != (reason is None):
        raise typer.BadParameter("--revoke KID and --reason TEXT go together")
    known_until = _past(moment(restored_to, "--restored-to"))
    for option, given in (("--unvouched", unvouched), ("--restored-to", restored_to)):
        if given and not new_log:
            raise typer.BadParameter("goes with --new-log", param_hint=option)
    if rotate + (revoke is not None) + new_log + jwks > 1:
        raise typer.BadParameter("one of --rotate, --revoke, --new-log and --jwks at a time")
    with opened(ctx) as (config, store):
        if rotate:
            _rotate(store, config, at_once=at_once)
        elif new_log:
            with store.write() as conn:
                begun = begin_anew(conn, config, known_until, unvouched=unvouched)
                outbox.put_forward(conn, clock.now())
            for line in told(begun):
                show.complain(line)
        elif revoke is not None:
            touched = revoke_key(
                store, config, _named(store, revoke), checked(reason or "", "reason")
            )
            show.complain(f"key revoked; {len(touched)} stories will be stated anew")
        else:
            ensure_keys(store, config)
        with store.read() as conn:
            found = proofs.keys(conn)
            published = key_set(conn)
            wrong = [] if jwks else faults(conn, config, clock.now())
    if jwks:
        show.as_json(published)
        return
    now = clock.now()
    current = signing_key(found, now)
    shown = [_record(config, row, _state(row, current, now)) for row in found]
    # That of the log's own key stands in no row.
    _complain(set(wrong) - {row["file"] for row in shown})
    if json:
        show.as_json(shown)
        return
    show.table(shown, ("kid", "state", "from", "until", "reason", "file"), "no keys")


def _complain(faults: Iterable[str]) -> None:
    for fault in faults:
        show.complain(fault)


def _past(at: datetime | None) -> datetime | None:
    """*at*, if it has come. The log's times never go back, so a new one would wait for it."""
    if at is not None and at > clock.now():
        raise typer.BadParameter(f"{show.when(at)} is yet to come", param_hint="--restored-to")
    return at


def _rotate(store: Store, config: Config, *, at_once: bool) -> None:
    row = rotate_key(store, config, at_once=at_once)
    since = "now" if at_once else show.when(row.not_before)
    show.complain(f"key {row.kid} is published, and signs from {since}")


def _named(store: Store, name: str) -> str:
    """The whole name of the key that *name* is the beginning of, if it is that of one."""
    with store.read() as conn:
        found = [row.kid for row in proofs.keys(conn) if name and row.kid.startswith(name)]
    return found[0] if len(found) == 1 else name


def _state(row: KeyRow, current: KeyRow | None, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    if current is not None and row.kid == current.kid:
        return "signs"
    if row.not_before > now:
        return "waits"
    return "retired" if row.not_after is not None and row.not_after < now else "ends"


def _record(config: Config, row: KeyRow, state: str) -> dict[str, Any]:
    return {
        "kid": row.kid,
        "state": state,
        "from": row.not_before,
        "until": row.revoked_at or row.not_after,
        "reason": row.reason,
        # Of keys that sign no more the private half may be gone.
        "file": _file(config, row) if state in ("signs", "waits") else "",
    }


def _file(config: Config, row: KeyRow) -> str:
    """``ok``, or what is wrong with the key's file."""
    try:
        signer_of(config, row)
    except SigningError as error:
        return str(error)
    return "ok"
