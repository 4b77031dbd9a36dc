"""All statements of one story, oldest first, each naming the one before it.

``docs/statement.md`` §6.
"""

from dataclasses import dataclass
from datetime import datetime

from .encoding import SLACK, parse_document
from .errors import Refused
from .jose import Keys, Token, as_text, read_token
from .statement import Link, Withdrawal, read_link

MOST = 10_000


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain whose statements are all good: the digest of each, oldest first, and the proof that
    the receipts of those are in the log that have none of their own; None without one.
    ``withdrawn_at`` is when the story was withdrawn; None when the last is of a version."""

    guid: str
    digests: tuple[str, ...]
    log: str | None
    withdrawn_at: datetime | None = None


def read_chain(document: bytes, keys: Keys) -> Chain:
    """The chain in *document*, every statement of it checked.

    :raises Refused: naming the first statement that is wrong, and what is wrong with it.
    """
    found = parse_document(document)
    if not isinstance(found, dict) or not isinstance(found.get("statements"), list):
        raise Refused("is no chain: an object with 'guid' and 'statements'")
    guid, log, listed = found.get("guid"), found.get("log", ""), found["statements"]
    if not isinstance(guid, str) or not isinstance(log, str) or not 0 < len(listed) <= MOST:
        raise Refused("is no chain: its guid or its log is no string, or it is empty or endless")
    digests: list[str] = []
    before: Link | None = None
    for number, text in enumerate(listed, 1):
        try:
            # The digests chain them: who signs the last one vouches for all before it.
            token, statement = _signed(text, keys, vouched=number < len(listed))
            _follows(statement, before, number, guid, digests)
        except Refused as error:
            raise Refused(f"statement {number}: {error}") from None
        digests.append(token.digest)
        before = statement
    withdrawn_at = before.withdrawn_at if isinstance(before, Withdrawal) else None
    return Chain(guid, tuple(digests), log if "log" in found else None, withdrawn_at)


def _signed(found: object, keys: Keys, *, vouched: bool) -> tuple[Token, Link]:
    token = read_token(as_text(found))
    statement = read_link(token, earliest=True)
    if fault := key_fault(token, statement, keys, vouched=vouched):
        raise Refused(fault)
    if not token.signed_by(keys.statement[token.kid].public):
        raise Refused("the signature does not verify")
    return token, statement


def key_fault(token: Token, statement: Link, keys: Keys, *, vouched: bool = False) -> str:
    """Why a token's key is not valid for it; empty when it is. See :meth:`.jose.Key.fault`."""
    if token.kid in keys.refused:
        return f"the key {token.kid}: {keys.refused[token.kid]}"
    if token.kid not in keys.statement:
        return f"the key {token.kid} is not in the key set"
    return keys.statement[token.kid].fault(statement.issued_at, vouched=vouched)


def _follows(
    statement: Link, before: Link | None, number: int, guid: str, digests: list[str]
) -> None:
    if statement.guid != guid:
        raise Refused("is of another guid")
    if statement.version != number:
        raise Refused(f"has version {statement.version}: one is missing, or too many")
    if before is None:
        return
    if not before.precedes(statement):
        raise Refused("is of an earlier type than the one before")
    if statement.story != before.story:
        raise Refused("is of another story")
    if statement.previous != digests[-1]:
        raise Refused("'previous' is not the digest of the one before")
    if before.issued_at - statement.issued_at > SLACK:
        raise Refused("was issued before the one before")
