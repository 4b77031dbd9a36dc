"""What is kept of every version and statement, packed: JSON of which most is the same in all.

Packed bytes begin with the number of the dictionary that they are packed against; JSON as it is
never begins so. A dictionary is never changed: what was packed with it could not be read any more.
"""

import json
import threading
from typing import Any

import zstandard
from pydantic_core import PydanticSerializationError, to_json

from wirecopy.encoding import from_base64url, to_base64url
from wirecopy.jose import is_compact, pieces_of, token_text

_LEVEL = 3
_NUMBER = b"\x01"

# zstd finds best what stands last. The digests are those of no links, of no media, and of no word.
_DICTIONARY = (
    '[{"wire":"","agency":"","agency_code":null,"agency_from":"wire","agency_id":"https://www.'
    '","agency_version":null,"headline":"","byline":null,"dateline":null,"body":"<p>","summary":'
    'null,"language":"en","categories":[{"label":"","scheme":null}],"keywords":[],"media":[{"url":'
    '"https://","type":"image/jpeg","width":null,"height":null,"caption":null,"credit":null}],'
    '"credit":null,"rights":null,"urgency":null,"link":"https://www.","base":"https://","published"'
    ':"2026-01-01T00:00:00Z","updated":null},{"rule":"wirecopy-text-1","headline":"sha-256=:","text'
    '":"sha-256=:","links":"sha-256=:9RqUPiLeHYb8pKYpF7Q3czl+ySU7nDIhcm/el5s46gI=:","media":"sha-25'
    '6=:jtiVQaaRjDM2jEvHSfxsmGDhbiz9Wr1sDFhXGhdIeNY=:","packaging":"sha-256=:"}]'
    '{"alg":"EdDSA","kid":"","typ":"wirecopy-statement+jws"}\0'
    '{"agency":"","agency_id":"https://www.","agency_version":"","changed_at":"2026-01-01T00:00:00.'
    '000000Z","disclosure":"(This story has not been edited by the staff and is published from a sy'
    "ndicated feed.)(Except for the headline, this story has not been edited by the staff and is pu"
    'blished from a syndicated feed.)","guid":"urn:uuid:","issued_at":"2026-01-01T00:00:00.000000Z"'
    ',"logged_at":"2026-01-01T00:00:00.000000Z","previous":null,"published":{"headline":"sha-256=:'
    '","links":"sha-256=:9RqUPiLeHYb8pKYpF7Q3czl+ySU7nDIhcm/el5s46gI=:","media":"sha-256=:jtiVQaaRj'
    'DM2jEvHSfxsmGDhbiz9Wr1sDFhXGhdIeNY=:","packaging":"sha-256=:","text":"sha-256=:"},"receipt":"c'
    '2sp.org/tlog-proof@v1\\nindex \\n=\\n\\n/log\\n\\n\\n— /log =\\n",'
    '"received":{"headline":"sha-25'
    '6=:","links":"sha-256=:9RqUPiLeHYb8pKYpF7Q3czl+ySU7nDIhcm/el5s46gI=:","media":"sha-256=:jtiVQaa'
    'RjDM2jEvHSfxsmGDhbiz9Wr1sDFhXGhdIeNY=:","packaging":"sha-256=:","raw":"sha-256=:","text":"sha-2'
    '56=:"},"received_at":"2026-01-01T00:00:00.000000Z","rule":"wirecopy-text-1","scope":"headline-'
    'only","scope":"verbatim","story":"","type":"wirecopy-statement-2","version":1}'
    '=:"},"received_at":"2026-01-01T00:00:00.000000Z","rule":"wirecopy-text-1","type":"wirecopy-rec'
    'eipt-2"}'
).encode()
_KNOWN = zstandard.ZstdCompressionDict(_DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_KNOWN.precompute_compress(level=_LEVEL)


class Packers(threading.local):
    """A packer and an unpacker by zstd for each thread: to make one takes ten times what it takes
    to pack a receipt, and longer than to unpack an entry."""

    def __init__(self, level: int, known: zstandard.ZstdCompressionDict | None = None) -> None:
        self.packer = zstandard.ZstdCompressor(level=level, dict_data=known)
        self.unpacker = zstandard.ZstdDecompressor(dict_data=known)


_own = Packers(_LEVEL, _KNOWN)


def pack(data: bytes) -> bytes:
    """*data*, packed."""
    packed: bytes = _own.packer.compress(data)
    return _NUMBER + packed


def unpack(kept: bytes) -> bytes:
    """What :func:`pack` packed; what is not packed, as it is."""
    if kept[:1] != _NUMBER:
        return kept
    unpacked: bytes = _own.unpacker.decompress(kept[1:])
    return unpacked


def pack_json(value: Any) -> bytes:
    """*value*, as JSON, packed."""
    try:
        return pack(to_json(value))  # takes a tenth of the time
    except PydanticSerializationError:  # a lone surrogate, of which it would make no JSON
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return pack(text.encode("utf-8", "surrogatepass"))


def unpack_json(kept: bytes) -> Any:
    """The value that :func:`pack_json` packed."""
    return json.loads(unpack(kept).decode("utf-8", "surrogatepass"))


def pack_statement(token: str) -> bytes | None:
    """The statement *token*, packed without base64; None when it would not come out as it is."""
    try:
        pieces = _pieces(token)
        if len(pieces) != 3 or b"\0" in pieces[0] + pieces[1] or _joined(*pieces) != token:
            return None
    except ValueError:
        return None
    return pack(b"\0".join(pieces))


def unpack_statement(kept: bytes) -> str:
    """The statement that :func:`pack_statement` packed."""
    return _joined(*unpack(kept).split(b"\0", 2))


_KEY = b"+"
"""Begins the id of a key, which stands where a compact JWS has its header, an object."""


def _pieces(token: str) -> list[bytes]:
    if is_compact(token):
        return [from_base64url(piece) for piece in token.split(".")]  # each has one spelling
    key, payload, signature = pieces_of(token)
    return [_KEY + key.encode(), payload.encode(), from_base64url(signature)]


def _joined(first: bytes, payload: bytes, signature: bytes) -> str:
    if not first.startswith(_KEY):
        return ".".join(map(to_base64url, (first, payload, signature)))
    return token_text(first[1:].decode(), payload.decode(), to_base64url(signature))
