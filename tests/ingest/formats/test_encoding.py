import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.encoding import decide, known

HINDI = "क्षेत्र में वर्षा"
FRENCH = "Le café de l’été où l’on rêve"


def declared(encoding: str, text: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?><t>{text}</t>'


@pytest.mark.parametrize(
    ("body", "content_type", "name", "noted"),
    [
        (b"<t/>", "", "utf-8", False),
        (declared("us-ascii", "plain").encode(), "", "utf-8", False),
        (HINDI.encode(), "", "utf-8", False),
        (b"\xef\xbb\xbf" + declared("iso-8859-1", FRENCH).encode(), "", "utf-8", False),
        (declared("iso-8859-1", FRENCH).encode(), "", "utf-8", True),
        (FRENCH.encode(), "text/xml; charset=ISO-8859-1", "utf-8", True),
        (declared("iso-8859-1", FRENCH).encode("cp1252"), "", "cp1252", False),
        (declared("windows-1251", "Москва").encode("cp1251"), "", "cp1251", False),
        (declared("utf-8", FRENCH).encode("cp1252"), "", "cp1252", True),
        (FRENCH.encode("cp1252"), "application/xml; charset=utf-8", "cp1252", True),
        (FRENCH.encode("cp1252"), "", "cp1252", True),
        (declared("iso-8859-2", "Wałęsa").encode("iso8859-2"), "", "iso8859-2", False),
        (declared("gb2312", "新华社北京").encode("gb2312"), "", "gb18030", False),
        (declared("shift_jis", "共同通信社").encode("shift_jis"), "", "cp932", False),
        (declared("iso-2022-jp", "共同通信社").encode("iso-2022-jp"), "", "iso2022_jp", False),
        (declared("utf-16", FRENCH).encode("utf-16-le"), "", "utf-16-le", False),
        (FRENCH.encode("utf-16"), "", "utf-16-le", False),
        (declared("no-such-thing", FRENCH).encode(), "", "utf-8", False),
        (declared("zip", FRENCH).encode(), "", "utf-8", False),
        (declared("gb2312", FRENCH).encode("cp1252") + b"\xff\xff", "", "gb18030", True),
    ],
)
def test_encoding_is_what_the_bytes_bear_out(
    body: bytes, content_type: str, name: str, noted: bool
) -> None:
    charset = decide(body, content_type)
    assert (charset.name, bool(charset.note)) == (name, noted)


def test_declarations_that_lie_do_not_change_the_words() -> None:
    for encoding in ("utf-8", "cp1252"):
        for said in ("utf-8", "iso-8859-1", "nonsense", "utf-16"):
            body = declared(said, FRENCH).encode(encoding)
            assert FRENCH in decide(body).decode(body)


def test_stray_bytes_in_utf8_are_read_as_windows_1252() -> None:
    body = (HINDI * 5).encode() + b" \x93quoted\x94 \x80"
    charset = decide(body)
    assert charset.note
    assert charset.decode(body) == HINDI * 5 + " “quoted” €"


@pytest.mark.parametrize(
    "label",
    ["zip", "rot13", "punycode", "idna", "unicode_escape", "utf-7", "hex", "", "\0", "x" * 99],
)
def test_no_codec_beyond_the_web_is_reached(label: str) -> None:
    assert known(label) == ""


@given(st.binary(max_size=300), st.text(max_size=60))
def test_any_bytes_decode(body: bytes, content_type: str) -> None:
    charset = decide(body, content_type)
    assert charset.decode(body) == charset.decode(body)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_utf8_is_read_as_it_is(text: str) -> None:
    body = f"<t>{text}</t>".encode()
    assert decide(body, mends=False).decode(body) == f"<t>{text}</t>"
