"""Names that are derived and never drawn: the same on every machine, for ever."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stories.models import Version, is_another_text, slug, story_guid, story_id
from wirecopy.encoding import digest


def test_ids_are_what_they_were() -> None:
    """Changing any of these would make every story on record, and at every subscriber, new."""
    assert story_id("pti", "guid:1") == "vnjlbgdr5v2l7"
    assert story_guid("www.ndtv.com", "pti", "guid:1") == (
        "urn:uuid:fa2fbdf4-e803-509a-a505-66fb3c7288ff"
    )
    assert digest(b"") == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"


@given(st.text(), st.text())
def test_a_guid_is_a_name_based_uuid_of_wire_and_key(wire: str, key: str) -> None:
    guid = story_guid("host", wire.replace("\0", ""), key)
    assert uuid.UUID(guid).version == 5


@pytest.mark.parametrize(
    ("headline", "kept"),
    [
        ("Rain stops play", "rain-stops-play"),
        ("  Q&A: 5 < 6?  ", "q-a-5-6"),
        ("Café Société", "cafe-societe"),
        ("हिन्दी", "story"),
        ("", "story"),
        ("word " * 30, "-".join(["word"] * 12)),
        ("x" * 100, "x" * 60),
    ],
)
def test_slugs(headline: str, kept: str) -> None:
    assert slug(headline) == kept


@given(st.text())
def test_a_slug_is_always_a_piece_of_a_url(headline: str) -> None:
    found = slug(headline)
    assert 0 < len(found) <= 60
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


TIDE = "<p>Low water comes at nine, and the ferries wait for it.</p>"
MOON = "<p>The moon is full tonight above all of the marshes.</p>"
SIGNED = "<p>(Heron Press)</p>"


@pytest.mark.parametrize(
    ("before", "after", "another"),
    [
        (("Tide", TIDE), ("Moon", MOON), True),
        (("Tide", TIDE + SIGNED), ("Moon", MOON + SIGNED), True),  # who signs both is no copy
        (("Tide", TIDE), ("Tide", MOON), False),  # one headline: rewritten
        (("Tide", TIDE), ("Low tide", TIDE), False),
        (("Tide", TIDE), ("Tide and moon", TIDE + MOON), False),
        (("Tide", TIDE + MOON), ("Moon", MOON), False),
        (("Tide", TIDE), ("Moon", TIDE.replace("wait for", "wait&nbsp;for")), False),
        (("Tide", TIDE), ("Moon", ""), False),  # nothing to compare
        (("Tide", "<p>Low.</p>"), ("Moon", "<p>Full.</p>"), True),
        (("Tide", "<p>Low.</p>"), ("Moon", "<p>Low.</p>"), False),
    ],
)
def test_another_text(before: tuple[str, str], after: tuple[str, str], another: bool) -> None:
    one, two = (
        Version(wire="w", agency="A", agency_id="1", headline=headline, body=body)
        for headline, body in (before, after)
    )
    assert is_another_text(one, two) is another
