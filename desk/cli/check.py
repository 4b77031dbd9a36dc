"""``wirecopy check``: would it run? One line for each thing that it needs."""

import shutil

import typer

from desk import show
from desk.cli.context import opened
from desk.probe import probe
from desk.status import ask_broker
from ingest.item import Contents
from publish.selection import matches
from stories import clock, keys
from stories.db import proofs
from workers.address import key_prefix

LEAST_FREE = 1_000_000_000
"""Bytes of disk that must be free: some days of captures of a few wires."""


def check(ctx: typer.Context) -> None:
    """Check the configuration and all that it names.

    Database, broker, keys, disk, wires and feeds, a line each; exit code 1 on a fault.

    Wires are fetched once, and nothing of them is stored. Feeds are counted over what they hold.
    """
    failed = False

    def line(name: str, fault: str | None, well: str) -> None:
        nonlocal failed
        failed = failed or bool(fault)
        show.say(f"{'FAULT' if fault else 'ok':5}  {name}: {fault or well}")

    with opened(ctx) as (config, store):
        line("configuration", None, f"{len(config.wires)} wires, {len(config.outgoing)} feeds")
        line("database", store.writes_refused(), store.name)
        if config.redis_url:
            line("broker", ask_broker(config, key_prefix(store)).error, "answers")
        else:
            line("broker", None, "a private one, which `wirecopy up` starts")
        with store.read() as conn:
            made = proofs.keys(conn)
            faults = keys.faults(conn, config, clock.now())
        line(
            "keys",
            "; ".join(faults),
            f"in {config.keys_folder}" if made else "made at the first statement",
        )
        if config.media.keep:
            granted = [wire.name for wire in config.wires if "pictures" in wire.grants]
            nobody = 'none is kept, as no wire has "pictures" in its grants'
            line("pictures", None if granted else nobody, f"kept of {', '.join(granted)}")
        free = shutil.disk_usage(config.data if config.data.exists() else ".").free
        much = f"{free / 1e9:.1f} GB are free"
        line("disk", f"only {much}; make room" if free < LEAST_FREE else None, much)
        found = dict(probe(config))
    for name, held in sorted(found.items()):
        if isinstance(held, Contents):
            none = None if held.found else "no story can be taken from it"
            if not held.format and (wire := config.wire(name)) and wire.way != "pull":
                none = None  # files come and go
            what = held.format or "nothing there yet"
            line(f"wire {name}", none, f"{len(held.found)} of {held.items} items, {what}")
        else:
            line(f"wire {name}", held, "")
    versions = [
        candidate.version
        for held in found.values()
        if isinstance(held, Contents)
        for candidate in held.found
    ]
    for feed in config.outgoing:
        count = sum(matches(feed, version) for version in versions)
        fault = "selects none of the stories now on the wires; see its criteria"
        line(f"feed {feed.name}", None if count else fault, f"{count} of {len(versions)} stories")
    if failed:
        raise typer.Exit(1)
