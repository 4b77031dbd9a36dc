"""Compact JWS (RFC 7515) signed with Ed25519 (RFC 8037): one algorithm, one header, one spelling.

A key's id is its thumbprint (RFC 7638), so it cannot be given to another key.
``docs/statement.md`` §2.
"""

import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .encoding import canonical, digest, from_base64url, parse_json, to_base64url
from .errors import Refused
from .keys import thumbprint

LONGEST = 65_536
"""Characters of the longest token that verifiers read."""

TYPE = "wirecopy-statement+jws"
"""``typ`` of a signed statement, so that a token signed for something else is not taken for one."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with the id of its public half."""

    kid: str
    key: Ed25519PrivateKey

    @classmethod
    def of(cls, key: Ed25519PrivateKey) -> "Signer":
        """*key* with its id."""
        return cls(thumbprint(key.public_key().public_bytes_raw()), key)

    def sign(self, payload: dict[str, Any]) -> str:
        """*payload* as a compact JWS. Ed25519 is deterministic: equal payloads give equal tokens.

        :raises Refused: when *payload* cannot be written as canonical JSON.
        """
        signed = f"{to_base64url(_header(self.kid))}.{to_base64url(canonical(payload))}"
        return f"{signed}.{to_base64url(self.key.sign(signed.encode()))}"


def _header(kid: str) -> bytes:
    return canonical({"alg": "EdDSA", "kid": kid, "typ": TYPE})


def payload_of(token: str) -> dict[str, Any]:
    """The payload of a token that we signed ourselves; the signature is not checked."""
    found: dict[str, Any] = json.loads(from_base64url(token.split(".")[1]))
    return found


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


def read_token(text: str) -> Token:
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
        found = parse_json(data.decode())
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
    if data != _header(kid):
        raise Refused("header: has to hold alg, kid and typ, in canonical form and nothing else")
    return kid
