"""``wirecopy people``: who may use the desk in the browser, and as what."""

import os
from typing import Annotated, Any, Literal

import typer

from desk import show
from desk.cli.context import opened
from desk.headline import checked
from desk.people import invite
from stories import clock, folders
from stories.config import Config
from stories.db import Store
from stories.db import people as records
from stories.db.people import Person, Role
from stories.errors import UnknownNameError, WirecopyError

Action = Literal["list", "add", "role", "link", "revoke"]

LONGEST = 100
"""Characters of a name."""


class PeopleError(WirecopyError):
    """Somebody cannot be added."""


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
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME", help="Who does this (default: the machine's user)."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
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
    named = checked(name, "name")
    who = checked(by or folders.user_name(os.geteuid()), "name of who does this")
    if len(named) > LONGEST:
        raise typer.BadParameter(f"longer than {LONGEST} characters", param_hint="NAME")
    with opened(ctx) as (config, store):
        if action == "add" and role is not None:
            _add(store, named, role, who)
            show.say(f"{named}: {role}")
            if config.desk.header is not None:
                show.say(f"signs in by the header of your proxy ({config.desk.login})")
                return
            _link(config, store, named)
            return
        person = _known(store, named)
        if action == "link":
            _link(config, store, named)
            return
        with store.write() as conn:
            if role is not None:
                records.set_role(conn, person.key, role)
            else:
                records.revoke(conn, person.key, who, clock.now())
        show.say(f"{person.name}: {role or 'revoked, and signed out'}")


def _add(store: Store, name: str, role: Role, by: str) -> None:
    with store.write() as conn:
        known = records.named(conn, name)
        if known is not None and known.revoked_at is None:
            raise PeopleError(
                f"{known.name}: is there already, as {known.role}; `wirecopy people role` gives"
                " another role, `wirecopy people link` a link for another password"
            )
        records.add(conn, name, role, by, clock.now())


def _known(store: Store, name: str) -> Person:
    with store.read() as conn:
        person = records.named(conn, name)
    if person is None or person.revoked_at is not None:
        gone = " any more" if person is not None else ""
        raise UnknownNameError(
            f"{name}: there is nobody of that name{gone}; `wirecopy people` lists who is there,"
            " and `wirecopy people add NAME --role ROLE` adds one"
        )
    return person


def _link(config: Config, store: Store, name: str) -> None:
    with store.write() as conn:
        show.say(invite(conn, config, name))
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
