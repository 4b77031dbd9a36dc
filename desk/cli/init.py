"""``wirecopy init``: a first wirecopy.toml, after the wire that it names was fetched."""

import json
from pathlib import Path
from typing import Annotated

import typer

from desk import show
from desk.cli.context import config_file
from desk.probe import probe
from ingest.item import Contents
from stories.config import Config
from stories.errors import WirecopyError

SHOWN = 5
"""Stories shown of what would be published."""

TEMPLATE = """\
# Wirecopy's configuration; docs/configuration.md names every key. `wirecopy check` tries it.

[publisher]
name = {publisher}
url = {url}

# [site]
# url = "https://feeds.example.com"   # where readers find the feeds, behind a TLS proxy

[[wires]]
name = {name}
agency = {agency}
url = {wire}
every = "2m"                          # the shortest time between two polls
{private}
[[feeds]]
name = {name}
title = {agency}
wires = [{name}]
"""


def init(
    ctx: typer.Context,
    publisher: Annotated[str, typer.Option("--publisher", prompt="Who publishes (name)")],
    url: Annotated[str, typer.Option("--url", prompt="The publisher's address")],
    wire: Annotated[str, typer.Option("--wire", prompt="The wire's address")],
    agency: Annotated[str, typer.Option("--agency", prompt="The agency's name")],
    name: Annotated[str, typer.Option("--name", help="The wire's name here.")] = "wire",
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="The wire lives on a private address.")
    ] = False,
) -> None:
    """Write a commented wirecopy.toml.

    The wire that it names is fetched first, and what would be published is shown.
    """
    file = config_file(ctx) or Path("wirecopy.toml")
    if file.exists():
        raise WirecopyError(f"{file}: is there already; move it away, or name another: --config")
    given = {"publisher": publisher, "url": url, "wire": wire, "agency": agency, "name": name}
    quoted = {key: json.dumps(text, ensure_ascii=False) for key, text in given.items()}
    private = "allow_private = true\n" if allow_private else ""
    wires = [{"name": name, "agency": agency, "url": wire, "allow_private": allow_private}]
    try:
        config = Config.model_validate(
            {"publisher": {"name": publisher, "url": url}, "wires": wires}
        )
    except ValueError as error:
        raise WirecopyError(f"what was given cannot be used: {error}") from error
    [(_, found)] = probe(config)
    if not isinstance(found, Contents):
        raise WirecopyError(f"{found}; nothing was written")
    file.write_text(TEMPLATE.format(**quoted, private=private), encoding="utf-8")
    file.chmod(0o600)
    show.say(f"{len(found.found)} of {found.items} items would be published, the first:")
    for candidate in found.found[:SHOWN]:
        show.say(f"  {candidate.version.headline}")
    show.say(f"{file} is written. Next: wirecopy check, then wirecopy up")
