import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.formats.item_spans import doctype, spans

TOKENS = st.sampled_from(
    [
        "<item>", "</item>", "<item/>", "<entry>", "</entry>", "<a:item b='1'>", "</a:item>",
        "<items>", "</items>", "<item a=\"<item>\">", "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>",
        "<!DOCTYPE x [<!ENTITY a '<item>'>]>", "<!DOCTYPE", "<", ">", "'", '"', "é", "text", " ",
        "</item", "<item", "\0", "𝕏",
    ]
)  # fmt: skip
SOUP = st.lists(TOKENS, max_size=40).map("".join)
SOUND = st.lists(TOKENS.filter(lambda t: not set("<>") & set(t)), max_size=40).map("".join)


def found(body: bytes) -> list[bytes]:
    return [body[start:end] for start, end in spans(body)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("<rss><item>a</item><item>b</item></rss>", ["<item>a</item>", "<item>b</item>"]),
        ("<feed><entry a='x>y'>a</entry ></feed>", ["<entry a='x>y'>a</entry >"]),
        ("<r><atom:entry>a</atom:entry><item /></r>", ["<atom:entry>a</atom:entry>", "<item />"]),
        ("<r><items><item>a</item></items><itemised/></r>", ["<item>a</item>"]),
        ("<item><g><item>x</item></g></item>", ["<item><g><item>x</item></g></item>"]),
        ("<item><![CDATA[</item>]]></item>", ["<item><![CDATA[</item>]]></item>"]),
        ("<!-- <item> --><item>a<!-- </item> --></item>", ["<item>a<!-- </item> --></item>"]),
        ("<?x <item> ?><item>a</item>", ["<item>a</item>"]),
        ('<!DOCTYPE r [<!ENTITY e "<item>x</item>">]><item>a</item>', ["<item>a</item>"]),
        ("<item>a<item>b</item></channel>", ["<item>b</item>"]),
        ("<item>a</item><item>b", ["<item>a</item>"]),
        ("<item>a</item><item><![CDATA[b</item>", ["<item>a</item>"]),
        ("<item>a</item></item><item>b</item>", ["<item>a</item>", "<item>b</item>"]),
        ("<item><entry></item>", ["<item><entry></item>"]),
        ("<ITEM>a</Item>", ["<ITEM>a</Item>"]),
        ("<!-- never closed <item>a</item>", ["<item>a</item>"]),
    ],
)
def test_items_are_found_where_they_stand(text: str, expected: list[str]) -> None:
    assert [piece.decode() for piece in found(text.encode())] == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_wide_encodings_keep_their_own_offsets(encoding: str, mark: str) -> None:
    text = f"{mark}<rss>𝕏é<item>நன்றி 𝕏</item>x<item/></rss>"
    pieces = [piece.decode(encoding) for piece in found(text.encode(encoding))]
    assert pieces == ["<item>நன்றி 𝕏</item>", "<item/>"]


def test_a_broken_unit_does_not_move_what_follows() -> None:
    body = "\ufeff<a>".encode("utf-16-le") + b"\x00\xd8" + "<item>a</item>".encode("utf-16-le")
    assert [piece.decode("utf-16-le") for piece in found(body)] == ["<item>a</item>"]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("<!DOCTYPE rss>", 14),
        ('<!DOCTYPE rss PUBLIC "-//a>b" "x">y', 34),
        ("<!DOCTYPE r [<!ENTITY a ']>'> <!-- ' ] --> ]>z", 45),
        ("<!DOCTYPE r [<!ENTITY a 'b'>", -1),
        ("<!DOCTYPE r [<!-- >]>", -1),
    ],
)
def test_doctype_ends_where_it_ends(text: str, end: int) -> None:
    assert doctype(text.encode(), 0) == end


@settings(deadline=None)
@given(
    st.one_of(st.binary(max_size=400), SOUP.map(str.encode), SOUP.map(lambda s: s.encode("utf-16")))
)
def test_spans_are_in_bounds_ordered_and_disjoint(body: bytes) -> None:
    end = 0
    for start, stop in spans(body):
        assert end <= start < stop <= len(body)
        end = stop


@settings(deadline=None)
@given(st.lists(SOUND, max_size=6))
def test_every_item_of_a_sound_feed_is_found(texts: list[str]) -> None:
    items = [f"<item>{text}</item>".encode() for text in texts]
    assert found(b"<rss><channel>" + b" ".join(items) + b"</channel></rss>") == items


@pytest.mark.parametrize(
    "token",
    ["<", '<item "', "<item>", "</item>", "<!--", "<?", "<item><!--", "<item a='", "<entry><item>",
     "<!DOCTYPE a [", '<!DOCTYPE x "', "<aaaa:", "</item  "],
)  # fmt: skip
def test_hostile_repetition_ends(token: str) -> None:
    # Quadratic work on 300,000 characters would run into the suite's timeout.
    assert spans((token * (300_000 // len(token))).encode()) == ()
