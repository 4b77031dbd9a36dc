"""Where a wire is polled: permanent redirects, believed late and never for good.

A pure function of what is known and what a poll brought. A 301 or 308 (RFC 9110 §15.4.2,
§15.4.9) asks us to use the new address from then on; but servers under repair, captive portals
and expired domains send them too, and who follows at once polls a parking page for ever. So a
move must be seen many times, over days, always to the same place; and when the new address fails
for long, the configured one is tried again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

from net.client import Response
from net.ssrf import shown

SIGHTINGS = 20
"""Redirects in a row, all the same, before one is believed."""

SEEN_FOR = timedelta(days=3)
"""And over so long: repairs and mistakes are undone within a weekend."""

GIVEN_UP = 5.0
"""The weight of failures from which on a believed address is no longer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wire is polled, and where it may be moving to: columns of its row.

    ``told`` says in a sentence what changed just now, if the address did.
    """

    url: str
    moved_to: str | None = None
    moved_count: int = 0
    moved_since: datetime | None = None
    told: str = ""


def answered(place: Place, response: Response, now: datetime) -> Place:
    """The place after a poll that ended well. A move is only ever counted then: what a redirect
    leads to must be a feed that we may fetch."""
    target = response.moved_to
    if target is None or target == place.url or _leaves_tls(place.url, response):
        return Place(place.url)
    if target != place.moved_to or place.moved_since is None:
        return Place(place.url, target, 1, now)
    count = place.moved_count + 1
    if count < SIGHTINGS or now - place.moved_since < SEEN_FOR:
        return Place(place.url, target, count, place.moved_since)
    told = (
        f"moved for good from {shown(place.url)} to {shown(target)}, which it said {count} times"
        f" since {place.moved_since:%Y-%m-%d}; it is polled there now; set the wire's url to it"
    )
    return Place(target, told=told)


def failed(place: Place, configured: str, failures: float, gone: bool) -> Place:
    """The place after a poll that failed, *failures* being their weight by now; *gone* for a 410.

    The configured address is the newsroom's word. A move was only the server's.
    """
    if place.url == configured or not (gone or failures >= GIVEN_UP):
        return place
    told = (
        f"{shown(place.url)}, where the wire had moved, fails;"
        f" it is polled at its configured address {shown(configured)} again"
    )
    return Place(configured, told=told)


def _leaves_tls(url: str, response: Response) -> bool:
    """True when any step from *url* on goes from https to http: whoever stands on that step can
    send us anywhere, and is not to be given the wire for good."""
    steps = [url, *(hop.location for hop in response.hops)]
    secure = [urlsplit(step).scheme == "https" for step in steps]
    return any(before and not after for before, after in pairwise(secure))
