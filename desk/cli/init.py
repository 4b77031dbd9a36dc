"""``wirecopy init``: a first wirecopy.toml, after the wire that it names was fetched."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from desk import show
from desk.cli.context import config_file
from desk.probe import probe
from ingest.item import Contents
from stories.config import Config, remedy
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
        raise _there(file)
    given = {"publisher": publisher, "url": url, "wire": wire, "agency": agency, "name": name}
    quoted = {key: json.dumps(text, ensure_ascii=False) for key, text in given.items()}
    private = "allow_private = true\n" if allow_private else ""
    text = TEMPLATE.format(**quoted, private=private).encode()
    config = _checked(given, allow_private=allow_private)
    [(_, found)] = probe(config)
    if not isinstance(found, Contents):
        raise WirecopyError(f"{found}; nothing was written")
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text)
    except FileExistsError:
        raise _there(file) from None
    show.say(f"{len(found.found)} of {found.items} items would be published, the first:")
    for candidate in found.found[:SHOWN]:
        show.say(f"  {candidate.version.headline}")
    show.say(f"{file} is written. Next: wirecopy check, then wirecopy up")


def _there(file: Path) -> WirecopyError:
    return WirecopyError(f"{file}: is there already; move it away, or name another: --config")


def _checked(given: dict[str, str], *, allow_private: bool) -> Config:
    """The configuration of what is *given*.

    :raises typer.BadParameter: for what cannot be used, naming its option.
    """
    wire = {key: given[key] for key in ("name", "agency")} | {"url": given["wire"]}
    try:
        return Config(
            publisher={"name": given["publisher"], "url": given["url"]},
            wires=[{**wire, "allow_private": allow_private}],
            feeds=[{"name": given["name"], "title": given["agency"], "wires": [given["name"]]}],
        )
    except ValidationError as error:
        first = error.errors()[0]
        what = remedy(first, of_variable=True)
        raise typer.BadParameter(what, param_hint=_option(first["loc"])) from None


def _option(keys: tuple[int | str, ...]) -> str:
    """The option that gives what is at *keys* of the configuration. A fault that is of no single
    key is one of the wire, which lacks what its way needs."""
    table, key = (keys[0], keys[-1]) if keys else ("wires", "url")
    if key == "name":
        return "--publisher" if table == "publisher" else "--name"
    if key == "url":
        return "--url" if table == "publisher" else "--wire"
    return "--agency"
