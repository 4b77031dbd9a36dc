"""``wirecopy captures``: what was received, byte for byte."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from desk import show
from desk.cli.context import LARGEST, Since, Until, check_wires, moment, opened
from stories.db import Store
from stories.db import captures as rows
from stories.errors import UnknownNameError
from stories.logs import masked
from stories.models import Capture


def captures(
    ctx: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", max=LARGEST, help="Show one.")
    ] = None,
    wire: Annotated[list[str] | None, typer.Option("--wire", help="Only of this wire.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those in quarantine, whole or in part.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=LARGEST, help="How many at most.")
    ] = 50,
    raw: Annotated[bool, typer.Option("--raw", help="With NUMBER: write its body, only.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List captures, newest first, or show one.

    One is shown with its headers and bytes.
    """
    if raw and number is None:
        raise typer.BadParameter("name the capture whose bytes to write", param_hint="NUMBER")
    after, before = moment(since, "--since"), moment(until, "--until")
    with opened(ctx) as (config, store):
        if number is not None:
            _one(store, number, raw=raw, json=json)
            return
        with store.read() as conn:
            if wire:
                check_wires(config, wire, rows.wires_captured(conn))
            found = rows.listing(
                conn,
                wires=wire or None,
                since=after,
                until=before,
                quarantined=failed,
                limit=limit,
            )
    records = [_record(capture) for capture in found]
    if json:
        show.as_json(records)
        return
    show.table(
        records,
        ("id", "wire", "received_at", "size", "state", "format", "items", "new", "updated"),
        "no captures; `wirecopy poll` fetches the wires now"
        if not (wire or failed or after or before)
        else "no captures that these options choose",
    )


def _record(capture: Capture) -> dict[str, Any]:
    """*capture* as it is shown: addresses in it without their secrets."""
    headers = [[name, masked(value)] for name, value in capture.headers]
    return {**asdict(capture), "url": masked(capture.url), "headers": headers}


def _one(store: Store, number: int, *, raw: bool, json: bool) -> None:
    with store.read() as conn:
        capture = rows.get(conn, number)
        if capture is None:
            raise UnknownNameError(f"capture {number}: there is none; see `wirecopy captures`")
        body = rows.body(conn, capture.digest)
        problems = rows.problems_of(conn, number)
    if raw:
        if body is None:
            raise UnknownNameError(f"capture {number}: its bytes are no longer kept (retention)")
        show.raw(body)
        return
    record = {
        **_record(capture),
        "problems": [asdict(each) for each in problems],
        "kept": body is not None,
    }
    if json:
        show.as_json(record)
        return
    lines = "; ".join(each.told for each in problems)
    show.facts({**record, "headers": None, "notes": "; ".join(capture.notes), "problems": lines})
    show.say("")
    for line in [f"{name}: {value}" for name, value in record["headers"]] or [""]:
        show.say(line)
