"""Signing: JSON in canonical form (RFC 8785), as compact JWS (RFC 7515) by Ed25519 (RFC 8037).

There is one algorithm and one header. Keys are named by their thumbprint (RFC 7638), so a name
cannot be given to another key.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TYPE = "wirecopy-statement+jws"
"""``typ`` of a signed statement: no token made for something else passes for one."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under the name of its public half."""

    kid: str
    key: Ed25519PrivateKey

    @classmethod
    def of(cls, key: Ed25519PrivateKey) -> "Signer":
        """*key*, named."""
        return cls(thumbprint(key.public_key().public_bytes_raw()), key)

    def sign(self, payload: dict[str, Any]) -> str:
        """*payload* as a compact JWS. Ed25519 draws no random number: the same gives the same."""
        head = canonical({"alg": "EdDSA", "kid": self.kid, "typ": TYPE})
        signed = f"{base64url(head)}.{base64url(canonical(payload))}"
        return f"{signed}.{base64url(self.key.sign(signed.encode()))}"


def canonical(value: Any) -> bytes:
    """*value* as RFC 8785 writes it: objects with ASCII names, arrays, text, whole numbers, null.

    Of such values the standard library writes that form; where it would not (other names sort
    otherwise, numbers with fractions are written otherwise) nothing of ours goes.

    :raises ValueError: for text with a lone surrogate, which has no UTF-8.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"cannot be written as canonical JSON: {error}") from error


def jwk(public: bytes) -> dict[str, str]:
    """The Ed25519 key *public* (32 bytes) as a JWK, its required members only (RFC 8037 §2)."""
    return {"crv": "Ed25519", "kty": "OKP", "x": base64url(public)}


def thumbprint(public: bytes) -> str:
    """The name of the Ed25519 key *public* (32 bytes): its RFC 7638 thumbprint by SHA-256."""
    return base64url(hashlib.sha256(canonical(jwk(public))).digest())


def payload_of(token: str) -> dict[str, Any]:
    """What a compact JWS of our own says. The signature is not checked: we keep what we made."""
    found: dict[str, Any] = json.loads(from_base64url(token.split(".")[1]))
    return found


def base64url(data: bytes) -> str:
    """*data* in the URL's Base64 without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of *text* in that form."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
