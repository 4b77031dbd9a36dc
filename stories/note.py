"""Signed notes, checkpoints and proofs, as C2SP writes them (signed-note, tlog-checkpoint,
tlog-proof). Text in, text out; the keys are Ed25519.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"
"""The signature type of plain Ed25519."""

PROOF = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its name, how many leaves it has, and their root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which signatures name the key *public* (32 bytes) of *name*."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The key as verifiers are told it: name, key id in hex, type and key in Base64."""
    return f"{name}+{key_id(name, public).hex()}+{_base64(ED25519 + public)}"


def origin_of(url: str) -> str:
    """The name of the log served below *url*: without scheme, and without what a name cannot
    hold (spaces, and the plus sign that parts a verifier key)."""
    name = url.partition("://")[2] or url
    return "".join(c for c in name if c != "+" and not c.isspace()).rstrip("/") + "/log"


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """*text*, which ends its last line, as a note signed with *key* of *name*."""
    signature = key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n\u2014 {name} {_base64(signature)}\n"


def proof(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """That the leaf at *index* is in the log of the signed *checkpoint*, as one text."""
    lines = [PROOF, f"index {index}", *(_base64(each) for each in path)]
    return "\n".join([*lines, "", checkpoint])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
