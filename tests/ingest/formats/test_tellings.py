"""One text told in several forms: what is published once, what are parts, what a person sees."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.demo.news_json import ninjs_3
from ingest.formats.bodies import Text, joined
from ingest.item import Contents, Hints
from ingest.parse import parse
from stories.config import Wire
from tests.ingest.formats.test_news_formats import RAIN
from wirecopy.text import plain_to_html, projection

WIRE = Wire(name="wire", url="https://wire.example/feed")
HTML = (
    "<p>The “ferry” leaves at 10 – not 11 – says the harbour office.</p>"
    "<ol><li>Avon first</li><li>Bure second</li></ol>"
    '<p>See <a href="https://a.example/x">the list</a>&nbsp;&hellip;</p>'
)
PLAIN = (
    'The "ferry" leaves at 10 - not 11 - says the harbour office.\n\n'
    "1. Avon first\n2. Bure second\n\nSee the list (https://a.example/x) ..."
)
OTHER = "Low water comes at nine tonight, and the last boat waits for it at the outer buoy."


def markup(text: str) -> str:
    return joined([Text(text, True)]).text


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # The same, but for space, quotation marks, dashes, entities, list numbers and addresses.
        ([(HTML, True), (PLAIN, False)], HTML),
        ([(PLAIN, False), (HTML, True)], HTML),
        ([(HTML, True), (HTML.replace("“ferry”", "'Ferry'"), True)], HTML),
        # One lacks words of the other.
        ([(HTML, True), (PLAIN.replace(" second", ""), False)], HTML),
        ([(HTML.replace(" second", ""), True), (PLAIN, False)], PLAIN),
        ([(HTML[: HTML.index("<ol>")], True), (PLAIN, False)], PLAIN),
        # Each has words of its own: the richer, once.
        ([(PLAIN.replace("10", "9"), False), (HTML, True)], HTML),
        ([(PLAIN.replace("10", "9"), False), (PLAIN, False)], PLAIN),
        # The plain text is all parts of the markup.
        ([("<p>First part.</p>", True), ("<p>Second part.</p>", True),
          ("First part.\n\nSecond part.", False)],
         "<p>First part.</p>\n<p>Second part.</p>"),
        # Parts, in their order.
        ([(HTML, True), (OTHER, False)], f"{HTML}\n<p>{OTHER}</p>"),
        ([(OTHER, False), (HTML, True)], f"<p>{OTHER}</p>\n{HTML}"),
        ([("<p>Intro.</p>", True), ("More follows & ends.", False)],
         "<p>Intro.</p>\n<p>More follows &amp; ends.</p>"),
        # A line of signs alone is no text.
        ([("* * *", False), (HTML, True)], HTML),
        # Words that stand in both by chance make no telling.
        ([("<p>Avon was first.</p>", True), ("Bure was first.", False)],
         "<p>Avon was first.</p>\n<p>Bure was first.</p>"),
    ],
)  # fmt: skip
def test_of_several_texts(told: list[tuple[str, bool]], expected: str) -> None:
    assert joined([Text(*one) for one in told]).text == expected


def read(members: dict[str, str], conserve: str = "quarantine") -> Contents:
    one = {
        "uri": "urn:x:1",
        "headline": "Ferry",
        "versioncreated": "2026-11-22T06:00:00Z",
        **members,
    }
    wire = WIRE.model_copy(update={"conserve": conserve})
    return parse(json.dumps(one).encode(), Hints(url=WIRE.url), wire)


@pytest.mark.parametrize("order", [("body_html", "body_text"), ("body_text", "body_html")])
@pytest.mark.parametrize("wire", ["1", "3"])
def test_a_story_that_differs_by_a_character_between_its_forms_is_published_once(
    order: tuple[str, str], wire: str
) -> None:
    texts = {"body_html": HTML, "body_text": PLAIN}
    if wire == "1":
        contents = read({name: texts[name] for name in order})
    else:
        kinds = {"body_html": "text/html", "body_text": "text/plain"}
        bodies = [{"value": texts[name], "contentType": kinds[name]} for name in order]
        contents = read({"bodies": bodies})  # type: ignore[dict-item]
    [found] = contents.found
    assert found.version.body == HTML
    assert found.received is not None, contents.notes


def test_words_that_only_the_plainer_form_has_are_a_matter_for_a_person() -> None:
    more = PLAIN.replace("10", "9") + "\n\nThe office gave no reason for the new time of departure."
    contents = read({"body_html": HTML, "body_text": more})
    [refused] = contents.refused
    assert refused.state == "text-lost"
    assert "leaves at 9" in refused.message
    [found] = read({"body_html": HTML, "body_text": more}, conserve="unknown").found
    assert (found.version.body, found.received) == (HTML, None)


def test_of_forms_that_differ_the_longer_is_published_without_a_claim() -> None:
    contents = read({"body_html": f"{HTML}<p>{OTHER}</p>", "body_text": PLAIN.replace("10", "9")})
    [found] = contents.found
    assert found.version.body == f"{HTML}<p>{OTHER}</p>"
    assert found.received is None
    assert "text-lost" in contents.notes[0]


WORDS = st.sampled_from(
    ["Avon", "ferry", "office", "says", "ten", "“leave”", "7.30", "am,", "नौका", "don't", "–", "£5"]
)
PARAGRAPHS = st.lists(
    st.lists(WORDS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=6
)
TYPED = str.maketrans({"“": '"', "”": '"', "–": "-", "’": "'", "£": "GBP "})
TYPED_ALIKE = str.maketrans({"“": '"', "”": '"', "–": "-", "’": "'"})


@settings(max_examples=150, deadline=None)
@given(PARAGRAPHS, st.data())
def test_whatever_forms_a_text_has_each_word_comes_out_and_none_twice(
    told: list[str], data: st.DataObject
) -> None:
    text = "\n\n".join(told)
    forms = [
        Text(plain_to_html(text), True),
        Text(text.translate(TYPED_ALIKE), False),
        Text("".join(f"<div><b>{one[:1]}</b>{one[1:]}</div>" for one in told), True),
    ]
    chosen = data.draw(st.lists(st.sampled_from(forms), min_size=1, max_size=4))
    found = joined(chosen)
    assert found in chosen
    assert found.is_html or not any(one.is_html for one in chosen)


@settings(max_examples=150, deadline=None)
@given(PARAGRAPHS, PARAGRAPHS, st.booleans(), st.booleans())
def test_no_word_is_lost_that_is_not_missed(
    one: list[str], two: list[str], first: bool, second: bool
) -> None:
    """Read both ways: whatever two texts are to each other, all words of both come out, or the item
    is not published with a claim."""
    name = {True: "body_html", False: "body_text"}
    texts = {"body_html": plain_to_html("\n\n".join(one)), "body_text": "\n\n".join(two)}
    order = [name[first], name[not first]]
    contents = read({key: texts[key] for key in order})
    for found in contents.found:
        if found.received is None:
            continue
        said = set(projection(found.version.body).translate(TYPED).split())
        for word in {
            *" ".join(one).translate(TYPED).split(),
            *" ".join(two).translate(TYPED).split(),
        }:
            letters = "".join(c for c in word if c.isalnum())
            assert any(letters in "".join(c for c in w if c.isalnum()) for w in said), word


def test_the_demos_stories_have_one_form_more_and_say_nothing_twice() -> None:
    one: dict[str, Any] = ninjs_3(RAIN)
    [body] = one["bodies"]
    one["bodies"] = [body, {"value": projection(body["value"]), "contentType": "text/plain"}]
    [found] = parse(json.dumps(one).encode(), Hints(url=WIRE.url), WIRE).found
    assert found.version.body == body["value"]
