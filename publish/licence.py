"""What machines may do with the copy, by the licence of its wire: RSL 1.0 and TDMRep.

An agency licenses its copy to be published; that grants no robot anything. So every use of
:data:`USES` is prohibited unless the wire's ``grants`` name it. Where stories of several wires
stand together, only what each of them grants is granted.

RSL is https://rslstandard.org/rsl (1.0 of 2025), TDMRep the W3C Community Group's final report of
2024-05-10, https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from stories.config import Config, Feed, Grant, Wire

USES: tuple[Grant, ...] = ("ai-index", "ai-input", "ai-train")
"""RSL's tokens for what artificial intelligence does with copy (RSL 1.0 §3.4.1.1); ``search``
is what a wire's ``noindex`` is about."""

TYPE = "application/rsl+xml"


@dataclass(frozen=True, slots=True)
class Licence:
    """What is granted: to list the copy in search, the uses of it by artificial intelligence, and
    text and data mining."""

    searched: bool
    uses: tuple[Grant, ...]
    mined: bool

    @property
    def name(self) -> str:
        """The name of its document: what it permits."""
        return "+".join(self._permitted) or "nothing"

    @property
    def _permitted(self) -> tuple[str, ...]:
        return (*(("search",) if self.searched else ()), *self.uses)

    def rsl(self) -> bytes:
        """It as a document of RSL."""
        prohibited = [use for use in ("search", *USES) if use not in self._permitted]
        if not self.uses:  # RSL has a word for all of them, those to come included
            prohibited = ["ai-all"] if self.searched else ["all"]
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<rsl xmlns="https://rslstandard.org/rsl">',
            '  <content url="/">',
            "    <license>",
            *(f'      <permits type="usage">{use}</permits>' for use in self._permitted),
            *(f'      <prohibits type="usage">{use}</prohibits>' for use in prohibited),
            "    </license>",
            "  </content>",
            "</rsl>",
            "",
        ]
        return "\n".join(lines).encode()

    def headers(self, site: str, links: str) -> list[tuple[str, str]]:
        """``Link``, which says so of an answer of *site* behind the *links* that it has, and
        TDMRep's header."""
        ours = f'<{self.address(site)}>; rel="license"; type="{TYPE}"'
        return [("link", f"{links}, {ours}"), ("tdm-reservation", self.reservation)]

    def address(self, site: str) -> str:
        """Where its document is."""
        return f"{site}/licences/{self.name}.xml"

    @property
    def reservation(self) -> str:
        """TDMRep's word: ``1`` where rights are reserved."""
        return "0" if self.mined else "1"


def of_wires(wires: Iterable[Wire | None]) -> Licence:
    """What each of *wires* grants; of one that is configured no longer (None) that is nothing."""
    found = [*wires]
    each = [set(wire.grants) if wire else set[Grant]() for wire in found]
    common = set.intersection(*each) if each else set[Grant]()
    return Licence(
        searched=all(wire is not None and not wire.noindex for wire in found),
        uses=tuple(use for use in USES if use in common),
        mined="tdm" in common,
    )


def of_site(config: Config) -> Licence:
    """What holds for the whole site."""
    return of_wires(config.wires)


def of_feed(config: Config, feed: Feed) -> Licence:
    """What holds for *feed*."""
    return of_wires(wire for wire in config.wires if not feed.wires or wire.name in feed.wires)


def address_of(config: Config, feed: Feed) -> str:
    """Where it says what holds for *feed*."""
    return of_feed(config, feed).address(config.site.url)


def every(config: Config) -> dict[str, Licence]:
    """Every licence that something on the site is under, by its name."""
    found = [of_site(config), of_wires([None])]
    found += [of_feed(config, feed) for feed in config.outgoing]
    found += [of_wires([wire]) for wire in config.wires]
    return {licence.name: licence for licence in found}


def tdmrep(config: Config) -> bytes:
    """``/.well-known/tdmrep.json`` (TDMRep §6.2): what holds for the whole site."""
    rule = {"location": "/", "tdm-reservation": int(of_site(config).reservation)}
    return json.dumps([rule]).encode() + b"\n"
