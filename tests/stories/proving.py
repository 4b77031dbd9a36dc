"""Checks what was signed and logged, by the specifications alone: no code is the issuer's."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose signature is good."""

    origin: str
    size: int
    root: bytes


def raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def opened(note: str, verifier: str) -> Checkpoint:
    """The checkpoint *note*, signed by the key *verifier* says (signed-note, tlog-checkpoint)."""
    name, identity, encoded = verifier.split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    assert key[0] == 1
    hashed = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    assert hashed.hex() == identity
    text, _, signatures = note.rpartition("\n\n")
    dash, signer, signature = signatures.removesuffix("\n").split(" ")
    assert (dash, signer) == ("\u2014", name)
    blob = base64.b64decode(signature, validate=True)
    assert blob[:4] == hashed
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(blob[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    return Checkpoint(origin, int(size), base64.b64decode(root, validate=True))


def proved(proof: str, leaf: bytes, verifier: str) -> tuple[int, Checkpoint]:
    """The index and the log that *proof* (tlog-proof) puts *leaf* into; fails when it does not."""
    head, _, note = proof.partition("\n\n")
    magic, index, *lines = head.split("\n")
    assert magic == "c2sp.org/tlog-proof@v1"
    assert index.startswith("index ")
    at = int(index.removeprefix("index "))
    path = [base64.b64decode(line, validate=True) for line in lines]
    checkpoint = opened(note, verifier)
    assert 0 <= at < checkpoint.size
    # RFC 9162 §2.1.3.2
    found, place, last = hashlib.sha256(b"\0" + leaf).digest(), at, checkpoint.size - 1
    for step in path:
        assert last > 0
        if place % 2 or place == last:
            found = hashlib.sha256(b"\1" + step + found).digest()
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + step).digest()
        place, last = place >> 1, last >> 1
    assert last == 0
    assert found == checkpoint.root
    return at, checkpoint


def verified(token: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """What a compact JWS says that one of the keys of *jwks* signed; fails when none did."""
    head, payload, signature = token.split(".")
    header = json.loads(raw(head))
    [key] = [k for k in jwks["keys"] if k["kid"] == header["kid"]]
    required = json.dumps({n: key[n] for n in ("crv", "kty", "x")}, separators=(",", ":"))
    thumbprint = hashlib.sha256(required.encode()).digest()
    assert base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode() == key["kid"]
    expected = {"alg": "EdDSA", "kid": key["kid"], "typ": "wirecopy-statement+jws"}
    assert raw(head) == json.dumps(expected, separators=(",", ":")).encode()
    public = Ed25519PublicKey.from_public_bytes(raw(key["x"]))
    public.verify(raw(signature), f"{head}.{payload}".encode())
    said: dict[str, Any] = json.loads(raw(payload))
    # All its names are ASCII, so this is RFC 8785.
    again = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert raw(payload) == again.encode()
    return said


def receipt(said: dict[str, Any]) -> bytes:
    """The leaf that a statement's receipt is of."""
    names = ["agency", "agency_id", "agency_version", "guid", "received", "received_at", "rule"]
    number = said["type"].removeprefix("wirecopy-statement-")
    names += ["logged_at"] if number == "2" else []
    leaf = {name: said[name] for name in names} | {"type": f"wirecopy-receipt-{number}"}
    told = json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return told.encode()


def digested(token: str) -> str:
    """The digest by which the next statement names *token*."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()}:"


def chained(tokens: list[str], jwks: dict[str, Any]) -> list[dict[str, Any]]:
    """What a story's statements say, oldest first; fails when they are no chain or not proved."""
    told = [verified(token, jwks) for token in tokens]
    for number, said in enumerate(told, start=1):
        assert said["version"] == number
        assert said["previous"] == (digested(tokens[number - 2]) if number > 1 else None)
        assert said["guid"] == told[0]["guid"]
        assert said["issued_at"] >= told[max(number - 2, 0)]["issued_at"]
        if said["received"] is None:
            assert said["receipt"] is None
        else:
            proved(said["receipt"], receipt(said), jwks["wirecopy_log"])
    return told
