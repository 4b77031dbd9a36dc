"""All statements of one story, oldest first, each naming the one before (docs/statement.md §6)."""

from dataclasses import dataclass

from .encoding import parse
from .errors import Refused
from .keys import Keys
from .statement import SLACK, Statement, read_statement
from .token import Token, read_token

LARGEST = 64 * 1024 * 1024
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that holds: the digest of each statement."""

    guid: str
    digests: tuple[str, ...]


def read_chain(document: bytes, keys: Keys) -> Chain:
    """The chain in *document*, every statement of it checked.

    :raises Refused: naming the first statement that is wrong, and how.
    """
    if len(document) > LARGEST:
        raise Refused(f"is larger than {LARGEST} bytes")
    try:
        found = parse(document.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused("is not UTF-8") from None
    if not isinstance(found, dict) or not isinstance(found.get("statements"), list):
        raise Refused("is no chain: an object with 'guid' and 'statements'")
    guid, listed = found.get("guid"), found["statements"]
    if not isinstance(guid, str) or not 0 < len(listed) <= MOST:
        raise Refused("is no chain: its guid is no string, or it is empty or endless")
    digests: list[str] = []
    before: Statement | None = None
    for number, text in enumerate(listed, 1):
        try:
            # The digests chain them: who signs the last one vouches for all before it.
            made, said = _signed(text, keys, vouched=number < len(listed))
            _follows(said, before, number, guid, digests)
        except Refused as error:
            raise Refused(f"statement {number}: {error}") from None
        digests.append(made.digest)
        before = said
    return Chain(guid, tuple(digests))


def _signed(text: object, keys: Keys, *, vouched: bool) -> tuple[Token, Statement]:
    if not isinstance(text, str):
        raise Refused("is no string")
    made = read_token(text)
    said = read_statement(made, earlier=True)
    if fault := key_fault(made, said, keys, vouched=vouched):
        raise Refused(fault)
    if not made.signed_by(keys.statement[made.kid].public):
        raise Refused("the signature does not verify")
    return made, said


def key_fault(made: Token, said: Statement, keys: Keys, *, vouched: bool = False) -> str:
    """Why the key of a token is not good for it; empty when it is. See :meth:`.keys.Key.fault`."""
    if made.kid in keys.refused:
        return f"the key {made.kid}: {keys.refused[made.kid]}"
    if made.kid not in keys.statement:
        return f"the key {made.kid} is not in the key set"
    return keys.statement[made.kid].fault(said.issued_at, vouched=vouched)


def _follows(
    said: Statement, before: Statement | None, number: int, guid: str, digests: list[str]
) -> None:
    if said.guid != guid:
        raise Refused("is of another guid")
    if said.version != number:
        raise Refused(f"has version {said.version}: one is missing, or too many")
    if before is None:
        return
    if said.earlier and not before.earlier:
        raise Refused("is of an earlier type than the one before")
    if said.story != before.story:
        raise Refused("is of another story")
    if said.previous != digests[-1]:
        raise Refused("'previous' is not the digest of the one before")
    if before.issued_at - said.issued_at > SLACK:
        raise Refused("was issued before the one before")
