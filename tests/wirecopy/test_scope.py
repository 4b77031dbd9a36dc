"""What is measured between two copies, and that no claim survives what falsifies it."""

import base64
import hashlib
import html
import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from publish.diff import differences
from tests.wirecopy.markups import marked_up, steady, stories, words
from wirecopy.html import TangleError
from wirecopy.scope import (
    PARTS,
    SCOPES,
    Copy,
    Digests,
    Measurement,
    Part,
    changed_parts,
    digests,
    measure,
    parts,
    scope_of,
    scope_of_words,
    widest,
)
from wirecopy.text import RULE, UNSIGNED, plain
from wirecopy.urls import unsigned

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "provenance.json").read_text(encoding="utf-8")
)
SENTENCE = "(Except for the headline, this story has not been edited by NDTV staff.)"
BASE = "https://agency.example/news/"
WIRE = Copy(
    headline="Bridge opens",
    body=(
        '<p>The <a href="/b">bridge</a> is open.</p><img src="/p.jpg" alt="The bridge">'
        "<p>It is long.</p>"
    ),
    media=("https://agency.example/p.jpg", "https://agency.example/q.jpg"),
    summary="A bridge.",
    tags=("India", "Bridges"),
    base=BASE,
)


def named(vectors: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in vectors]


def as_html(paragraphs: list[str]) -> str:
    return "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)


def published(body: str, **changes: Any) -> Copy:
    """WIRE with another body, as an entry carries it: the disclosure printed below."""
    return replace(WIRE, body=f"{body}<p><i>{html.escape(SENTENCE)}</i></p>", **changes)


def measured(before: Copy, after: Copy, disclosure: str = SENTENCE) -> Measurement:
    """As :func:`measure`, with everything that must hold between its parts checked."""
    found = measure(before, after, disclosure=disclosure)
    assert found.rule == RULE
    assert found.received == digests(before)
    assert found.published == digests(after, disclosure=disclosure)
    assert found.changed == changed_parts(digests(before), found.published)
    assert found.edited_headline_only == (found.scope == "headline-only")
    different = {d.part for d in differences(before, after, disclosure)}
    assert different == set(found.changed)
    return found


# The vectors


@pytest.mark.parametrize("vector", VECTORS["signatures"], ids=lambda v: v["address"])
def test_an_address_without_the_signature_that_expires(vector: dict[str, str]) -> None:
    assert unsigned(vector["address"]) == vector["unsigned"]
    assert unsigned(vector["unsigned"]) == vector["unsigned"]


def test_signatures_do_not_count_by_the_second_rule() -> None:
    def copy(n: int, name: str = "p") -> Copy:
        sign = f"?Expires=170000000{n}&amp;Signature=s{n}&amp;Key-Pair-Id=K"
        body = f'<a href="/d.pdf{sign}">D</a><img src="/{name}.jpg{sign}" alt="The bridge">'
        beside = f"/{name}.jpg{sign}".replace("&amp;", "&")
        return replace(WIRE, body=body, media=(beside, "/q.jpg"))

    chosen = [parts(copy(n), rule=None) for n in (1, 2)]
    assert {each.rule for each in chosen} == {UNSIGNED}
    assert chosen[0].digests() == chosen[1].digests()
    assert [m.url for m in chosen[0].media] == [f"https://agency.example/{n}.jpg" for n in "pq"]
    assert len(chosen[0].signed) == 2
    kept = chosen[0].digests()
    assert measure(copy(1), copy(2), received_digests=kept).scope == "verbatim"
    assert measure(copy(1), copy(2, "x"), received_digests=kept).scope == "headline-media"
    assert measure(copy(3), copy(2), received_digests=kept).scope == "verbatim"
    assert measure(copy(1, "x"), copy(2), received_digests=kept).scope == "unknown"
    # What was digested at receipt by the first rule stays by it.
    first = digests(copy(1))
    assert first.rule == RULE
    assert measure(copy(1), copy(2), received_digests=first).scope == "packaging"
    assert measure(copy(1), copy(1), received_digests=first).rule == RULE
    assert parts(WIRE, rule=None).rule == RULE
    assert parts(WIRE, rule=UNSIGNED).media == parts(WIRE).media


@pytest.mark.parametrize("vector", named(VECTORS["digests"]))
def test_digests_vector(vector: dict[str, Any]) -> None:
    found = digests(Copy(**vector["copy"]), disclosure=vector["disclosure"])
    assert found.rule == VECTORS["rule"]
    for part in PARTS:
        canonical = vector["canonical"][part]
        sum_ = base64.b64encode(hashlib.sha256(canonical.encode()).digest()).decode()
        assert vector["digests"][part] == f"sha-256=:{sum_}:", "the vector itself"
        assert getattr(found, part) == vector["digests"][part], canonical


@pytest.mark.parametrize("vector", named(VECTORS["measurements"]))
def test_measurement_vector(vector: dict[str, Any]) -> None:
    after = Copy(**vector["published"])
    if vector["received"] is None:
        found = measure(None, after, disclosure=vector["disclosure"])
    else:
        found = measured(Copy(**vector["received"]), after, vector["disclosure"])
    assert found.scope == vector["scope"]
    assert list(found.changed) == vector["changed"]


def test_the_vectors_show_every_scope() -> None:
    assert {v["scope"] for v in VECTORS["measurements"]} == set(SCOPES)


# Form is no difference


@steady
@given(st.data(), stories)
def test_another_form_is_verbatim(data: st.DataObject, story: list[Any]) -> None:
    before = replace(WIRE, body=data.draw(marked_up(story)))
    assert measured(before, published(data.draw(marked_up(story)))).scope == "verbatim"


@steady
@given(st.data(), stories, st.text(min_size=1, max_size=20))
def test_another_headline_is_headline_only(
    data: st.DataObject, story: list[Any], headline: str
) -> None:
    assume(plain(headline) != WIRE.headline)
    before = replace(WIRE, body=data.draw(marked_up(story)))
    found = measured(before, published(data.draw(marked_up(story)), headline=headline))
    assert found.scope == "headline-only"
    assert found.changed == ("headline",)
    assert found.edited_headline_only


@pytest.mark.parametrize(
    "body",
    [
        WIRE.body.replace('"', "'"),
        WIRE.body.replace("<p>", "\n  <p class='x' id=y>\n"),
        f"<article><header></header>{WIRE.body}</article>",
        WIRE.body.replace("bridge</a>", "bri<b></b>dge<!-- x --></a>"),
        WIRE.body.replace("is open", "&#105;s&nbsp;&#x6f;pen"),
        WIRE.body.replace('"/b"', '"https://agency.example/b" rel="nofollow" target="_blank"'),
        WIRE.body.replace('"/p.jpg"', '"../p.jpg" width="600" loading="lazy"'),
        WIRE.body + '<img src="https://t.example/pixel" width="1" height="1" alt="">',
        WIRE.body.replace("<p>It", '<p><img src="//t.example/x" style="display:none">It'),
        WIRE.body + "<script>track()</script><noscript><img src='//t.example/y'></noscript>",
        WIRE.body.replace("<p>It is long.</p>", "It is long."),
        WIRE.body.replace("<p>It is long.</p>", "<br><br>It is long.<br>"),
    ],
)
def test_form_keeps_all_digests(body: str) -> None:
    assert digests(replace(WIRE, body=body)) == digests(WIRE)


# Meaning is one


@steady
@given(st.data(), st.lists(words, min_size=1, max_size=6))
def test_one_letter_is_edited(data: st.DataObject, story: list[str]) -> None:
    which = data.draw(st.integers(0, len(story) - 1))
    letters = [i for i, c in enumerate(story[which]) if c != " "]
    at = data.draw(st.sampled_from(letters))
    letter = data.draw(st.sampled_from("abcxyzABC09éß\u200c\u202e\u0430'-, "))
    assume(letter != story[which][at])
    mutant = list(story)
    mutant[which] = story[which][:at] + letter + story[which][at + 1 :]
    before = replace(WIRE, body=as_html(story))
    found = measured(before, published(as_html(mutant)))
    assert found.changed == ("text",)
    assert found.scope == "edited"


@pytest.mark.parametrize(
    ("received", "printed", "scope"),
    [
        # One letter turned into a space makes two words of one: a quarter of seven, and an edit.
        ("ba ba bab bab bab bab", "ba ba bab bab bab b b", "edited"),
        ("Rain fell on all six piers", "Ra n fell on all six piers", "edited"),
        ("Rain fell on all six piers", "Snow fell on all six quays", "edited"),
        ("Rain fell on all six piers", "Heavy, late snow fell on all six piers today", "edited"),
        ("Rain fell on all six piers", "Rain fell on all six piers, we hear", "edited"),
        # Five words of others are a good part of sixteen, and no good part of forty.
        (
            "Rain fell on all six piers",
            "Rain fell on all six piers We saw five boats sink",
            "with-inputs",
        ),
        (
            "Rain fell on all six piers " * 6,
            "Rain fell on all six piers " * 6 + "We saw five boats sink",
            "edited",
        ),
    ],
)
def test_a_few_words_are_no_inputs(received: str, printed: str, scope: str) -> None:
    assert scope_of_words([received], [printed]) == scope


RAIN = ("It rained.", 'It rained. "A lot," he said.', "Six piers - all old - fell.", "It rained.")


@pytest.mark.parametrize(
    ("printed", "scope"),
    [
        (["It rained. It rained. “A lot,” he said.", "Six piers – all old – fell."], "excerpt"),
        (["It rained. “A lot,” he said. It rained."], "excerpt"),
        (["It rained.", "“A lot,” he said.", "It rained."], "excerpt"),
        (["Six piers—all old—fell."], "excerpt"),
        (["It rained. It rained."], "excerpt"),
        (["It rained. It rained. It rained. It rained."], "edited"),
        (["It rained. “A lot,” he said. Six piers."], "edited"),
        (["Six piers – all old – fell.", "It rained. “A lot,” he said."], "edited"),
        (["“A lot,” he said."], "edited"),
        ([], "edited"),
    ],
)
def test_an_excerpt_may_be_in_other_marks_and_paragraphs(printed: list[str], scope: str) -> None:
    assert scope_of_words(RAIN, printed) == scope


def test_paragraphs_that_repeat_each_other_take_no_long_time() -> None:
    began = time.process_time()
    assert scope_of_words(["x"] * 20_000 + ["y"], ["x"] * 19_990 + ["z"]) == "edited"
    assert time.process_time() - began < 5


@steady
@given(st.data(), st.lists(words, min_size=2, max_size=6, unique=True))
def test_paragraphs_that_change_places_are_edited(data: st.DataObject, story: list[str]) -> None:
    i, j = data.draw(st.permutations(range(len(story))))[:2]
    mutant = list(story)
    mutant[i], mutant[j] = story[j], story[i]
    assume(" ".join(mutant) != " ".join(story))
    before = replace(WIRE, body=as_html(story))
    found = measured(before, published(as_html(mutant)))
    assert found.changed == ("text",)
    assert found.scope == "edited"


@steady
@given(st.data(), st.lists(words, min_size=1, max_size=6), words)
def test_an_added_paragraph_is_found(data: st.DataObject, story: list[str], more: str) -> None:
    at = data.draw(st.integers(0, len(story)))
    before = replace(WIRE, body=as_html(story))
    found = measured(before, published(as_html([*story[:at], more, *story[at:]])))
    assert found.changed == ("text",)
    assert found.scope in ("edited", "with-inputs")


@steady
@given(st.data(), st.lists(words, min_size=2, max_size=6))
def test_paragraphs_left_out_are_an_excerpt(data: st.DataObject, story: list[str]) -> None:
    kept = data.draw(st.sets(st.integers(0, len(story) - 1), min_size=1, max_size=len(story) - 1))
    before = replace(WIRE, body=as_html(story))
    found = measured(before, published(as_html([story[i] for i in sorted(kept)])))
    assert found.changed == ("text",)
    assert found.scope == "excerpt"


@pytest.mark.parametrize(
    ("old", "new", "changed", "scope"),
    [
        ('"/b"', '"/c"', ("links",), "packaging"),
        ('"/b"', '"https://agency.example.evil.example/b"', ("links",), "packaging"),
        ('"/b"', '"/b#fragment"', ("links",), "packaging"),
        ("It is", '<a href="#x">It</a> is', ("links",), "packaging"),
        ('<a href="/b">bridge</a> is', 'bridge <a href="/b">is</a>', ("links",), "packaging"),
        ('<a href="/b">bridge</a>', "bridge", ("links",), "packaging"),
        ('"/p.jpg"', '"/r.jpg"', ("media",), "headline-media"),
        ("The bridge", "A bridge", ("media",), "headline-media"),
        ("<p>It", "<p><iframe src='//v.example/1'></iframe>It", ("media",), "headline-media"),
        ("<p>It", "<p><iframe srcdoc='more words'></iframe>It", ("media",), "headline-media"),
        ('alt="The bridge"', 'alt="The bridge" width="1"', (), "verbatim"),
        ("<p>It is long.</p>", "", ("text",), "excerpt"),
        ("is open", "is not open", ("text",), "edited"),
        ("It is long.", "It is long. Is it?", ("text",), "edited"),
        ("long.", "long<script>.</script>", ("text",), "edited"),
    ],
)
def test_a_change_is_found_in_its_part(
    old: str, new: str, changed: tuple[Part, ...], scope: str
) -> None:
    assert old in WIRE.body
    found = measured(WIRE, published(WIRE.body.replace(old, new)))
    assert (found.changed, found.scope) == (changed, scope)


@pytest.mark.parametrize(
    ("changes", "changed", "scope"),
    [
        ({"media": ()}, ("media",), "headline-media"),
        ({"media": WIRE.media[:1]}, ("media",), "headline-media"),
        ({"media": (*WIRE.media, "https://n.example/own.jpg")}, ("media",), "headline-media"),
        ({"media": WIRE.media[::-1]}, (), "verbatim"),
        ({"media": ("/q.jpg",)}, (), "verbatim"),
        ({"summary": " A\n bridge. "}, (), "verbatim"),
        ({"summary": "A long bridge."}, ("packaging",), "packaging"),
        ({"tags": ("Bridges", "India", "India")}, (), "verbatim"),
        ({"tags": ("Bridges",)}, ("packaging",), "packaging"),
        ({"headline": "x", "tags": ()}, ("headline", "packaging"), "packaging"),
        ({"headline": "x", "media": ()}, ("headline", "media"), "headline-media"),
        ({"headline": "Bridge\u00a0 opens"}, (), "verbatim"),
        ({"headline": "Bridge opens\u202e"}, ("headline",), "headline-only"),
        ({"base": "https://other.example/"}, ("links", "media"), "packaging"),
    ],
)
def test_a_change_beside_the_body_is_found(
    changes: dict[str, Any], changed: tuple[Part, ...], scope: str
) -> None:
    found = measured(WIRE, published(WIRE.body, **changes))
    assert (found.changed, found.scope) == (changed, scope)


def test_two_pictures_that_change_places_are_found() -> None:
    two = replace(WIRE, body="<img src=/1.jpg><p>x</p><img src=/2.jpg>")
    turned = replace(WIRE, body="<img src=/2.jpg><p>x</p><img src=/1.jpg>")
    assert measured(two, turned, "").scope == "headline-media"


def test_one_disclosure_exactly_is_left_out() -> None:
    once = published(WIRE.body)
    assert measured(WIRE, WIRE, SENTENCE).changed == ()
    assert measured(WIRE, once, SENTENCE).changed == ()
    assert measured(WIRE, published(once.body), SENTENCE).changed == ("text",)
    assert measured(WIRE, once, SENTENCE.replace("not ", "")).changed == ("text",)
    assert measured(once, published(once.body), SENTENCE).changed == ()


# What makes a claim impossible


def test_without_a_received_copy_nothing_is_claimed() -> None:
    found = measure(None, WIRE)
    assert found.scope == "unknown"
    assert (found.received, found.changed, found.edited_headline_only) == (None, (), False)
    kept = measure(None, WIRE, received_digests=digests(WIRE))
    assert (kept.scope, kept.received) == ("unknown", digests(WIRE))


@pytest.mark.parametrize("part", PARTS)
def test_a_received_copy_that_is_not_the_one_received_is_unknown(part: Part) -> None:
    receipt = replace(digests(WIRE), **{part: digests(Copy(headline="x", body="y")).text})
    found = measure(WIRE, replace(WIRE, headline="x"), received_digests=receipt)
    assert found.scope == "unknown"
    assert found.received == receipt
    assert set(found.changed) == {"headline", part}
    assert not found.edited_headline_only


def test_digests_made_at_receipt_uphold_the_measurement() -> None:
    after = published(WIRE.body, headline="x")
    found = measure(WIRE, after, received_digests=digests(WIRE), disclosure=SENTENCE)
    assert found == measure(WIRE, after, disclosure=SENTENCE)
    assert found.scope == "headline-only"


@steady
@given(st.data(), stories, st.sampled_from(["", "x", SENTENCE]), st.booleans())
def test_what_was_stored_with_its_digests_measures_the_same(
    data: st.DataObject, story: list[Any], disclosure: str, signed: bool
) -> None:
    body = data.draw(marked_up(story))
    sign = "?Expires=1700000001&Signature=s&Key-Pair-Id=K" if signed else ""
    before = replace(WIRE, body=body, media=(f"/p.jpg{sign}",))
    after = replace(
        before,
        headline=data.draw(st.sampled_from([before.headline, "x"])),
        summary=data.draw(st.sampled_from([before.summary, "y"])),
        media=data.draw(st.sampled_from([before.media, ("/q.jpg",), (f"/p.jpg{sign}#2",)])),
        body=data.draw(st.sampled_from([body, f"{body}<p>{disclosure}</p>", f"{body} z"])),
    )
    kept = parts(before, rule=data.draw(st.sampled_from([None, RULE]))).digests()
    found = measure(before, after, received_digests=kept, disclosure=disclosure, stored=True)
    assert found == measure(before, after, received_digests=kept, disclosure=disclosure)
    assert Measurement.from_json(found.to_json()) == found
    assert found.to_json() == {**asdict(found), "changed": list(found.changed)}


@pytest.mark.parametrize("part", PARTS)
def test_what_was_stored_with_other_digests_is_unknown(part: Part) -> None:
    receipt = replace(digests(WIRE), **{part: digests(Copy(headline="x", body="y")).text})
    found = measure(WIRE, replace(WIRE, tags=()), received_digests=receipt, stored=True)
    assert (found.scope, found.received) == ("unknown", receipt)


def test_digests_by_another_rule_are_not_compared() -> None:
    older = replace(digests(WIRE), rule="wirecopy-text-0", text="sha-256=:AA==:")
    found = measure(WIRE, WIRE, received_digests=older)
    assert (found.scope, found.received) == ("verbatim", digests(WIRE))
    with pytest.raises(ValueError, match=r"'wirecopy-text-0'.*make both again"):
        changed_parts(older, digests(WIRE))


def test_tangled_markup_is_refused_not_guessed() -> None:
    with pytest.raises(TangleError):
        measure(WIRE, replace(WIRE, body="<div>" * 100_000))


# Scopes


@steady
@given(st.sets(st.sampled_from(PARTS)))
def test_the_scope_of_parts_never_says_less_than_the_parts(changed: set[Part]) -> None:
    scope = scope_of(changed)
    assert (scope == "verbatim") == (not changed)
    assert (scope == "headline-only") == (changed == {"headline"})
    assert (scope == "edited") == ("text" in changed)
    if changed & {"links", "packaging"}:
        assert SCOPES.index(scope) >= SCOPES.index("packaging")


@steady
@given(st.lists(st.sampled_from(SCOPES), min_size=1))
def test_the_widest_is_the_most_changed(scopes: list[Any]) -> None:
    made = [replace(measure(None, WIRE), scope=scope) for scope in scopes]
    found = widest(iter(made))
    assert found in made
    assert SCOPES.index(found.scope) == max(map(SCOPES.index, scopes))


def test_the_widest_of_none() -> None:
    with pytest.raises(ValueError, match="empty"):
        widest([])


# Digests


@steady
@given(st.lists(st.text('ab,[]"\\ \n', max_size=4), max_size=4), st.data())
def test_no_two_texts_share_a_digest(story: list[str], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.text('ab,[]"\\ \n', max_size=4), max_size=4))
    same = [t for s in story if (t := plain(s))] == [t for s in other if (t := plain(s))]
    one, two = (digests(Copy(headline="", body=as_html(s))) for s in (story, other))
    assert (one.text == two.text) == same


def test_no_two_parts_share_a_digest() -> None:
    found = digests(Copy(headline="", body=""))
    assert len({getattr(found, part) for part in PARTS}) == len(PARTS)
    assert isinstance(found, Digests)


# In a store


def test_a_measurement_comes_back_from_json_as_it_was() -> None:
    for found in (measure(None, WIRE), measured(WIRE, published("", headline="x"))):
        stored = found.to_json()
        assert json.loads(json.dumps(stored)) == stored
        assert Measurement.from_json(stored) == found
    assert list(stored) == [
        *("rule", "scope", "changed", "received", "published", "edited_headline_only")
    ]
    assert list(stored["published"]) == ["rule", *PARTS]
    with pytest.raises(TypeError):
        Measurement.from_json({**stored, "another": 1})
