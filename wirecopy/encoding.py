"""Text, base64, digests, instants and JSON, each in exactly one spelling; any other is refused.

RFC 4648, RFC 9530 §2 and RFC 8785. What a lenient decoder accepts (padding, spaces, set bits after
the end, a name twice), another decoder reads differently: one signature would cover two messages.
"""

import base64
import binascii
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from .errors import Refused

LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader knows exactly (RFC 7493 §2.2)."""

LARGEST_DOCUMENT = 64 * 1024 * 1024
"""Bytes of one document: a feed, a key set, a chain; as a file, fetched, and unpacked."""

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space, all 25 characters, for ``strip``: alone it strips U+001C to U+001F too."""

_QUOTE = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps makes an encoder at each call
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_SHORT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_SHORTENED = str.maketrans("+/", "-_")
_LENGTHENED = str.maketrans("-_", "+/")
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_URL = re.compile(r"[A-Za-z0-9_-]*")
_STANDARD = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.S)
_SURROGATE = re.compile("[\ud800-\udfff]")
_FIELD = 2**255 - 19
_SMALL_ORDER = {
    y.to_bytes(32, "little")
    for y in (
        *(0, 1, _FIELD - 1, _FIELD, _FIELD + 1),
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    )
}
"""The encoded points whose order divides 8, without the sign of x; the first two in two ways."""
_UNSHOWN = re.compile("[\x7f-\x9f\u1680\u2028\u2029]")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def names(text: str) -> frozenset[str]:
    """The space-separated names in *text*."""
    return frozenset(text.split())


def well_formed(text: str) -> str:
    """*text* as Unicode scalar values: surrogate pairs joined, lone surrogates U+FFFD.

    As WebIDL's ``USVString`` and JavaScript's ``toWellFormed`` do it. Surrogates come from JSON and
    from broken decoders; UTF-8 cannot hold them.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def bounded(file: Path, most: int) -> bytes:
    """The bytes of *file*, which may also be a pipe or a device.

    :raises Refused: when there are more than *most*.
    :raises OSError: when it cannot be read.
    """
    with file.open("rb") as opened:
        found = opened.read(most + 1)
    if len(found) > most:
        raise Refused(f"{file}: more than {most:,} bytes")
    return found


def unpacked(document: bytes, largest: int) -> bytes:
    """*document*, or what it holds if it is gzip (RFC 1952), as feeds are served and saved.

    :raises Refused: when it is damaged, or more than *largest* bytes.
    """
    if document.startswith(b"\x1f\x8b"):
        try:
            document = gzip.GzipFile(fileobj=io.BytesIO(document)).read(largest + 1)
        except (OSError, EOFError, zlib.error):
            raise Refused("is gzip that is damaged or cut off") from None
    if len(document) > largest:
        raise Refused(f"is larger than {largest} bytes")
    return document


def parse_document(document: bytes, largest: int = LARGEST_DOCUMENT) -> Any:
    """The value that a JSON *document* is, as it is served or saved, packed or not.

    :raises Refused: as :func:`unpacked` and :func:`parse_json` do, and when it is not UTF-8.
    """
    try:
        return parse_json(unpacked(document, largest).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused("is not UTF-8") from None


def xml_chars(text: str) -> str:
    """*text* with only the characters that XML 1.0 §2.2 allows: one other breaks a whole feed.

    Controls, U+FFFE and U+FFFF are removed; vertical tab and form feed, which separate words,
    become spaces; surrogates as :func:`well_formed` has them.
    """
    if _is_printable(text):
        return text
    return _ILLEGAL.sub(lambda found: " " if found[0] in "\v\f" else "", well_formed(text))


def _is_printable(text: str) -> bool:
    """Whether *text* holds lines of printable characters alone: none that XML does not allow, or
    browsers do not show, is one. To ask for that takes a quarter of the time of a pattern."""
    return text.replace("\n", " ").isprintable()


def shown_chars(text: str) -> str:
    """*text* as :func:`xml_chars` has it, and without the characters that browsers show otherwise
    than they are read (``form.json``): the projection is the same.

    Four kinds of white space, which show as a sign or as nothing, become spaces; U+007F and C1
    controls, which show as a sign, are removed.
    """
    if _is_printable(text):
        return text
    return _UNSHOWN.sub(
        lambda found: " " if found[0] in "\x85\u1680\u2028\u2029" else "", xml_chars(text)
    )


def from_base64url(text: str) -> bytes:
    """The bytes of base64url without padding (RFC 7515 §2).

    :raises Refused: for anything but the one spelling of those bytes.
    """
    if not _URL.fullmatch(text) or len(text) % 4 == 1:
        raise Refused("is not base64url")
    found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(found) != text:
        raise Refused("is base64url with set bits after its end")
    return found


def to_base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    """The bytes of standard base64 with padding (RFC 4648 §4).

    :raises Refused: for anything but the one spelling of those bytes.
    """
    try:
        found = base64.b64decode(text, validate=True) if _STANDARD.fullmatch(text) else None
    except binascii.Error:
        found = None
    if found is None or base64.b64encode(found).decode() != text:
        raise Refused("is not base64")
    return found


def is_small_order(public: bytes) -> bool:
    """Whether an Ed25519 public key (32 bytes) is of small order: then one signature may verify
    for any message (``docs/statement.md`` §3)."""
    return bytes([*public[:31], public[31] & 0x7F]) in _SMALL_ORDER


def digest(data: bytes) -> str:
    """SHA-256 of *data* as an RFC 9530 member, ``sha-256=:BASE64:``."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def is_digest(value: object) -> bool:
    """Whether *value* is a digest as :func:`digest` writes it."""
    found = _DIGEST.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return False
    try:
        return len(from_base64(found[1])) == 32
    except Refused:
        return False


def short(digest: str) -> str:
    """The short form of a digest as :func:`digest` writes it: base64url of its 32 bytes."""
    return digest[9:52].translate(_SHORTENED)


def shorts(digests: Mapping[str, str]) -> dict[str, str]:
    """The short forms of *digests*, by the same names."""
    return {name: digest[9:52].translate(_SHORTENED) for name, digest in digests.items()}


def is_short(value: object) -> bool:
    """Whether *value* is a digest, or the thumbprint of a key, as :func:`short` writes it."""
    return isinstance(value, str) and _SHORT.fullmatch(value) is not None


def long(short: str) -> str:
    """The digest of which *short* is the short form."""
    return f"sha-256=:{short.translate(_LENGTHENED)}=:"


def longs(shorts: Mapping[str, str]) -> dict[str, str]:
    """The digests of which *shorts* are the short forms, by the same names."""
    return {name: f"sha-256=:{text.translate(_LENGTHENED)}=:" for name, text in shorts.items()}


def are_short(values: Iterable[object]) -> bool:
    """Whether :func:`is_short` holds of each of *values*."""
    return all(isinstance(value, str) and _SHORT.fullmatch(value) for value in values)


SLACK = timedelta(minutes=5)
"""By how much the clocks of one publisher's machines may differ."""


def from_instant(text: str) -> datetime:
    """The instant in *text*, as :func:`to_instant` writes it.

    :raises Refused: for any other spelling.
    """
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError
        return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise Refused(f"{text[:40]!r} is no instant") from None


def to_instant(moment: datetime) -> str:
    """*moment* in UTC to the microsecond (RFC 3339), always of the same length."""
    written = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return written.replace("+00:00", "Z")


def parse_json(text: str, *, deepest: int = 8, fractions: bool = False) -> Any:
    """The value of a JSON text (RFC 8259).

    :param deepest: how deep arrays and objects may nest.
    :param fractions: whether it may hold large numbers, and numbers with a fraction.
    :raises Refused: for what is no JSON, nests deeper, or holds a name twice, a lone surrogate, or
        a number that is not allowed.
    """
    _check_depth(text, deepest)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=float if fractions else _no_number,
            parse_int=_number if fractions else _integer,
        )
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise Refused(f"is not JSON ({error})") from None
    if not fractions:
        canonical(found)
    return found


def canonical(value: object) -> bytes:
    """*value* in canonical JSON (RFC 8785).

    :raises Refused: for anything but strings, whole numbers up to :data:`LARGEST`, booleans, None,
        sequences and mappings, and for a lone surrogate.
    """
    return (_SORTED(value) if _is_simple(value) else _written(value)).encode()


_SORTED = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@lru_cache(maxsize=64)  # few keys sign many statements
def jws_header(kid: str, typ: str) -> bytes:
    """What stands before a payload, plain, in the bytes that the key *kid* signs (RFC 7797)."""
    header = {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": kid, "typ": typ}
    return f"{to_base64url(canonical(header))}.".encode()


def _is_simple(value: object) -> bool:
    """Whether Python's own encoder writes *value* in canonical form, in a fourth of the time."""
    if isinstance(value, str):
        return value.isascii() or _SURROGATE.search(value) is None
    if isinstance(value, dict):
        # Only names in ASCII are in the same order by code points as by UTF-16.
        named = all(isinstance(name, str) and name.isascii() for name in value)
        return named and all(map(_is_simple, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_simple, value))
    if value is None or isinstance(value, bool):
        return True
    return isinstance(value, int) and abs(value) <= LARGEST


def _written(value: object) -> str:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise Refused("holds a lone surrogate")
        return _QUOTE(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise Refused("holds a number beyond 2^53 - 1")
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        # RFC 8785 §3.2.3: by UTF-16 code units.
        names = sorted(value, key=lambda name: str(name).encode("utf-16-be", "surrogatepass"))
        return f"{{{','.join(f'{_written(str(n))}:{_written(value[n])}' for n in names)}}}"
    raise Refused(f"holds a {type(value).__name__}")


def _check_depth(text: str, deepest: int) -> None:
    if text.count("[") + text.count("{") <= deepest:
        return  # too few of them to nest deeper, wherever they stand
    depth = 0
    for mark in re.findall(r"[\[{\]}]", _STRING.sub("", text)):
        depth += 1 if mark in "[{" else -1
        if depth > deepest:
            raise Refused(f"nests deeper than {deepest}")


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Refused(f"has the member {name[:40]!r} twice")
        found[name] = value
    return found


def _no_number(text: str) -> NoReturn:
    raise Refused(f"holds {text[:40]!r}, which is no whole number")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST:
        raise Refused("holds a number beyond 2^53 - 1")
    return int(text)


def _number(text: str) -> int | float:
    return int(text) if len(text) <= 17 else float(text)
