"""What differs between two copies, as_html to people: whole, in order, in bounded time."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.diff import differences, word_differences
from tests.wirecopy.markups import steady, words
from tests.wirecopy.test_scope import SENTENCE, WIRE, as_html, published
from wirecopy.scope import Copy, measure


def test_differences_read_well() -> None:
    after = published(
        WIRE.body.replace("is open", "is closed").replace(
            "<p>It is long.</p>", "<p>More soon.</p>"
        ),
        headline="Bridge shut",
        media=(),
        summary="",
        tags=("India", "Delhi"),
    )
    assert [
        (d.part, d.kind, d.received, d.published) for d in differences(WIRE, after, SENTENCE)
    ] == [
        ("headline", "changed", "Bridge opens", "Bridge shut"),
        ("text", "changed", "The bridge is open.", "The bridge is closed."),
        ("text", "removed", "It is long.", ""),
        ("text", "added", "", "More soon."),
        ("media", "removed", "https://agency.example/q.jpg", ""),
        ("packaging", "removed", "A bridge.", ""),
        ("packaging", "changed", "Bridges", "Delhi"),
    ]


@steady
@given(
    st.lists(st.sampled_from("abcdef"), max_size=12),
    st.lists(st.sampled_from("abcdef"), max_size=12),
)
def test_word_differences_hold_both_texts(old: list[str], new: list[str]) -> None:
    found = word_differences(" ".join(old), " ".join(new))
    assert " ".join(w.text for w in found if w.kind != "added").split() == old
    assert " ".join(w.text for w in found if w.kind != "removed").split() == new
    assert all(w.text for w in found)
    if old == new:
        assert {w.kind for w in found} <= {"same"}


def test_word_differences_read_well() -> None:
    found = word_differences("He did not say no today", "He did say no to her today")
    assert [(w.kind, w.text) for w in found] == [
        ("same", "He did"),
        ("removed", "not"),
        ("same", "say no"),
        ("added", "to her"),
        ("same", "today"),
    ]


@steady
@given(st.data(), st.lists(words, min_size=1, max_size=8, unique=True))
def test_text_differences_hold_every_paragraph(data: st.DataObject, story: list[str]) -> None:
    mutant = data.draw(st.lists(st.one_of(st.sampled_from(story), words), max_size=8))
    before, after = (replace(WIRE, body=as_html(s)) for s in (story, mutant))
    found = [d for d in differences(before, after) if d.part == "text"]
    gone = [d.received for d in found if d.kind != "added"]
    come = [d.published for d in found if d.kind != "removed"]
    assert sorted([*mutant, *gone]) == sorted([*story, *come])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (as_html(list("ab") * 8_000), as_html(list("ba") * 8_000)),
        (as_html(["x"] * 12_000), as_html(["x"] * 11_000)),
        ("a b " * 30_000, "b a c " * 30_000),
        (
            as_html([f"{n} of {n}" for n in range(5_000)]),
            as_html([f"{n} of {n}" for n in range(5_000)][::-1]),
        ),
    ],
    ids=["alternating", "repeated", "one paragraph", "turned around"],
)
def test_long_copies_are_compared_in_bounded_time(old: str, new: str) -> None:
    before, after = Copy(headline="", body=old), Copy(headline="", body=new)
    found = differences(before, after)
    assert measure(before, after).scope in ("edited", "excerpt")
    assert found
    assert word_differences(found[0].received, found[0].published)
