"""What readers are shown of the differences: all that was measured, near where it is, no more."""

from publish.diff import Words
from publish.render import Rendered, render
from publish.web.changes import AROUND, LEFT_OUT, MOST, Changed, changes, headlines
from stories.models import Version
from tests.publish import samples


def _changes(version: Version, rendered: Rendered) -> tuple[Changed, ...]:
    entry = rendered.entry
    return changes(version, rendered.json, entry.disclosure, rendered.measurement)


def _of(body: str) -> tuple[Changed, ...]:
    story = samples.story(samples.version(body=body))
    return _changes(story.version, render(story, samples.config()))


def _words(found: tuple[Words, ...], kind: str) -> list[str]:
    return [words.text for words in found if words.kind == kind]


def test_headlines_are_marked_where_they_differ() -> None:
    found = headlines("Centre and states to meet on Monday", "Centre, states to meet on Tuesday")
    assert _words(found.received, "removed") == ["Centre and", "Monday"]
    assert _words(found.published, "added") == ["Centre,", "Tuesday"]
    assert " ".join(w.text for w in found.published) == "Centre, states to meet on Tuesday"


def test_headlines_with_little_in_common_are_not_marked() -> None:
    found = headlines("Centre and states to meet", "Big GST meet: all eyes on cess")
    assert found.received == (Words(kind="same", text="Centre and states to meet"),)
    assert found.published == (Words(kind="same", text="Big GST meet: all eyes on cess"),)


def test_nothing_to_show_when_only_the_headline_differs() -> None:
    story = samples.english()
    assert _changes(story.version, render(story, samples.config())) == ()


def test_words_far_from_a_change_are_left_out() -> None:
    many = " ".join(f"w{n}" for n in range(200))
    (part,) = _of(f"<p>{many} <span hidden>gone</span> {many}</p>")
    (change,) = part.changes
    assert (part.part, change.kind, part.more) == ("text", "changed", 0)
    assert _words(change.words, "removed") == ["gone"]
    before, after = _words(change.words, "same")
    # At either end only what stands next to the change is of interest.
    assert before == " ".join([LEFT_OUT, *(f"w{n}" for n in range(200 - AROUND, 200))])
    assert after == " ".join([*(f"w{n}" for n in range(AROUND)), LEFT_OUT])


def test_only_so_many_are_shown() -> None:
    gone = "".join(f"<p><span hidden>t{n}</span></p>" for n in range(MOST + 7))
    (part,) = _of(f"<p>Same.</p>{gone}")
    assert (len(part.changes), part.more) == (MOST, 7)


def test_what_nobody_measured_is_not_shown() -> None:
    """The version at hand is not the one that was compared."""
    story = samples.story(samples.version(body="<p>One <span hidden>two</span></p>"))
    rendered = render(story, samples.config())
    assert _changes(story.version, rendered)
    other = samples.version(body="<p>One</p>", summary="Another")
    assert _changes(other, rendered) == ()
