"""Shows how an article compares with the agency's copy: a verdict, then the differences.

On a terminal added words are green and removed ones red and struck out; in a pipe they are
{+added+} and [-removed-].
"""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from desk import show
from desk.article.against import NOT_JUDGED, Answer, Claim
from desk.article.wordings import Standing
from publish.diff import Difference, Words, word_differences
from stories.labels import LABELS

_AROUND = 8
"""Words shown on either side of a change in a longer paragraph."""
_PREVIEW = 90
_STANDING: dict[Standing, str] = {
    "agrees": "holds",
    "claims-less": "holds; less was changed than it lets think",
    "claims-more": "does not hold: it claims more than was measured",
    "unchecked": "cannot be checked",
}


def print_answer(answer: Answer) -> None:
    """Print *answer* for people."""
    out = show.console()
    good = "bold green" if answer.holds else "bold red"
    where = "" if answer.shown else "In the page's data alone, which no reader sees. "
    out.print(Text(where + LABELS[answer.scope].verdict, good), soft_wrap=True)
    show.facts(_facts(answer))
    if answer.differences:
        out.print()
    for one in answer.differences:
        out.print(_line(one, coloured=out.is_terminal), soft_wrap=True)


def _facts(answer: Answer) -> dict[str, object]:
    received, story = answer.received, answer.story
    which = f"item {received.number} of {answer.items}: " if received.number else ""
    facts: dict[str, object] = {
        "scope": answer.scope,
        "received": f"{which}{received.copy.headline or '(no headline)'}",
        "printed": answer.page_headline if story else "",
    }
    if story is not None:
        facts["story"] = f"{story.paragraphs} paragraphs, in {story.place}"
        if not answer.claims:
            facts["claim"] = "none is printed"
        for n, claim in enumerate(answer.claims):
            facts[f"claim {n + 1}" if n else "claim"] = _claim(claim)
        if story.aside:
            facts["set aside"] = f"{len(story.aside)} blocks of the page around the story's:"
        for n, aside in enumerate(story.aside):
            facts[" " * (n + 1)] = f"{aside.why}: {_short(aside.text)}"
        facts["not judged"] = ", ".join(NOT_JUDGED)
    for n, note in enumerate(answer.notes):
        facts[f"note {n + 1}" if n else "note"] = note
    return facts


def _claim(claim: Claim) -> str:
    return f"{_STANDING[claim.standing]}. “{claim.printed.text}”"


def _short(text: str) -> str:
    return text if len(text) <= _PREVIEW else f"{text[: _PREVIEW - 1]}…"


def _line(one: Difference, *, coloured: bool) -> Text:
    line = Text(f"{one.part}: " if one.part != "text" else "", "dim")
    if one.kind == "changed":
        runs = _clipped(word_differences(one.received, one.published))
        return line.append_text(Text(" ").join(_run(words, coloured=coloured) for words in runs))
    gone = one.kind == "removed"
    words = Words(kind=one.kind, text=one.received if gone else one.published)
    return line.append_text(_run(words, coloured=coloured))


def _run(words: Words, *, coloured: bool) -> Text:
    text = show.safe(words.text)
    if words.kind == "same":
        return Text(text)
    if coloured:
        return Text(text, "strike red" if words.kind == "removed" else "green")
    return Text(f"[-{text}-]" if words.kind == "removed" else f"{{+{text}+}}")


def _clipped(runs: tuple[Words, ...]) -> Iterator[Words]:
    """*runs*, of those that did not change only a few words beside each change."""
    for n, run in enumerate(runs):
        words = run.text.split()
        ends = (n == 0) + (n == len(runs) - 1)
        if run.kind != "same" or len(words) <= _AROUND * (2 - ends) + 1:
            yield run
            continue
        before = [] if n == 0 else words[:_AROUND]
        after = [] if n == len(runs) - 1 else words[-_AROUND:]
        yield Words(kind="same", text=" ".join((*before, "…", *after)))


def as_data(answer: Answer) -> dict[str, Any]:
    """*answer* for machines."""
    received, story, measured = answer.received, answer.story, answer.measured
    return {
        "holds": answer.holds,
        "scope": answer.scope,
        "edited_headline_only": bool(measured and measured.edited_headline_only),
        "changed": measured.changed if measured else (),
        "rule": measured.rule if measured else None,
        "received": {
            "item": received.number or None,
            "items": answer.items,
            "guid": received.guid or None,
            "headline": received.copy.headline,
        },
        "published": None
        if story is None
        else {
            "headline": answer.page_headline,
            "paragraphs": story.paragraphs,
            "place": story.place,
            "shown": answer.shown,
            "held": round(story.held, 4),
            "behind_a_click": story.behind,
        },
        "hidden": [{"text": text, "why": why} for text, why in (story.unseen if story else ())],
        "claims": [
            {
                "text": claim.printed.text,
                "wording": claim.printed.wording.id,
                "used_by": claim.printed.wording.used_by,
                "language": claim.printed.wording.language,
                "scopes": claim.printed.wording.scopes,
                "standing": claim.standing,
            }
            for claim in answer.claims
        ],
        "differences": [_difference(one) for one in answer.differences],
        "set_aside": [
            {"why": one.why, "text": one.text, "prose": one.prose}
            for one in (story.aside if story else ())
        ],
        "not_judged": NOT_JUDGED,
        "notes": answer.notes,
    }


def _difference(one: Difference) -> dict[str, Any]:
    data = one.model_dump()
    if one.kind == "changed":
        data["words"] = [w.model_dump() for w in word_differences(one.received, one.published)]
    return data
