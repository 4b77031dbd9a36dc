"""Copies beside each other: every word of both, in order, and what a version turned."""

from hypothesis import given
from hypothesis import strategies as st

from desk.newsroom.compare import MOST, side_by_side, step
from publish.diff import beside
from stories.models import Signals
from tests.publish.samples import version

PARAGRAPHS = st.lists(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5).map(" ".join), max_size=8
)


def html(paragraphs: list[str]) -> str:
    return "".join(f"<p>{text}</p>" for text in paragraphs)


@given(PARAGRAPHS, PARAGRAPHS)
def test_every_paragraph_of_both_stands_there_once_in_order(old: list[str], new: list[str]) -> None:
    pairs = list(beside(old, new))
    assert [a for a, _ in pairs if a is not None] == old
    assert [b for _, b in pairs if b is not None] == new
    assert (None, None) not in pairs
    found = side_by_side(html(old), html(new))
    assert found
    for side, texts in (("received", old), ("published", new)):
        said = [getattr(row, side) for row in found.rows]
        assert [" ".join(run.text for run in runs) for runs in said if runs is not None] == texts
    assert found.differs == (old != new)


def test_words_that_differ_are_marked_on_their_side() -> None:
    found = side_by_side(
        "<p>He did not say no.</p><p>Gone.</p>", "<p>He did say no.</p><p>Line.</p>", "Line."
    )
    assert found
    first, second = found.rows
    assert first.received
    assert [(run.kind, run.text) for run in first.received] == [
        ("same", "He did"),
        ("removed", "not"),
        ("same", "say no."),
    ]
    assert (second.published, second.differs) == (None, True)


def test_a_long_list_of_results_is_cut_and_says_by_how_much() -> None:
    many = html([f"Line {n}" for n in range(MOST + 7)])
    found = side_by_side(many, many)
    assert found
    assert (len(found.rows), found.more) == (MOST, 7)


def test_what_a_version_changed() -> None:
    before = version(byline="By Asha Rao", urgency=3)
    after = version(
        headline="Centre, states meet on GST & cess",
        body=before.body.replace("33", "34"),
        byline=None,
        urgency=1,
        agency_version="4",
        signals=Signals(correction=True, ed_note="Corrects members"),
    )
    found = step(before, after)
    assert [each.part for each in found.changes] == ["headline", "text"]
    said = {each.name: (each.before, each.after) for each in found.turned}
    assert said["byline"] == ("By Asha Rao", "")
    assert said["urgency"] == ("3", "1")
    assert said["ed note"] == ("", "Corrects members")
    assert said["agency version"] == ("3", "4")
    assert step(before, before) == type(found)((), ())


def test_a_body_that_is_built_to_burst_a_parser_has_no_differences() -> None:
    burst = "<b>" * 20_000
    assert step(version(), version(body=burst)).changes == ()
    assert side_by_side("<p>Fine.</p>", burst) is None
