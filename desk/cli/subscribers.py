"""``wirecopy subscribers``: who may read private feeds, each by a token of its own."""

import secrets
from datetime import timedelta
from typing import Annotated, Any, Literal

import typer

from desk import show
from desk.cli.context import By, check_wires, feed_named, opened, who
from desk.headline import checked
from publish.formats import WRITERS
from publish.web.gate import opens
from stories import clock
from stories.config import Config, duration
from stories.db import Store
from stories.db import subscribers as records
from stories.db.subscribers import Subscriber
from stories.errors import UnknownNameError, WirecopyError

Action = Literal["list", "add", "renew", "revoke"]

LONGEST = 100
"""Characters of a subscriber's name."""


LONGEST_LEAD = timedelta(days=30)
"""Of a lead: who may have a story so early is told of it by its agency."""


class SubscriberError(WirecopyError):
    """A subscriber cannot be added."""


def early(text: str) -> timedelta:
    """How much early *text* says that somebody is shown what is under embargo.

    :raises typer.BadParameter: when it is no duration, or too long.
    """
    try:
        found = duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    assert isinstance(found, timedelta)
    if found > LONGEST_LEAD:
        raise typer.BadParameter(f"too long; at most {LONGEST_LEAD.days}d")
    return found


def subscribers(
    ctx: typer.Context,
    action: Annotated[Action, typer.Argument(help="What to do.")] = "list",
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The subscriber; with all but list.")
    ] = None,
    feed: Annotated[
        list[str] | None,
        typer.Option("--feed", metavar="FEED", help="With add: a private feed (default: all)."),
    ] = None,
    wires: Annotated[
        list[str] | None,
        typer.Option("--wires", metavar="WIRE", help="With add: only what comes by this wire."),
    ] = None,
    agencies: Annotated[
        list[str] | None,
        typer.Option(
            "--agencies", metavar="NAME", help="With add: only the wires of this agency, or code."
        ),
    ] = None,
    lead: Annotated[
        timedelta | None,
        typer.Option(
            "--lead",
            metavar="DURATION",
            parser=early,
            help="With add: show what is under embargo so much early, like 2h.",
        ),
    ] = None,
    by: By = None,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the subscribers of private feeds; add, renew or revoke one.

    Each has a token, which is printed once and stored nowhere. --feed, --wires and --agencies,
    each as often as needed, say what it opens. To renew is to give another in its place.
    """
    given = {"--feed": feed, "--wires": wires, "--agencies": agencies, "--lead": lead}
    for option, value in given.items() if action != "add" else ():
        if value:
            raise typer.BadParameter("goes with add", param_hint=option)
    if action == "list":
        if name is not None or by is not None:
            raise typer.BadParameter("takes neither NAME nor --by", param_hint="list")
        _list(ctx, json=json)
        return
    if name is None:
        raise typer.BadParameter("takes a NAME", param_hint=action)
    named = checked(name, "name")
    doer = who(by)
    if len(named) > LONGEST:
        raise typer.BadParameter(f"longer than {LONGEST} characters", param_hint="NAME")
    with opened(ctx) as (config, store):
        if action == "add":
            asked = tuple(feed or ()), tuple(wires or ()), tuple(agencies or ())
            _check(config, *asked)
            _add(config, store, named, asked, doer, lead or timedelta(0))
        elif action == "renew":
            _renew(config, store, named, doer)
        else:
            with store.write() as conn:
                if records.revoke(conn, named, doer, clock.now()) is None:
                    raise _nobody(named)
            show.say(f"{named}: revoked; in a second its token opens nothing any more")


def _check(
    config: Config, feeds: tuple[str, ...], wires: tuple[str, ...], agencies: tuple[str, ...]
) -> None:
    """Refuse what opens nothing."""
    if not any(feed.private for feed in config.outgoing):
        raise SubscriberError(
            "no feed is private, and the others need no token; write private = true in [[feeds]]"
        )
    for each in feeds:
        if not feed_named(config, each).private:
            raise SubscriberError(
                f"feed {each}: is not private, and needs no token; name another, or write"
                " private = true in its [[feeds]]"
            )
    check_wires(config, list(wires))
    known = {(word or "").casefold() for wire in config.wires for word in (wire.agency, wire.code)}
    for each in agencies:
        if each.casefold() not in known - {""}:
            raise UnknownNameError(
                f"agency {each}: no wire is configured as its (agency, code); name its wires"
            )


def _add(
    config: Config,
    store: Store,
    name: str,
    asked: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    by: str,
    lead: timedelta,
) -> None:
    token = secrets.token_urlsafe(32)
    with store.write() as conn:
        if records.named(conn, name) is not None:
            raise SubscriberError(
                f"subscriber {name}: has a token; renew gives another in its place, and revoke"
                " takes it back"
            )
        added = records.add(conn, name, token, asked, by, clock.now(), lead)
    _tell(config, token, added)


def _renew(config: Config, store: Store, name: str, by: str) -> None:
    token, now = secrets.token_urlsafe(32), clock.now()
    with store.write() as conn:
        before = records.revoke(conn, name, by, now)
        if before is None:
            raise _nobody(name)
        asked = before.feeds, before.wires, before.agencies
        added = records.add(conn, name, token, asked, by, now, before.lead)
    _tell(config, token, added)


def _nobody(name: str) -> UnknownNameError:
    return UnknownNameError(
        f"subscriber {name}: has no token; `wirecopy subscribers list` names who has"
    )


def _tell(config: Config, token: str, of: Subscriber) -> None:
    show.complain("the token, which is shown this once, and the addresses that it opens:")
    show.say(token)
    for feed in config.outgoing:
        if feed.private and opens(of, feed):
            for format in WRITERS:
                show.say(f"{config.site.url}/feeds/{feed.name}.{format}?token={token}")


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
                "feeds": ", ".join(each["feeds"]) or "all",
                "copy": ", ".join((*each["wires"], *each["agencies"])) or "all",
                "lead": timedelta(seconds=each["lead"]) if each["lead"] else "",
                "added": f"{show.ago(each['added_at'])} by {each['added_by']}",
                "revoked": f"{show.ago(each['revoked_at'])} by {each['revoked_by']}"
                if each["revoked_at"]
                else "",
                "last use": show.ago(each["used_at"]),
            }
            for each in found
        ],
        ("name", "feeds", "copy", "lead", "added", "last use", "uses", "revoked"),
        "no subscribers; `wirecopy subscribers add NAME --by NAME` adds one",
    )


def _record(of: Subscriber) -> dict[str, Any]:
    """A subscriber as it is listed; of its token it has what no one can use."""
    return {
        "name": of.name,
        "feeds": of.feeds,
        "wires": of.wires,
        "agencies": of.agencies,
        "lead": int(of.lead.total_seconds()),
        "added_at": of.added_at,
        "added_by": of.added_by,
        "revoked_at": of.revoked_at,
        "revoked_by": of.revoked_by,
        "used_at": of.used_at,
        "uses": of.uses,
    }
