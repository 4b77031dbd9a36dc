"""``wirecopy people``: who may use the desk in the browser, and as what."""

from typing import Annotated, Any, Literal

import typer

from desk import people as letting
from desk import show
from desk.cli.context import By, opened, who
from stories.config import Config
from stories.db import people as records
from stories.db.people import Person, Role

Action = Literal["list", "add", "role", "link", "revoke"]


def people(
    ctx: typer.Context,
    action: Annotated[Action, typer.Argument(help="What to do.")] = "list",
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The person; with all but list.")
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(
            "--role",
            help="With add and role: a reader sees, an editor writes headlines and holds stories, a"
            " chief may do everything.",
        ),
    ] = None,
    by: By = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List who may use the desk in the browser; add or revoke one, give a role or a link.

    With add and link, the address is printed at which they set a password: once, within a day. A
    new link also stands for a forgotten password. Whoever is revoked is signed out at once.
    """
    if (role is not None) != (action in ("add", "role")):
        raise typer.BadParameter("goes with add and role, which need it", param_hint="--role")
    if action == "list":
        if name is not None or by is not None:
            raise typer.BadParameter("takes neither NAME nor --by", param_hint="list")
        _list(ctx, json=json)
        return
    if name is None:
        raise typer.BadParameter("takes a NAME", param_hint=action)
    doer = who(by)
    with opened(ctx) as (config, store):
        address = None
        if action == "revoke":
            named = letting.revoke(store, name, doer)
        elif action == "link":
            named, address = letting.link(store, config, name, doer)
        elif action == "role" and role is not None:
            named = letting.set_role(store, name, role, doer)
        elif role is not None:
            named, address = letting.add(store, config, name, role, doer)
        with store.read() as conn:
            person = records.named(conn, named)
    if person is not None and json:
        show.as_json(_record(person) | ({} if address is None else {"link": address or None}))
    elif action == "revoke":
        show.say(f"{named}: revoked, and signed out")
    elif action != "link":
        show.say(f"{named}: {role}")
    if address is not None:
        _told(config, address, json=json)


def _told(config: Config, address: str, *, json: bool) -> None:
    if not json:
        show.say(address or f"signs in by the header of your proxy ({config.desk.login})")
    if not config.desk.enabled:
        show.complain("there is no desk yet; write a table [desk] into wirecopy.toml")


def _list(ctx: typer.Context, *, json: bool) -> None:
    with opened(ctx) as (_, store), store.read() as conn:
        found = [_record(each) for each in records.every(conn)]
    if json:
        show.as_json(found)
        return
    show.table(
        [
            {
                **each,
                "added": f"{show.when(each['added_at'])} {each['added_by']}",
                "last signed in": show.ago(each["signed_in_at"]),
                "revoked": f"{show.when(each['revoked_at'])} {each['revoked_by']}"
                if each["revoked_at"]
                else "",
            }
            for each in found
        ],
        ("name", "role", "password", "added", "last signed in", "revoked"),
        "nobody; `wirecopy people add NAME --role editor` adds one",
    )


def _record(of: Person) -> dict[str, Any]:
    """A person as they are listed, without anything by which somebody could sign in."""
    return {
        "name": of.name,
        "role": of.role,
        "password": of.password is not None,
        "added_at": of.added_at,
        "added_by": of.added_by,
        "signed_in_at": of.signed_in_at,
        "revoked_at": of.revoked_at,
        "revoked_by": of.revoked_by,
    }
