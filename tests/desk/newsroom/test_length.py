"""How long a headline is: characters as people count them, lines as a phone breaks them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.newsroom.length import PHONE, characters, lines, width

# Ems of Helvetica, from its published metrics (AFM): what a phone's sans serif is drawn after.
HELVETICA = [
    ("Centre, states to meet on GST & cess", 16.8),
    ("Rain lashes Delhi, flights diverted; two dead", 19.4),
    ("Supreme Court stays order on OBC quota in local body polls", 26.8),
    ("India beat Australia by 6 wickets, win series 2-1", 21.0),
    ("Rs 1.5 lakh crore package for MSMEs: FM", 18.8),
    ("NIA RAIDS 20 PLACES IN J&K", 14.0),
]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Rain", 4),
        ("क्षत्रिय", 3),
        ("हिन्दी", 2),
        ("தமிழ்", 3),
        ("ക്ഷമ", 2),
        ("العَرَبِيّة", 7),
        ("北京", 2),
        ("한국", 2),
        ("👨‍👩‍👧", 1),
        ("🇮🇳", 1),
        ("e\u0301", 1),
        ("", 0),
    ],
)
def test_characters_are_counted_as_people_do(text: str, count: int) -> None:
    assert len(characters(text)) == count


@pytest.mark.parametrize(("text", "ems"), HELVETICA)
def test_a_line_is_about_as_wide_as_it_is_printed(text: str, ems: float) -> None:
    assert sum(map(width, characters(text))) == pytest.approx(ems, rel=0.04)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Rain", 1),
        ("Rain lashes Delhi, flights diverted; two dead", 2),
        ("北" * 16, 1),
        ("北" * 17, 2),
        ("m" * 20, 2),
        ("Rain " + "m" * 19, 2),
        ("Rain " + "m" * 20, 3),
    ],
)
def test_lines_of_a_phone(text: str, count: int) -> None:
    assert lines(text) == count


@given(st.text(max_size=80), st.text(max_size=20))
def test_more_text_takes_no_fewer_lines(text: str, more: str) -> None:
    assert lines(f"{text} {more}") >= lines(text)
    assert "".join(characters(text)) == text


@given(st.text(alphabet="abc mW北हि", max_size=80))
def test_lines_hold_the_text_and_waste_less_than_a_word_each(text: str) -> None:
    taken = sum(width(c) for c in characters(text) if not c.isspace())
    assert lines(text) * PHONE >= taken
    longest = max((sum(map(width, characters(word))) for word in text.split()), default=0)
    if longest <= PHONE / 2:
        assert lines(text) <= taken / (PHONE / 2 - 1) + text.count(" ") * 0.28 / (PHONE / 2) + 1
