"""A small signer and a small log, with fixed keys: what the verifier is tried against.

Written from ``docs/statement.md`` and RFC 6962 by plain recursion, without any code of ours, so
that issuer and verifier are both held against a third.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TYPE = "wirecopy-statement-3"
EARLIER = "wirecopy-statement+jws"
NBF = 1_763_000_000
"""2025-11-13: when the test keys begin to hold."""


def canonical(value: object) -> bytes:
    """*value* as RFC 8785 writes it. For keys in ASCII, and without floating point."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode()


def digest(data: bytes) -> str:
    """An RFC 9530 member."""
    return f"sha-256=:{b64(hashlib.sha256(data).digest())}:"


def short(long: str | None) -> str:
    """A digest as statements hold it: base64url of its bytes."""
    return b64url(base64.b64decode((long or "")[9:-1]))


def token_digest(token: str) -> str:
    """The digest of a statement."""
    if not token.startswith("{"):
        return digest(token.encode())
    return digest(canonical(json.loads(token)["payload"]))


def payload_of(token: str) -> dict[str, Any]:
    """What a statement says."""
    if token.startswith("{"):
        found: dict[str, Any] = json.loads(token)["payload"]
        return found
    middle = token.split(".")[1]
    whole: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return whole


def private(label: str) -> Ed25519PrivateKey:
    """The test key called *label*: anybody can have it, so it must never sign anything real."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"test {label}".encode()).digest())


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of RFC 8032."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass
class Signer:
    """One statement key."""

    label: str = "first"
    nbf: int = NBF
    exp: int | None = None
    revoked: dict[str, Any] | None = None

    @property
    def key(self) -> Ed25519PrivateKey:
        return private(self.label)

    @property
    def x(self) -> str:
        return b64url(public_bytes(self.key))

    @property
    def kid(self) -> str:
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": self.x}
        return b64url(hashlib.sha256(canonical(jwk)).digest())

    def jwk(self) -> dict[str, Any]:
        """As it stands in a JWK Set."""
        found: dict[str, Any] = {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": self.x,
            "kid": self.kid,
            "alg": "EdDSA",
            "use": "sig",
            "nbf": self.nbf,
        }
        if self.exp is not None:
            found["exp"] = self.exp
        if self.revoked is not None:
            found["revoked"] = self.revoked
        return found

    def header(self) -> dict[str, Any]:
        """The protected header of a compact JWS."""
        return {"alg": "EdDSA", "kid": self.kid, "typ": EARLIER}

    def sign(self, payload: dict[str, Any]) -> str:
        """*payload* signed: as a compact JWS if it names a type, as those of before do."""
        if "type" in payload:
            return self.token(canonical(self.header()), canonical(payload))
        return self.sign_text(canonical(payload).decode())

    def sign_text(self, payload: str) -> str:
        """A payload of any text, honest or not, signed."""
        made = self.signature(payload.encode("utf-8", "surrogatepass"))
        return f'{{"key":"{self.kid}","payload":{payload},"signature":"{made}"}}'

    def signature(self, payload: bytes, **changes: Any) -> str:
        """The signature of a plain payload (RFC 7797), with *changes* to its header."""
        usual = {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": self.kid, "typ": TYPE}
        signed = f"{b64url(canonical({**usual, **changes}))}.".encode() + payload
        return b64url(self.key.sign(signed))

    def token(self, header: bytes, payload: bytes) -> str:
        """A compact JWS of any bytes, honest or not."""
        signed = f"{b64url(header)}.{b64url(payload)}"
        return f"{signed}.{b64url(self.key.sign(signed.encode()))}"


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _cut(n: int) -> int:
    """The largest power of two below *n*."""
    return 1 << (n - 1).bit_length() - 1


@dataclass
class Log:
    """A log of receipts, held in memory."""

    origin: str = "feeds.ndtv.com/log"
    label: str = "log"
    leaves: list[bytes] = field(default_factory=list)

    @property
    def vkey(self) -> str:
        """The log's verifier key (C2SP signed-note)."""
        key = b"\1" + public_bytes(private(self.label))
        return f"{self.origin}+{self._key_id().hex()}+{b64(key)}"

    def _key_id(self) -> bytes:
        named = self.origin.encode() + b"\n\1" + public_bytes(private(self.label))
        return hashlib.sha256(named).digest()[:4]

    def add(self, receipt: object) -> int:
        """Append the receipt, or bytes as they are; its index."""
        self.leaves.append(receipt if isinstance(receipt, bytes) else canonical(receipt))
        return len(self.leaves) - 1

    def root(self, start: int = 0, end: int | None = None) -> bytes:
        """MTH of the leaves from *start* to *end* (RFC 6962 §2.1)."""
        end = len(self.leaves) if end is None else end
        if start == end:
            return hashlib.sha256(b"").digest()
        if end - start == 1:
            return leaf_hash(self.leaves[start])
        middle = start + _cut(end - start)
        return node_hash(self.root(start, middle), self.root(middle, end))

    def inclusion(self, index: int, size: int, start: int = 0) -> list[bytes]:
        """PATH(m, D[n]) (RFC 6962 §2.1.1)."""
        if size - start == 1:
            return []
        middle = start + _cut(size - start)
        if index < middle:
            return [*self.inclusion(index, middle, start), self.root(middle, size)]
        return [*self.inclusion(index, size, middle), self.root(start, middle)]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """PROOF(m, D[n]) (RFC 6962 §2.1.2)."""
        return self._sub(old, 0, new, True)

    def _sub(self, old: int, start: int, end: int, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self.root(start, end)]
        middle = start + _cut(end - start)
        if old <= middle:
            return [*self._sub(old, start, middle, whole), self.root(middle, end)]
        return [*self._sub(old, middle, end, False), self.root(start, middle)]

    def checkpoint(self, size: int | None = None, root: bytes | None = None) -> str:
        """The signed checkpoint of the first *size* leaves (C2SP tlog-checkpoint)."""
        size = len(self.leaves) if size is None else size
        return self.note(f"{self.origin}\n{size}\n{b64(root or self.root(0, size))}\n")

    def note(self, text: str) -> str:
        """A signed note of any text."""
        signature = private(self.label).sign(text.encode())
        return f"{text}\n— {self.origin} {b64(self._key_id() + signature)}\n"

    def receipt(self, index: int, size: int | None = None) -> str:
        """The proof that a leaf stands in the log (C2SP tlog-proof)."""
        size = len(self.leaves) if size is None else size
        return proof_of(index, self.inclusion(index, size), self.checkpoint(size))

    def proof(self, indexes: Iterable[int], size: int | None = None) -> str:
        """The proof of many leaves: the tree, pruned."""
        size = len(self.leaves) if size is None else size
        listed = sorted(set(indexes))

        def pruned(start: int, end: int) -> list[bytes]:
            inside = [at for at in listed if start <= at < end]
            if not inside or end - start == 1:
                return [self.root(start, end)]
            middle = start + _cut(end - start)
            return [*pruned(start, middle), *pruned(middle, end)]

        hashes = b64(b"".join(pruned(0, size)))
        leaves = " ".join(map(str, listed))
        note = self.checkpoint(size).removesuffix("\n")
        return f"wirecopy-proof-1\nleaves {leaves}\n{hashes}\n\n{note}"

    def tile(self, level: int, number: int, width: int) -> bytes:
        """A tile's bytes (C2SP tlog-tiles)."""
        span = 256**level
        first = number * 256
        return b"".join(self.root(i * span, (i + 1) * span) for i in range(first, first + width))

    def bundle(self, number: int, width: int) -> bytes:
        """An entry bundle's bytes."""
        leaves = self.leaves[number * 256 : number * 256 + width]
        return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def proof_of(index: int, path: Iterable[bytes], checkpoint: str) -> str:
    """The proof that one leaf stands in a log (C2SP tlog-proof)."""
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *map(b64, path)]
    return "\n".join([*lines, "", checkpoint])


def jwks(*signers: Signer, log: Log | None = None) -> dict[str, Any]:
    """The published key set."""
    found: dict[str, Any] = {"keys": [signer.jwk() for signer in signers]}
    if log is not None:
        found["wirecopy_log"] = log.vkey
    return found
