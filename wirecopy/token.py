"""A compact JWS (RFC 7515), read so strictly that it has one spelling (docs/statement.md §2)."""

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .encoding import canonical, digest, from_base64url, parse
from .errors import Refused

LONGEST = 65_536
TYPE = "wirecopy-statement+jws"


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose form is right. Nothing of it is true before :meth:`signed_by` says so."""

    text: str
    kid: str
    payload: dict[str, Any]
    signature: bytes

    @property
    def digest(self) -> str:
        """What the next statement of the story calls its ``previous``."""
        return digest(self.text.encode())

    def signed_by(self, key: bytes) -> bool:
        """Whether the signature is that of the Ed25519 public *key* (32 bytes, RFC 8032)."""
        try:
            public = Ed25519PublicKey.from_public_bytes(key)
            public.verify(self.signature, self.text.rpartition(".")[0].encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def read(text: str) -> Token:
    """The token in *text*.

    :raises Refused: for any other algorithm, header or spelling than the one there is.
    """
    if len(text) > LONGEST:
        raise Refused(f"is longer than {LONGEST} characters")
    pieces = text.split(".")
    if not text.isascii() or len(pieces) != 3:
        raise Refused("is no compact JWS: three pieces of base64url, joined by dots")
    header, payload, signature = (
        _decoded(piece, name)
        for piece, name in zip(pieces, ("header", "payload", "signature"), strict=True)
    )
    kid = _kid(header)
    found = _object(payload, "payload")
    if canonical(found) != payload:
        raise Refused("payload: is not in canonical form (RFC 8785)")
    if len(signature) != 64:
        raise Refused(f"signature: has {len(signature)} bytes, an Ed25519 signature 64")
    return Token(text, kid, found, signature)


def _decoded(piece: str, name: str) -> bytes:
    try:
        return from_base64url(piece)
    except Refused as error:
        raise Refused(f"{name}: {error}") from None


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = parse(data.decode())
    except UnicodeDecodeError:
        raise Refused(f"{name}: is not UTF-8") from None
    except Refused as error:
        raise Refused(f"{name}: {error}") from None
    if not isinstance(found, dict):
        raise Refused(f"{name}: is no JSON object")
    return found


def _kid(data: bytes) -> str:
    header = _object(data, "header")
    if header.get("alg") != "EdDSA":
        raise Refused(f"header: algorithm {header.get('alg')!r}; only EdDSA signs statements")
    kid = header.get("kid")
    if not isinstance(kid, str) or len(kid) != 43:
        raise Refused("header: 'kid' is no key thumbprint")
    if data != canonical({"alg": "EdDSA", "kid": kid, "typ": TYPE}):
        raise Refused("header: has to hold alg, kid and typ, in canonical form and nothing else")
    return kid
