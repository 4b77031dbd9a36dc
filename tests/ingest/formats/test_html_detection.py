import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.html import is_markup, is_markup_title, resolve_references


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("", False, False),
        ("AT&T", False, False),
        ("5 < 6 > 4", False, False),
        ("Q&amp;A", False, True),
        ("R&D; and &nosuchthing;", False, False),
        ("<b>Bold</b> move", True, True),
        ("Line<br>break", True, True),
        ("How to use <b>", False, True),
        ("<b>One</b> & 5 < 6", False, True),
        ("if a<b and c>d", False, True),
        ("<custom>tag</custom>", False, False),
        ("<!-- hidden -->", False, True),
        ("&#8217;", False, True),
        ("<em>A</em> <unknown>", False, True),
        ("</b>Bold<b>", True, True),
        ('<a href="x">y</a>', True, True),
    ],
)
def test_markup_is_told_from_text(text: str, title: bool, body: bool) -> None:
    assert is_markup_title(text) is title
    assert is_markup(text) is body


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("Q&amp;A", "Q&A"),
        ("Q&amp;amp;A", "Q&amp;A"),
        ("AT&T, R&D, x&copy", "AT&T, R&D, x&copy"),
        ("&#8216;Quiet&#x2019; &#146;s", "‘Quiet’ ’s"),
        ("&nosuchthing; &#1114112; &#0;", "&nosuchthing; \ufffd \ufffd"),
        ("caf&eacute;", "café"),
    ],
)
def test_references_are_resolved_once(text: str, resolved: str) -> None:
    assert resolve_references(text) == resolved


@given(st.text(alphabet=st.sampled_from("<>&;#/\"'= abc1"), max_size=60))
def test_text_without_references_stays(text: str) -> None:
    is_markup(text)
    is_markup_title(text)
    if ";" not in text:
        assert resolve_references(text) == text
