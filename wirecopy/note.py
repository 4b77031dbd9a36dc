"""Signed notes and checkpoints of a log (C2SP signed-note, tlog-checkpoint)."""

import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .encoding import LARGEST, SPACE, from_base64
from .errors import Refused

LONGEST = 16_384
"""Bytes of the longest note, and of the longest proof."""

MOST_SIGNATURES = 16
_ED25519 = b"\x01"
_NAME = re.compile(rf"[^+\x00-\x1f\ud800-\udfff{SPACE}]+")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogKey:
    """Whose checkpoints are believed: the log's name, which is its origin, and its key."""

    name: str
    id: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log as it was signed, and the note itself."""

    origin: str
    size: int
    root: bytes
    note: str


def log_key(text: str) -> LogKey:
    """The key in a verifier key, ``NAME+HASH+BASE64``.

    :raises Refused: for any other, or an algorithm other than Ed25519.
    """
    name, _, rest = text.partition("+")
    mark, _, coded = rest.partition("+")
    try:
        key = from_base64(coded)
    except Refused as error:
        raise Refused(f"log key: {error}") from None
    if not _NAME.fullmatch(name) or key[:1] != _ED25519 or len(key) != 33:
        raise Refused("log key: is no Ed25519 verifier key NAME+HASH+BASE64")
    id_ = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if mark != id_.hex():
        raise Refused("log key: its key id is not that of its name and key")
    return LogKey(name, id_, key[1:])


def number(text: str) -> int:
    """A whole number in decimal, without leading zeros.

    :raises Refused: for any other spelling, and beyond 2^53 - 1.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > LARGEST:
        raise Refused(f"{text[:20]!r} is no number")
    return int(text)


def checkpoint(note: str, key: LogKey) -> Checkpoint:
    """The checkpoint that *note* is, once *key* is found to have signed it.

    :raises Refused: when it is none, is of another log, or its signature does not verify.
    """
    try:
        found, text, signatures = _read(note)
        if found.origin != key.name:
            raise Refused(f"is of the log {found.origin[:80]!r}, not of {key.name!r}")
        if not _signed(text, signatures, key):
            raise Refused(f"is not signed by {key.name}")
    except Refused as error:
        raise Refused(f"checkpoint: {error}") from None
    return found


def too_long(text: str) -> bool:
    """Whether *text* in UTF-8 is longer than a note or a proof may be."""
    return len(text.encode("utf-8", "surrogatepass")) > LONGEST


def known_checkpoint(note: str) -> Checkpoint:
    """The checkpoint that *note* is, taken as it stands: its signature was checked before.

    :raises Refused: when it is none.
    """
    return _read(note)[0]


def _read(note: str) -> tuple[Checkpoint, str, str]:
    if too_long(note) or re.search(r"[\x00-\x09\x0b-\x1f]|[\ud800-\udfff]", note):
        raise Refused("is no signed note: too long, or with control characters")
    cut = note.rfind("\n\n")
    text, signatures = note[: cut + 1], note[cut + 2 :]
    if cut < 0 or not signatures.endswith("\n"):
        raise Refused("is no signed note: text, empty line, signatures")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines:
        raise Refused("has to have lines for origin, size and root")
    found = Checkpoint(lines[0], number(lines[1]), from_base64(lines[2]), note)
    if len(found.root) != 32:
        raise Refused("its root is no SHA-256 hash")
    return found, text, signatures


def _signed(text: str, signatures: str, key: LogKey) -> bool:
    """Whether *key* signed *text*. One signature of its that fails spoils the note."""
    found = False
    for line in signatures[:-1].split("\n")[:MOST_SIGNATURES]:
        dash, name, coded = [*line.split(" "), "", ""][:3]
        if dash != "—" or line.count(" ") != 2 or not _NAME.fullmatch(name):
            raise Refused("has a signature line that is none")
        signature = from_base64(coded)
        if len(signature) < 5:
            raise Refused("has a signature line that is none")
        if name != key.name or signature[:4] != key.id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], text.encode())
        except (InvalidSignature, ValueError):
            raise Refused(f"the signature of {key.name} does not verify") from None
        found = True
    return found
