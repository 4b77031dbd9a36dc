"""Captures that are packed by gzip or zip: what is read in them, and what is refused."""

import gzip
import io
import zipfile

import pytest

from ingest.item import Hints
from ingest.packed import MOST_MEMBERS, Document, unpacked
from ingest.parse import parse
from stories.config import Wire
from stories.errors import ParseError
from tests.ingest.test_collect import feed

WIRE = Wire(name="w", url="file:///srv/pti")
HINTS = Hints(url="file:///srv/pti/a.zip")
AVON, BURE = feed("Avon"), feed("Bure")


def zipped(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return made.getvalue()


def encrypted() -> bytes:
    made = bytearray(zipped(("a.xml", AVON)))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        made[made.index(mark) + place] |= 1
    return bytes(made)


def named(value: object) -> str | None:
    """Of what is packed no name: it has the time in it."""
    return "packed" if isinstance(value, bytes) else None


@pytest.mark.parametrize(
    ("body", "documents"),
    [
        (gzip.compress(AVON), [("", AVON)]),
        (gzip.compress(gzip.compress(AVON)), [("", AVON)]),
        (gzip.compress(AVON[:9]) + gzip.compress(AVON[9:]), [("", AVON)]),
        (zipped(("a.xml", AVON)), [("a.xml", AVON)]),
        (gzip.compress(zipped(("a.xml", AVON))), [("a.xml", AVON)]),
        (
            zipped(("x/", b""), ("x/a.xml", AVON), ("__MACOSX/a.xml", b"x"), ("x/.b", b"x")),
            [("x/a.xml", AVON)],
        ),
    ],
    ids=named,
)
def test_what_is_packed(body: bytes, documents: list[tuple[str, bytes]]) -> None:
    found = unpacked(body, 1000)
    assert found == [Document(*each) for each in documents]


@pytest.mark.parametrize(
    ("body", "state", "told"),
    [
        (gzip.compress(AVON)[:-9], "packed", "breaks off"),
        (gzip.compress(b"x" * 1001), "too-large", "raise the wire's max_bytes"),
        (gzip.compress(b"x" * 2_000_000), "too-large", "over 1,000 bytes unpacked"),
        (zipped(("a", b"x" * 2_000_000)), "too-large", "over 1,000 bytes unpacked"),
        (zipped(("a", b"x" * 600), ("b", b"x" * 600)), "too-large", "over 1,000 bytes unpacked"),
        (zipped(*((str(n), b"") for n in range(MOST_MEMBERS + 1))), "packed", "1,001 files"),
        (zipped(("a.xml", AVON))[:-9], "packed", "cannot be read"),
        (zipped(("a.xml", AVON)).replace(AVON[:9], b"", 1)[:60], "packed", "cannot be read"),
        (encrypted(), "packed", "a.xml in this zip archive is encrypted"),
    ],
    ids=named,
)
def test_what_cannot_be_unpacked_is_named(body: bytes, state: str, told: str) -> None:
    with pytest.raises(ParseError, match=told) as caught:
        unpacked(body, 1000)
    assert caught.value.state == state


def test_what_is_packed_reads_as_what_is_not_but_for_where_it_stands() -> None:
    plain = parse(AVON, HINTS, WIRE)
    for body in (gzip.compress(AVON), zipped(("a.xml", AVON))):
        packed = parse(body, HINTS, WIRE)
        [one], [other] = plain.found, packed.found
        assert (other.start, other.end) == (-1, -1)
        assert other == one.model_copy(update={"start": -1, "end": -1})
        assert (packed.format, packed.items) == (plain.format, 1)


def test_each_document_of_an_archive_is_read_and_a_broken_one_holds_up_no_other() -> None:
    members = [
        ("1.xml", AVON),
        ("1.jpg", b"\xff\xd8\xff\xe0"),
        ("2.xml", b"<nitf><body"),
        ("3", BURE),
    ]
    contents = parse(zipped(*members), HINTS, WIRE)
    assert [each.version.headline for each in contents.found] == ["Avon rises", "Bure rises"]
    assert [each.position for each in contents.found] == [0, 2]
    [refused] = contents.refused
    assert (refused.position, "2.xml: " in refused.message) == (1, True)
    assert contents.items == 3
    assert any("1.jpg" in note for note in contents.notes)


@pytest.mark.parametrize(
    "body", [zipped(), zipped(("x/", b"")), zipped((".a.xml", AVON))], ids=named
)
def test_an_archive_of_nothing_is_named(body: bytes) -> None:
    with pytest.raises(ParseError, match=r"not RSS|is empty"):
        parse(body, HINTS, WIRE)


def test_an_archive_without_a_document_is_no_feed() -> None:
    with pytest.raises(ParseError) as caught:
        parse(zipped(("1.jpg", b"\xff\xd8\xff\xe0"), ("2.jpg", b"\xff\xd8")), HINTS, WIRE)
    assert caught.value.state == "not-a-feed"
