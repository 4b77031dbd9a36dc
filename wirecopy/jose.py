"""Public keys (JWK Set, RFC 7517) and what they sign (JWS, RFC 7515; its payload plain, RFC 7797).

Ed25519 alone (RFC 8037): one algorithm, one header, one spelling. A key's id is its thumbprint
(RFC 7638), so it cannot be given to another key. ``docs/statement.md`` §2 and §3.

A signed statement is one text, its token: the canonical JSON object of ``key``, ``payload`` and
``signature``, or, of an earlier type, a compact JWS.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .encoding import (
    canonical,
    digest,
    from_base64url,
    is_short,
    is_small_order,
    jws_header,
    parse_document,
    parse_json,
    to_base64url,
)
from .errors import Refused
from .restore import Restore, read_restores
from .tlog import Checkpoint, LogKey, Proved, check_proof, is_signed, log_key

LARGEST_SET = 1_048_576
LONGEST = 65_536
"""Bytes of the longest payload that verifiers read, and of the longest compact JWS."""

TYPE = "wirecopy-statement-3"
"""``typ`` of a signed statement, so that a token signed for something else is not taken for one."""
EARLIER = "wirecopy-statement+jws"
"""The same of a compact JWS."""

_MARKS = '{"key":"', '","payload":', ',"signature":"', '"}'
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_KEY, _SIGNATURE = 43, 86  # characters of base64url of 32 and of 64 bytes
_BEFORE = len(_MARKS[0]) + _KEY + len(_MARKS[1])
_BEHIND = len(_MARKS[2]) + _SIGNATURE + len(_MARKS[3])


@dataclass(frozen=True, slots=True)
class Key:
    """One statement key; ``nbf`` and ``exp`` in seconds since 1970."""

    kid: str
    public: bytes
    nbf: int
    exp: int | None
    revoked: str | None
    """Why it is revoked; None when it is not."""

    def fault(self, issued_at: datetime, *, vouched: bool = False) -> str:
        """Why this key is not valid for a statement issued then; empty when it is.

        :param vouched: a later statement by a valid key names that statement as its previous one.
        """
        if self.revoked is not None and not vouched:
            return f"the key {self.kid} was revoked ({self.revoked}): none of its statements counts"
        if issued_at < _date(self.nbf):
            return f"the key {self.kid} holds only from {_date(self.nbf):%Y-%m-%d %H:%M}Z"
        if self.exp is not None and issued_at > _date(self.exp):
            return f"the key {self.kid} held only until {_date(self.exp):%Y-%m-%d %H:%M}Z"
        return ""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that statements are checked against, by key id, and the log's key.

    ``refused`` says, by key id, what is wrong with keys of the set that cannot be used.
    ``restores`` lead from log to log to the present one.
    """

    statement: Mapping[str, Key] = field(default_factory=dict)
    log: LogKey | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    restores: tuple[Restore, ...] = ()

    @property
    def logs(self) -> dict[str, LogKey]:
        """All logs by name, the present one last."""
        present = () if self.log is None else (self.log,)
        return {key.name: key for key in (*(one.former for one in self.restores), *present)}

    def named(self, log: str) -> LogKey | None:
        """The log that a proof says by that name it is of; the present one when it says nothing."""
        return self.logs.get(log) if log else self.log

    def prove(self, text: str, leaf: bytes) -> Proved:
        """Check the proof *text* that the leaf with the bytes *leaf* is in one of the logs; its
        place there.

        :raises Refused: when it is no proof, does not prove it, or goes beyond the end of a log.
        """
        if self.log is None:
            raise Refused("the key set has no log key")
        origin = text.partition("\n\n")[2].partition("\n")[0]
        proved = check_proof(text, leaf, self.named(origin) or self.log)
        self.check_end(proved.head)
        return proved

    def check_end(self, head: Checkpoint) -> None:
        """Check that a log that another followed is not said to have gone on to *head*.

        :raises Refused: when it is.
        """
        ended = self.ended(head.origin)
        if ended is not None and head.size > ended.head.size:
            raise Refused(
                f"the log {head.origin!r} ended with a restore that knows {ended.head.size} of its"
                f" receipts, not {head.size}"
            )

    def ended(self, log: str) -> Restore | None:
        """The restore after which the log of that name was not continued; None for the present."""
        return next((one for one in self.restores if one.former.name == log), None)

    def since(self, log: str | None) -> tuple[Restore, ...]:
        """The restores since receipts went into the log of that name; all where it is None."""
        names = [one.former.name for one in self.restores]
        if log is None:
            return self.restores
        return self.restores[names.index(log) :] if log in names else ()

    def has(self, kid: str) -> bool:
        """Whether the key of that id stands in the set, usable or not."""
        return kid in self.statement or kid in self.refused


def read_keys(document: bytes) -> Keys:
    """The keys in a JWK Set (RFC 7517) as it is served.

    :raises Refused: when it is none, or its log key is wrong. A single bad key is reported for the
        statements that name it.
    """
    try:
        found = parse_document(document, LARGEST_SET)
    except Refused as error:
        raise Refused(f"key set: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise Refused("key set: is no JWK Set, an object with a list 'keys'")
    good: dict[str, Key] = {}
    bad: dict[str, str] = {}
    # Some publishers write null for what is not there.
    listed = [
        {name: value for name, value in one.items() if value is not None}
        for one in found["keys"]
        if isinstance(one, dict)
    ]
    # Of every type: whoever reads another of two twins reads something else of the same key.
    named = Counter(name for one in listed for name in _names(one))
    for one in listed:
        if one.get("kty") != "OKP" or one.get("crv") != "Ed25519":
            continue
        try:
            key = _key(one)
            if any(named[name] > 1 for name in _names(one)):
                raise Refused("stands more than once in the key set")
        except Refused as error:
            bad.setdefault(str(one.get("kid")), str(error))
            continue
        good[key.kid] = key
    vkey = found.get("wirecopy_log")
    if vkey is not None and not isinstance(vkey, str):
        raise Refused("key set: 'wirecopy_log' is no verifier key")
    log = log_key(vkey) if vkey is not None else None
    try:
        told = found.get("wirecopy_restores")
        restores = () if told is None else read_restores(told, vkey)
    except Refused as error:
        raise Refused(f"key set: {error}") from None
    keys = Keys(good, log, bad, restores)
    # Who signs with it for one of the two would sign for the other.
    if {one.public for one in keys.logs.values()} & {key.public for key in good.values()}:
        raise Refused("key set: a log's key is that of statements, too")
    return keys


def jwk(public: bytes) -> dict[str, str]:
    """The Ed25519 key *public* (32 bytes) as a JWK, its required members only (RFC 8037 §2)."""
    return {"crv": "Ed25519", "kty": "OKP", "x": to_base64url(public)}


def thumbprint(public: bytes) -> str:
    """The name of the Ed25519 key *public* (32 bytes): its RFC 7638 thumbprint by SHA-256."""
    return to_base64url(hashlib.sha256(canonical(jwk(public))).digest())


def _names(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What identifies a key: two that share either are the same key."""
    return ((name, one[name]) for name in ("kid", "x") if isinstance(one.get(name), str))


def _key(one: Mapping[str, Any]) -> Key:
    if "d" in one:
        raise Refused("its private part is published, so anybody can sign with it")
    if one.get("alg", "EdDSA") not in ("EdDSA", "Ed25519") or one.get("use", "sig") != "sig":
        raise Refused("is not for signatures by EdDSA")
    x = one.get("x")
    public = from_base64url(x) if isinstance(x, str) else b""
    if len(public) != 32:
        raise Refused("'x' is no Ed25519 public key")
    if is_small_order(public):
        raise Refused("'x' is of small order, so that signatures by it show nothing")
    kid = thumbprint(public)
    if one.get("kid") != kid:
        raise Refused("its 'kid' is not its thumbprint (RFC 7638)")
    revoked = one.get("revoked")
    if revoked is not None and not isinstance(revoked, dict):
        raise Refused("'revoked' is no object")
    return Key(
        kid=kid,
        public=public,
        nbf=_seconds(one, "nbf"),
        exp=_seconds(one, "exp") if "exp" in one else None,
        revoked=None if revoked is None else str(revoked.get("reason", "no reason given"))[:80],
    )


def _seconds(one: Mapping[str, Any], name: str) -> int:
    value = one.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 253402300800:
        raise Refused(f"'{name}' is no number of seconds since 1970")
    return value


def _date(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


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
        """*payload* signed. Ed25519 is deterministic: equal payloads give equal tokens.

        :raises Refused: when *payload* cannot be written as canonical JSON.
        """
        said = canonical(payload)
        signature = self.key.sign(jws_header(self.kid, TYPE) + said)
        return token_text(self.kid, said.decode(), to_base64url(signature))


@lru_cache(maxsize=64)
def _earlier_header(kid: str) -> bytes:
    return canonical({"alg": "EdDSA", "kid": kid, "typ": EARLIER})


class Pieces(NamedTuple):
    """The three parts of a token, each as text."""

    key: str
    payload: str
    signature: str


def token_text(key: str, payload: str, signature: str) -> str:
    """The token of these parts; ``""`` where they cannot be those of one."""
    if not is_short(key) or not _BASE64URL.fullmatch(signature):
        return ""
    return f"{_MARKS[0]}{key}{_MARKS[1]}{payload}{_MARKS[2]}{signature}{_MARKS[3]}"


def as_text(found: object) -> str:
    """The token that stands in JSON as an object, or as text if it is compact; ``""`` for none."""
    if isinstance(found, str):
        return found if is_compact(found) else ""
    try:
        return canonical(found).decode()
    except Refused:
        return ""


def is_compact(token: str) -> bool:
    """Whether a statement is a compact JWS, as those of earlier types are, if it is one at all."""
    return not token.startswith("{")


def in_xml(token: str) -> str:
    """The text of the element that holds a *token* that we signed ourselves."""
    if is_compact(token):
        return token
    key, payload, signature = pieces_of(token)
    return f"{key}.{signature}.{payload}"


def from_xml(text: str) -> str:
    """The token that stands in XML as *text*; ``""`` for one that is spelt as nowhere in XML."""
    key, _, rest = text.partition(".")
    signature, _, payload = rest.partition(".")
    if payload.startswith("{"):
        return token_text(key, payload, signature)
    return text if is_compact(text) else ""


# Of a token that we signed ourselves nothing has to be checked, and half of it not to be read.


def pieces_of(token: str) -> Pieces:
    """The parts of a token that we signed ourselves, and that is no compact JWS."""
    return Pieces(
        token[len(_MARKS[0]) : len(_MARKS[0]) + _KEY],
        token[_BEFORE:-_BEHIND],
        token[-_SIGNATURE - len(_MARKS[3]) : -len(_MARKS[3])],
    )


def as_json(token: str) -> Any:
    """What is in JSON for a token that we signed ourselves: an object, or text if it is compact."""
    return token if is_compact(token) else json.loads(token)


def payload_of(token: str) -> dict[str, Any]:
    """The payload of a token that we signed ourselves."""
    compact = is_compact(token)
    said = from_base64url(token.split(".")[1]) if compact else pieces_of(token).payload
    found: dict[str, Any] = json.loads(said)
    return found


def token_digest(token: str) -> str:
    """The digest of a token that we signed ourselves."""
    return digest((token if is_compact(token) else pieces_of(token).payload).encode())


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose form is right. Nothing of it is true before :meth:`signed_by` says so."""

    text: str
    kid: str
    payload: dict[str, Any]
    signature: bytes
    signed: bytes
    """The bytes that are signed."""
    digest: str
    """What the next statement of the story calls its ``previous``."""

    @property
    def compact(self) -> bool:
        """Whether it is a compact JWS, as statements of earlier types are."""
        return is_compact(self.text)

    def signed_by(self, key: bytes) -> bool:
        """Whether the signature is that of the Ed25519 public *key* (32 bytes, RFC 8032)."""
        return is_signed(self.signed, self.signature, key)


def read_token(text: str) -> Token:
    """The token in *text*.

    :raises Refused: for any other algorithm, header or spelling than the one there is.
    """
    return _read_compact(text) if is_compact(text) else _read(text)


def _read(text: str) -> Token:
    if len(text) > _BEFORE + LONGEST + _BEHIND:
        raise Refused(f"payload: is longer than {LONGEST} bytes")
    found = parse_json(text)
    if found.keys() != {"key", "payload", "signature"} or canonical(found).decode() != text:
        raise Refused("is no key, payload and signature in canonical form (RFC 8785)")
    kid, payload, signature = found["key"], found["payload"], found["signature"]
    if not is_short(kid):
        raise Refused("key: is no key thumbprint")
    if not isinstance(payload, dict) or not isinstance(signature, str):
        raise Refused("payload: is no JSON object, or the signature no text")
    said = canonical(payload)
    if len(said) > LONGEST:
        raise Refused(f"payload: is longer than {LONGEST} bytes")
    signed = jws_header(kid, TYPE) + said
    return Token(text, kid, payload, _signature(signature), signed, digest(said))


def _signature(text: str) -> bytes:
    found = _decoded(text, "signature")
    if len(found) != 64:
        raise Refused(f"signature: has {len(found)} bytes, an Ed25519 signature 64")
    return found


def _read_compact(text: str) -> Token:
    if len(text) > LONGEST:
        raise Refused(f"is longer than {LONGEST} characters")
    pieces = text.split(".")
    if not text.isascii() or len(pieces) != 3:
        raise Refused("is no statement: neither an object nor a compact JWS")
    header, payload = (
        _decoded(piece, name) for piece, name in zip(pieces, ("header", "payload"), strict=False)
    )
    kid = _kid(header)
    found = _object(payload, "payload")
    if canonical(found) != payload:
        raise Refused("payload: is not in canonical form (RFC 8785)")
    signed = text.rpartition(".")[0].encode()
    return Token(text, kid, found, _signature(pieces[2]), signed, digest(text.encode()))


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
    if data != _earlier_header(kid):
        raise Refused("header: has to hold alg, kid and typ, in canonical form and nothing else")
    return kid
