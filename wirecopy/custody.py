"""Custody: the agency's own statement of what was received, held against the publisher's.

``docs/statement.md`` §10. The publisher's statement names the agency's, whose signature covers the
copy as it left the agency. So from the agency's signature to the reader's page every step is
signed by whoever took it, and nobody's word is needed for what came.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from .chain import key_fault, read_chain
from .encoding import SLACK, parse_document, short
from .errors import Missing, Refused
from .jose import Keys, Token, as_text, read_keys, read_token
from .report import Hop
from .scope import PARTS, Digests
from .statement import Credit, Statement, read_statement
from .text import plain

KEYS = "/.well-known/jwks.json"
"""Where a site serves its key set."""

MOST_HOPS = 8

# It is told to readers: a line break, a space or a mark of direction could show them another.
ADDRESS = re.compile(r"https?://[\w.:-]+(?:/[!-~]*)?", re.ASCII)
"""What a verifier asks for the keys of an agency, matched whole."""

FetchDocument = Callable[[str], bytes]
"""A document of another site, by its address. Raises :class:`.errors.Missing` where it is not to be
had."""


def _nothing(address: str) -> bytes:
    raise Missing(f"{address}: nobody is there to ask for it")


@dataclass(frozen=True, slots=True)
class Agencies:
    """What is at hand of agencies: key sets that the verifier was given, and how other documents of
    their sites are had."""

    given: tuple[Keys, ...] = ()
    fetch: FetchDocument = _nothing


@dataclass(frozen=True, slots=True)
class Held:
    """An agency's statement as a publisher keeps it: its text, and by the publisher's word the
    address of the key set that it is by, empty where that was a file."""

    statement: str
    keys: str


def held_in(document: bytes, digest: str) -> Held | None:
    """The statement of an agency with that *digest* in a chain *document*; None without it.

    :raises Refused: when it stands there and is none.
    """
    try:
        found = parse_document(document)
    except Refused:
        return None  # the check of the chain says so
    listed = found.get("custody") if isinstance(found, dict) else None
    one = listed.get(short(digest)) if isinstance(listed, dict) else None
    if one is None:
        return None
    keys = one.get("keys", "") if isinstance(one, dict) else None
    if not isinstance(keys, str):
        raise Refused("the agency's statement is not kept with the address of its keys")
    return Held(as_text(one.get("statement")), keys)


def unlike(theirs: Statement, received: Digests, credit: Credit) -> str:
    """What the copy that was *received*, of that *credit*, has otherwise than the agency's
    statement says that it published, as a clause; empty where it is that copy."""
    if theirs.published.rule != received.rule:
        return f"its digests are by {theirs.published.rule}, those received by {received.rule}"
    for part in PARTS:
        if getattr(theirs.published, part) != getattr(received, part):
            return f"its {part} is not what was received"
    for name, mine in credit._asdict().items():
        stated = getattr(theirs, name)
        if plain(stated) != plain(mine) and (stated or name != "agency_version"):
            return f"its {name} is {stated[:80]!r}, not {mine[:80]!r}"
    return ""


def hops(
    statement: Statement, document: bytes | None, agencies: Agencies, own: Keys
) -> Iterator[Hop]:
    """The way that the copy of *statement* came, backwards from its publisher, whose chain
    *document* is and whose *own* keys these are, as far as it can be followed."""
    ours: Statement = statement
    for _ in range(MOST_HOPS):
        if ours.custody is None:
            return
        key = ours.custody.key
        try:
            hop, ours, document, own = _hop(ours, document, agencies, own)
        except Missing as error:
            yield Hop("not checked", key, str(error))
            return
        except Refused as error:
            yield Hop("failed", key, str(error))
            return
        yield hop


def _hop(
    ours: Statement, document: bytes | None, agencies: Agencies, own: Keys
) -> tuple[Hop, Statement, bytes | None, Keys]:
    """One step back: the hop, the agency's statement, its chain if there is more behind it, and its
    keys."""
    named = ours.custody
    if named is not None and own.has(named.key):
        raise Missing("it is by a key of the publisher's own, which shows nothing of an agency")
    held = held_in(document, named.digest) if named and document is not None else None
    if named is None or held is None:
        raise Missing("the agency's statement is not at hand")
    try:
        token = read_token(held.statement)
        theirs = read_statement(token)
    except Refused as error:
        raise Refused(f"the agency's statement: {error}") from None
    _check_named(ours, token, theirs)
    keys, given = _keys_of(token.kid, held, agencies)
    _check_signature(token, theirs, keys, lambda: _chain_of(theirs, held, agencies))
    site = held.keys.partition("://")[2].removesuffix(KEYS)
    by = "the keys given" if given else site
    behind = None
    if theirs.custody is not None:
        with suppress(Missing):
            behind = _chain_of(theirs, held, agencies)
    said = f"signed by the key {token.kid} of {by}"
    return Hop("ok", token.kid, said, site, given), theirs, behind, keys


def _check_named(ours: Statement, token: Token, theirs: Statement) -> None:
    named = ours.custody
    if named is None or token.digest != named.digest:
        raise Refused("the agency's statement is not the one that is named")
    if token.kid != named.key:
        raise Refused("the agency's statement is by another key than is named")
    if ours.received is None:
        raise Refused("an agency's statement is named, but no copy was received")
    credit = Credit(ours.agency, ours.agency_id, ours.agency_version)
    if other := unlike(theirs, ours.received, credit):
        raise Refused(f"the agency's statement: {other}")
    if theirs.issued_at - ours.received_at > SLACK:
        raise Refused("the agency's statement was issued after the copy was received")


def _keys_of(kid: str, held: Held, agencies: Agencies) -> tuple[Keys, bool]:
    """The key set of an agency's statement, and whether it was given to the verifier."""
    for keys in agencies.given:
        if keys.has(kid):
            return keys, True
    if not held.keys:
        raise Missing("the agency's keys are not at hand; give them")
    if not ADDRESS.fullmatch(held.keys):  # nor one that shows another site before an @
        raise Missing("what is named as the address of the agency's keys is none")
    try:
        return read_keys(agencies.fetch(held.keys)), False
    except Missing:
        raise
    except Refused as error:
        raise Missing(f"{held.keys}: {error}") from None


def _check_signature(
    token: Token, theirs: Statement, keys: Keys, chain: Callable[[], bytes]
) -> None:
    key = keys.statement.get(token.kid)
    revoked = key is not None and key.revoked is not None
    if fault := key_fault(token, theirs, keys, vouched=revoked):
        raise Refused(f"the agency's statement: {fault}")
    if not token.signed_by(keys.statement[token.kid].public):
        raise Refused("the agency's statement: the signature is not that of the key")
    if not revoked:
        return
    # Its thief can write what he likes, but not into the chain that a good key goes on with.
    why = f"the agency has revoked the key {token.kid}"
    try:
        digests = read_chain(chain(), keys).digests
    except Refused as error:
        raise Missing(f"{why}, and its own chain cannot tell: {error}") from None
    if token.digest not in digests[:-1][theirs.version - 1 : theirs.version]:
        raise Missing(f"{why}, and does not vouch for this statement")


def _chain_of(theirs: Statement, held: Held, agencies: Agencies) -> bytes:
    """The chain document of an agency's statement, from the site of its keys."""
    site = held.keys.removesuffix(KEYS)
    if site == held.keys:
        raise Missing("the agency's site is not known, which would have its chain")
    return agencies.fetch(f"{site}/stories/{theirs.story}/statements")
