"""Custody: did an item come as its agency signed it? ``docs/statement.md`` §10.

Pure and offline, from the bytes of the capture and the agency's key sets, which are at hand; and
where captures are parsed, in the sandbox, as all of it is hostile.

An item is verified as any reader of the agency's feed would, by every check of §7 that one entry
allows. Its form alone is left out (:data:`FORM`): an agency may send what a Wirecopy never
publishes, and what is published here is cleaned. Then the copy as it was read here is held against
the statement, part by part: so what is signed on is what was taken in. A notice that a story was
withdrawn has no copy; its statement is a withdrawal, and nothing else is.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from ingest.formats.own import entry_of
from ingest.item import AgencyStatement, Hints, Item, Parsed
from stories.errors import ParseError
from stories.models import Version, credit_of, received_copy
from wirecopy.custody import unlike
from wirecopy.encoding import from_instant
from wirecopy.errors import Refused
from wirecopy.feed import OWN, read_feed
from wirecopy.jose import Keys, read_keys, read_token
from wirecopy.scope import Digests, parts
from wirecopy.statement import Statement, Withdrawal, read_link
from wirecopy.text import Projection
from wirecopy.verify import Evidence, verify_entries

FORM = frozenset({"entry", "appearance"})
"""Checks that are about how an entry is spelt and marked up."""

BROKEN, UNSIGNED = "custody", "unsigned"
"""States of items in quarantine: by a statement that is not good for them, and by none."""

_OURS = re.compile(rb"_wirecopy|" + re.escape(OWN.encode()))
"""What stands in every feed that is signed by a Wirecopy."""

Signatures = Callable[[Item, bytes, Version, Projection], tuple[AgencyStatement, Digests]]
"""The agency's statement of this item of these bytes, which was read as this version with this
body, and the digests of the copy by the statement's rule.

Raises ParseError where there is none, or it is not good for the item."""


def signatures(body: bytes, parsed: Parsed, hints: Hints) -> Signatures:
    """How the items of *body* are verified by any of the key sets at hand, as of when they came."""
    spans = [(one.start, one.end) for one in parsed.items if one.start >= 0]
    spans += [(s.start - hints.offset, s.end - hints.offset) for s in parsed.standing]
    first = min((start for start, _ in spans), default=len(body))
    last = max((end for _, end in spans), default=len(body))
    sets = {name: read_keys(each.encode()) for name, each in hints.key_sets.items()}
    at = from_instant(hints.at)

    def verify(
        item: Item, raw: bytes, version: Version, projected: Projection
    ) -> tuple[AgencyStatement, Digests]:
        # By itself, between what is around all: a broken neighbour is nothing to it.
        alone = entry_of(item) if item.own else b"".join((body[:first], raw, body[last:]))
        made, statement = _statement(alone, sets, at)
        hides = version.signals is not None and version.signals.status != "usable"
        if isinstance(statement, Withdrawal) != hides:
            what = "that the story is withdrawn" if hides else "of the copy"
            raise ParseError(BROKEN, f"its agency's statement says nothing {what}")
        if isinstance(statement, Withdrawal):
            return made, parts(received_copy(version), body=projected).digests()
        rule = statement.published.rule
        received = parts(received_copy(version), body=projected, rule=rule).digests()
        if other := unlike(statement, received, credit_of(version)):
            raise ParseError(BROKEN, f"its agency's statement is of something else: {other}")
        return made, received

    return verify


def _statement(
    document: bytes, sets: Mapping[str, Keys], at: datetime
) -> tuple[AgencyStatement, Statement | Withdrawal]:
    try:
        entries = read_feed(document)
    except (Refused, ValueError) as error:
        if _OURS.search(document) is None:
            raise ParseError(UNSIGNED, "it has no statement of its agency") from None
        raise ParseError(BROKEN, f"it cannot be read as what is signed is: {error}") from None
    if not entries:
        raise ParseError(UNSIGNED, "it is no entry that could be signed")
    entry, *more = entries
    if more:
        raise ParseError(BROKEN, "it is several entries in one")
    if not entry.statement and entry.withdrawn is not None:
        raise ParseError(
            UNSIGNED,
            "it is a notice that its agency withdrew a story, without its agency's statement; once"
            " the agency says that it is so, `wirecopy kill` withdraws the story here",
        )
    if not entry.statement:
        raise ParseError(UNSIGNED, "it has no statement of its agency")
    why = ""
    for name, keys in sets.items():
        [result] = verify_entries([entry], keys, Evidence(now=at)).entries
        faults = [f"{c.name}: {c.reason}" for c in result.failures if c.name not in FORM]
        if faults:
            why = "; ".join(faults)
            continue
        token = read_token(entry.statement)
        statement = read_link(token)
        made = AgencyStatement(
            text=token.text,
            key=token.kid,
            digest=token.digest,
            number=statement.version,
            key_set=name,
        )
        return made, statement
    raise ParseError(BROKEN, f"its agency's statement is not good for it: {why}")
