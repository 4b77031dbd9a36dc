"""Captures that are packed: a document in gzip, or one or several in a zip archive. Pure.

A capture is kept as it came, and unpacked each time it is read. What an archive holds besides
documents, such as pictures, is passed over, and so is what is packed in it once more.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from net.decoder import Body
from net.errors import FetchError
from net.places import is_unfinished, legible
from stories.errors import ParseError

MOST_MEMBERS = 1000
"""Files that an archive may hold. An archive of 64 KiB can name as many."""

_GZIP, _ZIP = b"\x1f\x8b\x08", b"PK\x03\x04"

PACKED = (_GZIP, _ZIP)
"""How captures begin that are packed."""

_ENCRYPTED = 1
"""The flag of a member that is (APPNOTE §4.4.4)."""


@dataclass(frozen=True, slots=True)
class Document:
    """One of the documents of a packed capture, and its name in the archive, if it is in one."""

    name: str
    body: bytes


ITEM, TEXT = "wirecopy-item", "wirecopy-text"
"""What an item and the text to which it leads are called where they are packed together."""

_THEN = (1980, 1, 1, 0, 0, 0)
"""The first moment that an archive can name: the same is packed to the same bytes."""


def together(item: bytes, text: bytes) -> bytes:
    """An *item* and the *text* to which it leads as one capture, each as it came."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in ((ITEM, item), (TEXT, text)):
            archive.writestr(zipfile.ZipInfo(name, _THEN), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpacked(body: bytes, most: int) -> list[Document]:
    """What is packed in *body*, which is, of up to *most* bytes in all.

    :raises ParseError: state ``packed`` where it cannot be unpacked, ``too-large`` where it is
        more.
    """
    if body.startswith(_GZIP):
        document = _gunzipped(body, most)
        if not document.startswith(_ZIP):
            return [Document("", document)]
        body = document
    try:
        return list(_members(body, most))
    except (ParseError, MemoryError):
        raise
    except Exception as error:  # zipfile has no error of its own for most that can be wrong
        said = legible(f"{type(error).__name__}: {error}")
        raise _broken(f"this zip archive cannot be read ({said})") from error


def _gunzipped(body: bytes, most: int) -> bytes:
    coded = Body(max(most, len(body)))
    coded.feed(body)
    try:
        document = coded.whole()
    except FetchError as error:
        if error.state == "too-large":
            raise _too_large(most) from error
        raise _broken("this is gzip that breaks off, or is damaged") from error
    if len(document) > most:
        raise _too_large(most)
    return document


def _members(body: bytes, most: int) -> Iterator[Document]:
    left = most
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise _broken(f"this zip archive holds {len(members):,} files, over {MOST_MEMBERS:,}")
        for member in members:
            name = member.filename
            if member.is_dir() or is_unfinished(name) or name.startswith("__MACOSX/"):
                continue
            if member.flag_bits & _ENCRYPTED:
                raise _broken(f"{legible(name)} in this zip archive is encrypted")
            with archive.open(member) as opened:
                document = opened.read(left + 1)
            left -= len(document)
            if left < 0:
                raise _too_large(most)
            yield Document(name, document)


def _broken(what: str) -> ParseError:
    return ParseError("packed", f"{what}; ask the agency")


def _too_large(most: int) -> ParseError:
    return ParseError(
        "too-large",
        f"it is over {most:,} bytes unpacked; raise the wire's max_bytes if it is honestly this"
        " large, then `wirecopy replay --quarantined`",
    )
