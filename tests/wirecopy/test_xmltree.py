"""XML in many encodings, deeply nested, with namespaces; and what is refused."""

import time

import pytest

from wirecopy.errors import Refused
from wirecopy.feed import DEEPEST_XML, Element, parse_xml


def root(document: str, encoding: str = "utf-8") -> Element:
    return parse_xml(document.encode(encoding))


@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "us-ascii"),
        *("iso-8859-1", "iso-8859-15", "windows-1252", "koi8-r"),
        *("shift_jis", "euc-jp", "gb18030", "big5", "gb2312", "euc-kr"),
    ],
)
def test_every_encoding_by_mark_or_declaration(encoding: str) -> None:
    text = "é" if encoding in ("iso-8859-1", "windows-1252") else "Ж日"
    text = {"koi8-r": "Ж", "us-ascii": "x", "iso-8859-15": "€", "euc-kr": "한"}.get(encoding, text)
    declared = encoding.removesuffix("-sig")
    document = f"<?xml version='1.0' encoding='{declared}'?><a>{text}</a>"
    assert root(document, encoding).text() == text


def test_a_byte_order_mark_decides_before_the_declaration() -> None:
    assert root("<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>", "utf-8-sig").text() == "é"
    assert root("<?xml version='1.0' encoding='utf-8'?><a>é</a>", "utf-16").text() == "é"


@pytest.mark.parametrize(
    "document",
    [
        b"<?xml version='1.0' encoding='x-unknown'?><a/>",
        b"<?xml version='1.0' encoding='utf-16'?><a/>",
        b"<?xml version='1.0' encoding='unicode_escape'?><a>\\u0041</a>",
        b"<?xml version='1.0' encoding='hex'?><a/>",
        b"<?xml version='1.0' encoding='utf-8'?><a>\xe9</a>",
        b"<?xml version='1.0' encoding='shift_jis'?><a>\x81</a>",
        b"\xef\xbb\xbf\xef\xbb\xbf<a/>",
        b" <?xml version='1.0'?><a/>",
        b"<a>\x00</a>",
        b"<a>&#xFFFE;</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a>&nbsp;</a>",
        b"<a b='1' b='2'/>",
        b"<x:a/>",
        b"<a x:b=''/>",
        b"<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
        b"<a:b:c xmlns:a='u'/>",
        b"<a/>text",
        b"<a/><b/>",
        b"<!DOCTYPE a><a/>",
        b"",
    ],
    ids=range(21),
)
def test_what_is_no_xml_for_us(document: bytes) -> None:
    with pytest.raises(Refused):
        parse_xml(document)


def test_names_and_what_stands_in_an_element() -> None:
    found = root(
        "<a xmlns='u' xmlns:p='v' xml:lang='hi' b='&lt;&#10;'>1<!-- x --><p:c d='e'>2<b/></p:c>"
        "<?y z?><![CDATA[<3>]]>&#52;<d xmlns=''/></a>"
    )
    assert found.tag == "{u}a"
    assert found.attributes == {"xml:lang": "hi", "b": "<\n"}
    assert found.text() == "1<3>4"
    # What no reader knows is not known: here a prefix, and a namespace that is declared for it.
    assert [(e.tag, e.known) for e in found.descend()] == [
        ("{u}a", "a"),
        ("{v}c", ""),
        ("{u}b", "b"),
        ("d", "d"),
    ]
    assert [child.tag for child in found.children] == ["{v}c", "d"]
    assert found.children[0].text() == "2"


def test_attributes_that_no_reader_knows_are_left_out() -> None:
    found = root(
        "<a xmlns:p='v' xmlns:m='http://search.yahoo.com/mrss/'"
        " b='1' p:b='2' m:b='3' xml:base='4'/>"
    )
    assert found.attributes == {"b": "1", "m:b": "3", "xml:base": "4"}


def test_how_deep_it_may_nest() -> None:
    assert root("<a>" * DEEPEST_XML + "</a>" * DEEPEST_XML).tag == "a"
    with pytest.raises(Refused, match="deeper than 256"):
        root("<a>" * (DEEPEST_XML + 1) + "</a>" * (DEEPEST_XML + 1))


def test_much_text_at_the_greatest_depth_is_read_once() -> None:
    start = time.process_time()
    deep = "<a>" * (DEEPEST_XML - 1)
    found = root(deep + "x" * 3_000_000 + "<b/>" * 200_000 + "</a>" * (DEEPEST_XML - 1))
    elements = list(found.descend())
    assert (sum(len(e.text()) for e in elements), len(elements)) == (3_000_000, 200_255)
    assert time.process_time() - start < 5
