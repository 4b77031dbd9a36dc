"""Articles held against the agency's copy: what was changed is found, what the page adds is not."""

import json
import os
import re
import resource
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.article import against, page, report
from desk.article.against import Answer
from desk.article.limits import limited
from desk.cli.app import main
from ingest import sandbox
from publish.diff import word_differences
from publish.formats import Format
from stories.errors import ParseError, UnknownNameError, WirecopyError
from tests.desk.articles import (
    BRIDGE,
    CLAIM,
    COPIES,
    HINDI,
    LAYOUTS,
    URDU,
    Layout,
    Story,
    broadsheet,
    feed,
    scripted,
    tables,
)
from tests.signed import FORMATS, Issuer, samples
from tests.wirecopy.markups import marked_up, steady
from tests.wirecopy.markups import stories as generated
from wirecopy.scope import Copy
from wirecopy.text import project

EVERY = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
EVERY_COPY = pytest.mark.parametrize("story", COPIES.values(), ids=COPIES)
NEW = "The mayor's office was not available for comment when this paper called it on Sunday."


@pytest.fixture(scope="module", autouse=True)
def _one_reader() -> Iterator[None]:
    """Keep the child that reads the copy for all tests here; to start one takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "close", lambda: None)
        yield
    sandbox.close()


def held(shown: str, received: Story) -> Answer:
    """The answer, without the trip through files and the agency's feed."""
    body = "".join(f"<p>{against_html(text)}</p>" for text in received.paragraphs)
    copy = Copy(headline=received.headline, body=body)
    return against.compare((against.Received(1, "g", copy), 1), page.read(shown, seen=True))


def against_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def of_text(answer: Answer) -> list[tuple[str, str, str]]:
    return [(d.kind, d.received, d.published) for d in answer.differences if d.part == "text"]


@EVERY
@EVERY_COPY
@pytest.mark.parametrize("claim", ["", CLAIM])
def test_no_layout_makes_a_difference(layout: Layout, story: Story, claim: str) -> None:
    answer = held(layout(replace(story, claim=claim)), story)
    assert answer.differences == ()
    assert (answer.scope, answer.holds) == ("verbatim", True)
    assert [c.standing for c in answer.claims] == ["agrees"] * bool(claim)
    assert answer.story is not None
    assert answer.story.paragraphs == len(story.paragraphs)
    assert answer.story.held == 1


CHANGES: dict[str, tuple[Story, str, str, bool]] = {
    "headline": (replace(BRIDGE, headline="Bridge is open"), "headline-only", "agrees", True),
    "a word": (BRIDGE.but(2, BRIDGE.paragraphs[2].replace("March", "April")), "edited", "", False),
    "a short paragraph's word": (BRIDGE.but(3, "Somebody was hurt."), "edited", "", False),
    "a number": (BRIDGE.but(4, BRIDGE.paragraphs[4].replace("41", "14")), "edited", "", False),
    "case": (BRIDGE.but(3, "nobody was hurt."), "edited", "", False),
    "first added": (BRIDGE.plus(0, NEW), "edited", "", False),
    "one added": (BRIDGE.plus(3, NEW), "edited", "", False),
    "last added": (BRIDGE.plus(7, NEW), "edited", "", False),
    "a short one added": (BRIDGE.plus(4, "Three were."), "edited", "", False),
    "first removed": (BRIDGE.but(0, ""), "excerpt", "", False),
    "one removed": (BRIDGE.but(4, ""), "excerpt", "", False),
    "a short one removed": (BRIDGE.but(3, ""), "excerpt", "", False),
    "tail": (BRIDGE.but(6, ""), "excerpt", "", False),
    "two exchanged": (
        BRIDGE.but(1, "").plus(2, BRIDGE.paragraphs[1]),
        "edited",
        "",
        False,
    ),
    "straight quotes": (
        BRIDGE.but(1, BRIDGE.paragraphs[1].replace("“", '"').replace("”", '"')),
        "house-style",
        "",
        True,
    ),
    "compiled": (
        BRIDGE.but(4, "")
        .plus(1, "Shops on the far bank had lost half of their customers, their guild told us.")
        .plus(
            2, "“I never thought I would see it,” said Tomas Bell, who has baked there since 1999."
        )
        .plus(
            3, "Our reporter counted eleven trams in the first hour, all of them full to the doors."
        ),
        "with-inputs",
        "",
        False,
    ),
}


@EVERY
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_in_every_layout(layout: Layout, change: str) -> None:
    story, scope, _, holds = CHANGES[change]
    plain = held(layout(story), BRIDGE)
    assert (plain.scope, plain.holds, plain.claims) == (scope, holds, ())
    claimed = held(layout(replace(story, claim=CLAIM)), BRIDGE)
    assert (claimed.scope, claimed.holds) == (scope, holds), "the claim does not count"
    assert [c.standing for c in claimed.claims] == ["agrees" if holds else "claims-more"]
    assert claimed.differences == plain.differences


@settings(steady)
@given(st.data())
def test_one_changed_word_is_always_found(data: st.DataObject) -> None:
    story = data.draw(st.sampled_from([BRIDGE, HINDI, URDU]))
    layout = data.draw(st.sampled_from(list(LAYOUTS.values())))
    number = data.draw(st.integers(0, len(story.paragraphs) - 1))
    words = story.paragraphs[number].split()
    at = data.draw(st.integers(0, len(words) - 1))
    other = data.draw(st.sampled_from(["", "not", "नहीं", "نہیں", "12", words[at] * 2]))
    changed = [*words[:at], *([other] if other else []), *words[at + 1 :]]
    if changed == words:
        return
    answer = held(layout(story.but(number, " ".join(changed))), story)
    assert answer.scope in ("edited", "excerpt")
    assert not answer.holds
    assert story.paragraphs[number] in [received for _, received, _ in of_text(answer)]


@settings(steady)
@given(st.data())
def test_one_added_paragraph_is_always_found(data: st.DataObject) -> None:
    story = data.draw(st.sampled_from([BRIDGE, HINDI, URDU]))
    layout = data.draw(st.sampled_from(list(LAYOUTS.values())))
    number = data.draw(st.integers(0, len(story.paragraphs)))
    answer = held(layout(story.plus(number, NEW)), story)
    assert of_text(answer) == [("added", "", NEW)]


@settings(steady)
@given(st.data(), generated)
def test_what_is_judged_says_what_the_body_says(data: st.DataObject, story: Any) -> None:
    body = data.draw(marked_up(story))
    paragraphs, again = against._judged(body)
    assert paragraphs == project(again).paragraphs == project(body).paragraphs


def test_what_is_set_aside_is_listed() -> None:
    answer = held(broadsheet(BRIDGE), BRIDGE)
    assert answer.story is not None
    assert [(one.why, one.text) for one in answer.story.aside] == [
        ("advertisement", "Advertisement"),
        ("related", "Also read: Tunnel to close at night"),
        ("newsletter", "Get the morning letter"),
        ("newsletter", "Sign up"),
        ("tags", "Tags: bridge, harbour"),
    ]


def test_prose_is_not_set_aside_for_what_its_box_is_called() -> None:
    prose = "It was said in the town that the minister had known of this for three years. " * 6
    shown = broadsheet(BRIDGE).replace(
        '<div class="newsletter-box">', f'<div class="related"><p>{prose}</p></div><div class="ad">'
    )
    assert of_text(held(shown, BRIDGE)) == [("added", "", prose.strip())]


def test_sentences_set_aside_are_pointed_out() -> None:
    box = f"<aside><p>{NEW}</p></aside>"
    shown = broadsheet(BRIDGE).replace('<div class="ad-slot">', f'{box}<div class="ad-slot">')
    answer = held(shown, BRIDGE)
    assert (answer.scope, answer.notes) == (
        "verbatim",
        ("1 of the blocks set aside hold sentences; read them and judge",),
    )


def test_the_agencys_own_words_are_never_set_aside() -> None:
    shown = broadsheet(BRIDGE).replace('class="story__content"', 'class="related-ads share"')
    assert held(shown, BRIDGE).scope == "verbatim"


def test_a_quotation_pulled_out_is_set_aside_once_the_story_has_it() -> None:
    quote = "<aside class='pullquote'>We have replaced four of its nine piers</aside>"
    shown = broadsheet(BRIDGE).replace('<div class="ad-slot">', f'{quote}<div class="ad-slot">')
    answer = held(shown, BRIDGE)
    assert answer.scope == "verbatim"
    assert answer.story is not None
    assert "aside, says again what the story says" in [one.why for one in answer.story.aside]


def test_links_put_into_the_text_are_packaging_and_belie_the_claim() -> None:
    story = replace(BRIDGE, claim=CLAIM)
    shown = broadsheet(story).replace("transport ministry", '<a href="/t/m">transport ministry</a>')
    answer = held(shown, BRIDGE)
    assert (answer.scope, answer.holds) == ("packaging", False)
    assert [c.standing for c in answer.claims] == ["claims-more"]
    assert [(d.part, d.published) for d in answer.differences] == [
        ("links", "/t/m (transport ministry)")
    ]
    shown = shown.replace(CLAIM, "")
    assert held(shown, BRIDGE).holds, "without a claim, the words are unedited"


@pytest.mark.parametrize(
    ("claim", "story", "standing", "holds"),
    [
        ("(With inputs from PTI)", CHANGES["compiled"][0], "agrees", True),
        ("(With inputs from PTI)", BRIDGE, "claims-less", True),
        ("This report is auto-generated from PTI news service.", BRIDGE, "agrees", True),
        (
            "This report is auto-generated from PTI news service.",
            CHANGES["headline"][0],
            "claims-more",
            False,
        ),
        (
            "This story has been published from a wire agency feed without modifications to the"
            " text. Only the headline has been changed.",
            CHANGES["a word"][0],
            "claims-more",
            False,
        ),
        (
            "(Only the headline and picture of this report may have been reworked by the Daily"
            " Paper staff; the rest of the content is auto-generated from a syndicated feed.)",
            CHANGES["headline"][0],
            "agrees",
            True,
        ),
    ],
)
def test_what_is_printed_is_held_against_what_is_measured(
    claim: str, story: Story, standing: str, holds: bool
) -> None:
    for layout in LAYOUTS.values():
        answer = held(layout(replace(story, claim=claim)), BRIDGE)
        assert [(c.standing, c.printed.text) for c in answer.claims] == [(standing, claim)]
        assert answer.holds is holds


def test_a_claim_may_stand_at_the_end_of_the_last_paragraph_or_after_the_story() -> None:
    last = BRIDGE.paragraphs[5]
    within = BRIDGE.but(6, "").but(5, f"{last} {CLAIM}")
    answer = held(broadsheet(within), BRIDGE.but(6, ""))
    assert (answer.scope, [c.printed.text for c in answer.claims]) == ("verbatim", [CLAIM])
    after = broadsheet(BRIDGE).replace(
        '<section class="comments">', f"<p>{CLAIM}</p><section class='comments'>"
    )
    answer = held(after, BRIDGE)
    assert (answer.scope, [c.printed.text for c in answer.claims]) == ("verbatim", [CLAIM])


def test_what_the_agency_says_itself_is_no_claim_of_the_paper() -> None:
    story = BRIDGE.but(6, "(With inputs from AFP)")
    answer = held(broadsheet(story), story)
    assert (answer.scope, answer.claims) == ("verbatim", ())


def test_of_two_texts_in_a_page_the_more_changed_counts() -> None:
    shown = scripted(BRIDGE)
    answer = held(shown, BRIDGE)
    assert answer.notes == ("the page holds the story 2 times; they are the same",)
    head, _, tail = shown.rpartition("until March.</p>")
    answer = held(f"{head}until April.</p>{tail}", BRIDGE)
    assert answer.scope == "edited"
    assert "differ" in answer.notes[0]


def test_a_story_that_stands_in_the_data_alone_is_found_there() -> None:
    shown = scripted(BRIDGE)
    start, end = shown.index('<div class="only-small">'), shown.index('<div class="recirc">')
    answer = held(shown[:start] + shown[end:], BRIDGE)
    assert answer.scope == "house-style", "its paragraphs were run together"
    assert "JSON-LD" in answer.notes[0]
    changed = scripted(BRIDGE.but(3, "Somebody was hurt."))
    start, end = changed.index('<div class="only-small">'), changed.index('<div class="recirc">')
    assert held(changed[:start] + changed[end:], BRIDGE).scope == "edited"


def test_the_next_story_of_an_endless_page_is_not_this_one() -> None:
    other = Story(
        "Rain on Monday", (NEW, "Rain is expected from the west."), "(With inputs from PTI)"
    )
    shown = broadsheet(replace(BRIDGE, claim=CLAIM))
    shown = shown.replace("</body></html>", broadsheet(other))
    answer = held(shown, BRIDGE)
    assert (answer.scope, answer.page_headline) == ("verbatim", BRIDGE.headline)
    assert [c.printed.text for c in answer.claims] == [CLAIM]


def test_a_story_that_goes_on_in_another_box_of_its_kind_is_read_to_its_end() -> None:
    first = "".join(f"<p>{against_html(text)}</p>" for text in BRIDGE.paragraphs)
    shown = (
        f"<body><h1>{BRIDGE.headline}</h1><div><div class='part'>{first}</div><div class='ad'>Ad"
        f"</div><div class='part'><p>{NEW}</p></div><div class='bio'><p>{NEW} Indeed.</p></div>"
        "</div><div class='foot'>The Paper</div>"
    )
    assert of_text(held(shown, BRIDGE)) == [("added", "", NEW)]


def test_a_page_without_the_story_says_so() -> None:
    other = Story("Rain on Monday", (NEW, "Rain is expected from the west on Monday morning."))
    answer = held(broadsheet(replace(other, claim=CLAIM)), BRIDGE)
    assert (answer.scope, answer.holds, answer.story) == ("unknown", False, None)


@pytest.mark.parametrize(
    ("top", "found"),
    [
        ("<title>{0} | The Daily Paper</title>", True),
        ("<title>{0} - Daily - Paper</title>", True),
        ('<meta property="og:title" content="{0}"><title>{0} :: Paper, news</title>', True),
        ('<script type="application/ld+json">{{"headline": "{0}"}}</script>', True),
        ("<h1>The Daily Paper</h1><h1>{0}</h1><title>Page</title>", True),
        ("<h1>Another headline altogether</h1><title>{0}</title>", False),
    ],
)
def test_the_headline_of_the_page(top: str, found: bool) -> None:
    body = "".join(f"<p>{against_html(text)}</p>" for text in BRIDGE.paragraphs)
    answer = held(f"{top.format(BRIDGE.headline)}<div>{body}</div>", BRIDGE)
    assert answer.scope == ("verbatim" if found else "headline-only")


@pytest.mark.parametrize(
    ("title", "site", "line"),
    [
        ("Bridge opens again | The Daily Paper", "The Daily Paper", "Bridge opens again"),
        (
            "Bridge opens again - India News | The Daily Paper",
            "",
            "Bridge opens again - India News",
        ),
        ("Rane: bridge opens - again - Town Times", "Town Times", "Rane: bridge opens - again"),
    ],
)
def test_the_sites_name_is_no_part_of_a_headline(title: str, site: str, line: str) -> None:
    body = "".join(f"<p>{against_html(text)}</p>" for text in BRIDGE.paragraphs)
    meta = f'<meta property="og:site_name" content="{site}">'
    assert held(f"<title>{title}</title>{meta}{body}", BRIDGE).page_headline == line


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "iso-8859-1"),
        ("utf-8", ""),
        ("utf-8-sig", "windows-1252"),
        ("utf-16", ""),
        ("windows-1252", "iso-8859-1"),
        ("windows-1252", "utf-8"),
        ("windows-1252", ""),
    ],
)
def test_pages_in_other_encodings_read_alike(encoding: str, declared: str) -> None:
    story = BRIDGE.but(3, "Nobody was hurt at the Café Orléans.")
    meta = f'<meta charset="{declared}">' if declared else ""
    shown = f"<html><head>{meta}</head>{broadsheet(story).replace('<meta charset=utf-8>', '')}"
    shown = shown.replace('<meta charset="utf-8">', "").replace("हिन्दी", "Hindi")
    text = against.decoded(shown.encode(encoding), "p.html")
    assert held(text, story).scope == "verbatim"


def test_the_item_whose_words_fit_is_chosen() -> None:
    earlier = replace(BRIDGE.but(5, ""), headline="Bridge reopens")
    found = against.items(feed(earlier, BRIDGE, HINDI), "wire.xml")
    shown = page.read(broadsheet(BRIDGE))
    assert against.chosen(found, None, shown)[0].number == 3
    assert against.chosen(found, None, page.read(broadsheet(earlier)))[0].number == 2
    assert against.chosen(found, "2", shown)[0].copy.headline == "Bridge reopens"
    assert against.chosen(found, "story-3", shown)[0].copy.headline == HINDI.headline
    with pytest.raises(UnknownNameError, match="numbered 1 to 4"):
        against.chosen(found, "9", shown)


def test_choosing_among_very_many_items_takes_no_long_time() -> None:
    others = [BRIDGE.but(n % 6, f"Number {n} is another story altogether.") for n in range(500)]
    copies = [
        against.Received(n + 1, "", Copy(headline="", body=f"<p>{'<p>'.join(one.paragraphs)}"))
        for n, one in enumerate([*others, BRIDGE])
    ]
    shown = page.read(broadsheet(BRIDGE).replace("<footer>", "<p>Some words</p>" * 5_000))
    began = time.process_time()
    assert against.chosen(copies, None, shown) == (copies[-1], 501)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("story", [BRIDGE, HINDI], ids=["en", "hi"])
def test_the_copy_may_be_a_text_or_a_page(story: Story, tmp_path: Path) -> None:
    text = "\r\n\r\n".join([story.headline, *story.paragraphs])
    (tmp_path / "copy.txt").write_text(text, encoding="utf-8")
    (tmp_path / "copy.html").write_text(tables(story), encoding="utf-8")
    (tmp_path / "article.html").write_text(broadsheet(story), encoding="utf-8")
    plain = against.check(tmp_path / "copy.txt", tmp_path / "article.html")
    assert (plain.scope, plain.received.copy.headline) == ("verbatim", story.headline)


TOP = "Cranes lift the last span. Photo: Kestrel Wire"
TEXTS: dict[str, tuple[list[str], str, list[tuple[str, str]]]] = {
    "as it is": ([BRIDGE.headline, *BRIDGE.paragraphs], "verbatim", []),
    "without a headline": ([*BRIDGE.paragraphs], "verbatim", []),
    "a caption, a byline and a date on top": (
        [TOP, BRIDGE.headline, "By Asha Rane, Porthaven", "Sunday 22 November", *BRIDGE.paragraphs],
        "verbatim",
        [],
    ),
    "a sentence on top": (["A bridge is open.", *BRIDGE.paragraphs], "verbatim", []),
    "paragraphs joined": ([BRIDGE.headline, " ".join(BRIDGE.paragraphs)], "house-style", []),
    "a paragraph split": (
        [BRIDGE.headline, *re.split("(?<=after) ", BRIDGE.paragraphs[0]), *BRIDGE.paragraphs[1:]],
        "house-style",
        [],
    ),
    "a paragraph split, and a word lost": (
        [BRIDGE.headline, *BRIDGE.paragraphs[0].split(" after ", 1), *BRIDGE.paragraphs[1:]],
        "edited",
        [("removed", "after")],
    ),
    "joined, and a word changed": (
        [BRIDGE.headline, " ".join(BRIDGE.paragraphs).replace("March", "April")],
        "edited",
        [("removed", "March."), ("added", "April.")],
    ),
    "joined, other marks, and a word left out": (
        [
            BRIDGE.headline,
            re.sub("[“”]", '"', " ".join(BRIDGE.paragraphs)).replace("The old", "The"),
        ],
        "edited",
        [("removed", "old")],
    ),
    "the dateline and a last sentence set apart": (
        [
            BRIDGE.headline,
            *re.split(r"(?<=\(PTI\)) ", BRIDGE.paragraphs[0]),
            *BRIDGE.paragraphs[1:-2],
            *re.split(r" (?=first)", BRIDGE.paragraphs[-2]),
            BRIDGE.paragraphs[-1],
        ],
        "house-style",
        [],
    ),
    "pointers to other stories": (
        [
            BRIDGE.headline,
            *BRIDGE.paragraphs[:2],
            "Also Read: Storm season begins early",
            "ALSO READ | Ferries run again",
            *BRIDGE.paragraphs[2:],
        ],
        "verbatim",
        [],
    ),
    "joined letters": (
        [
            one.replace("fi", "ﬁ").replace("ff", "ﬀ")
            for one in (BRIDGE.headline, *BRIDGE.paragraphs)
        ],
        "verbatim",
        [],
    ),
    "one added at the end": ([*BRIDGE.paragraphs, NEW], "edited", [("added", NEW)]),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("width", [0, 60], ids=["long lines", "set in lines"])
def test_a_plain_text_is_an_article_too(name: str, width: int, tmp_path: Path) -> None:
    blocks, scope, changes = TEXTS[name]
    text = "\n \n".join(textwrap.fill(one, width) if width else one for one in [*blocks, CLAIM])
    (tmp_path / "article.txt").write_text(text, encoding="utf-8")
    (tmp_path / "wire.xml").write_bytes(feed(BRIDGE))
    answer = against.check(tmp_path / "wire.xml", tmp_path / "article.txt")
    holds = scope != "edited"
    assert (answer.scope, answer.holds, len(answer.claims)) == (scope, holds, 1)
    runs = [
        (run.kind, run.text)
        for one in answer.differences
        for run in word_differences(one.received, one.published)
        if run.kind != "same"
    ]
    assert runs == changes


@pytest.mark.parametrize("end", ["\r\n", "\r", "\u2028", "\n\n\n"])
def test_lines_of_a_text_may_end_otherwise(end: str) -> None:
    found = page.paragraphs_of(end.join([BRIDGE.headline, *BRIDGE.paragraphs]))
    assert found == (BRIDGE.headline, list(BRIDGE.paragraphs))


@pytest.mark.parametrize("place", [0, 3, 7])
@pytest.mark.parametrize(
    ("line", "scope"),
    [
        ("Our Standards: The Wire's Trust Principles.", "verbatim"),
        ("Share on Facebook", "verbatim"),
        ("24 Likes", "verbatim"),
        ("WhatsApp Telegram X Email Copy link", "verbatim"),
        ("Image 2 of 7", "verbatim"),
        ("Previous / Next", "verbatim"),
        ("Subscribe to our morning newsletter.", "verbatim"),
        ("Follow the Daily Paper on WhatsApp", "verbatim"),
        ("© 2026 The Daily Paper. All rights reserved.", "verbatim"),
        ("Tags: bridge, Porthaven", "verbatim"),
        ("Copyright law was broken, said the minister.", "edited"),
        ("The minister shared the blame.", "edited"),
        ("What next", "edited"),
        ("All in all", "edited"),
        ("Nobody likes this.", "edited"),
        ("Get out, said the channel's owner, and he went.", "edited"),
        ("The bridge was closed on 22 May 2026.", "edited"),
    ],
)
def test_a_line_of_the_page_between_paragraphs(line: str, scope: str, place: int) -> None:
    assert held(tables(BRIDGE.plus(place, line)), BRIDGE).scope == scope


@pytest.mark.parametrize(
    "line",
    [
        "Sunday, 22 November 2026",
        "Porthaven | Asha Rane | Nov 22, 2026",
        "22 नवंबर 2026, पोर्टहेवन",
        "By Asha Rane, Porthaven",
        "Reporting by Asha Rane in Porthaven; editing by Tom Hill",
    ],
)
def test_who_wrote_when_and_where_above_and_below(line: str) -> None:
    for place in (0, 7):
        assert held(tables(BRIDGE.plus(place, line)), BRIDGE).scope == "verbatim"


@pytest.mark.parametrize(
    ("headline", "scope", "holds"),
    [
        ("Harbour’s “old” bridge – open… again", "house-style", True),
        ("Harbour's old bridge - open... again", "headline-only", False),
        ("Harbour’s “old” bridge – Open… again", "headline-only", False),
    ],
)
def test_marks_alone_make_no_claim_untrue(headline: str, scope: str, holds: bool) -> None:
    wire = replace(BRIDGE, headline='Harbour\'s "old" bridge - open... again')
    claim = "(This story has not been edited by Daily Paper staff.)"
    curled = [text.replace('"', "”").replace("'", "’") for text in wire.paragraphs]
    for paragraphs in (wire.paragraphs, tuple(curled)):
        shown = replace(wire, headline=headline, paragraphs=paragraphs, claim=claim)
        answer = held(tables(shown), wire)
        assert (answer.holds, answer.differences[0].part) == (holds, "headline")
        assert answer.scope == scope


@pytest.mark.parametrize("form", FORMATS)
def test_a_feed_of_ours_is_a_copy(form: Format, tmp_path: Path) -> None:
    issuer = Issuer()
    stories = samples()
    (tmp_path / "own").write_bytes(issuer.feed([issuer.sign(one) for one in stories], form))
    found = against.items((tmp_path / "own").read_bytes(), "own")
    assert len(found) == len(stories)
    body = "".join(f"<p>{text}" for text in project(found[0].copy.body).paragraphs)
    page_ = f"<h1>{found[0].copy.headline}</h1><div>{body}<p>{CLAIM}</div>"
    (tmp_path / "article.html").write_text(page_, encoding="utf-8")
    answer = against.check(tmp_path / "own", tmp_path / "article.html")
    assert (answer.scope, {one.part for one in answer.differences}) == ("packaging", {"links"})
    assert CLAIM in [claim.printed.text for claim in answer.claims]


@pytest.mark.slow
def test_a_copy_that_could_not_be_read_is_no_verdict(tmp_path: Path) -> None:
    other = Story("Rain on Monday", (NEW, "Rain is expected from the west on Monday morning."))
    unread = "<item><guid>story-9</guid><pubDate>x</pubDate></item></channel>"
    wire = feed(BRIDGE).replace(b"</channel>", unread.encode())
    (tmp_path / "wire.xml").write_bytes(wire)
    (tmp_path / "bridge.html").write_text(broadsheet(BRIDGE), encoding="utf-8")
    (tmp_path / "rain.html").write_text(broadsheet(other), encoding="utf-8")
    answer = against.check(tmp_path / "wire.xml", tmp_path / "bridge.html")
    assert (answer.scope, answer.holds) == ("verbatim", True)
    assert answer.notes[0].startswith("1 of the 3 items could not be read: ")
    with pytest.raises(WirecopyError, match="no verdict: 1 of the 3 items could not be read"):
        against.check(tmp_path / "wire.xml", tmp_path / "rain.html")
    with pytest.raises(WirecopyError, match="no verdict: item 3 of the copy"):
        against.check(tmp_path / "wire.xml", tmp_path / "bridge.html", "3")


@pytest.mark.slow
def test_a_copy_that_is_none_is_refused() -> None:
    for body in (b"", b"%PDF-1.7", b'<?xml version="1.0"?><newsItem/>', b'{"a": 1}'):
        with pytest.raises(ParseError):
            against.items(body, "copy.xml")
    with pytest.raises(WirecopyError, match="no web page"):
        against.decoded(b"\x89PNG\r\n" + b"\0" * 100, "a.html")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs ``wirecopy verify …`` in the test's folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def verify(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["verify", *arguments])
        return int(ended.value.code or 0), *capfd.readouterr()

    return verify


def test_the_command(tmp_path: Path, run: Run) -> None:
    (tmp_path / "wire.xml").write_bytes(feed(BRIDGE))
    for name, story in (("good", CHANGES["headline"][0]), ("bad", CHANGES["a word"][0])):
        shown = broadsheet(replace(story, claim=CLAIM))
        (tmp_path / f"{name}.html").write_text(shown, encoding="utf-8")
    code, out, err = run("--against", "wire.xml", "good.html")
    assert (code, err) == (0, "")
    assert "headline-only" in out
    assert "set aside" in out
    code, out, _ = run("--against", "wire.xml", "bad.html")
    assert code == 1
    assert "until [-March.-] {+April.+}" in out
    assert "claims more than was measured" in out
    answer = json.loads(run("--against", "wire.xml", "bad.html", "--json")[1])
    assert (answer["holds"], answer["scope"], answer["claims"][0]["standing"]) == (
        False,
        "edited",
        "claims-more",
    )
    assert answer["received"]["item"] == 2
    assert {"kind": "added", "text": "April."} in answer["differences"][0]["words"]
    assert run("--against", "wire.xml", "none.html")[0] == 1
    assert run("--against", "wire.xml", "bad.html", "--item", "7")[0] == 2
    assert run("--against", "bad.html", "bad.html")[0] == 0


def test_a_page_that_would_take_all_memory_is_one_clear_error(tmp_path: Path, run: Run) -> None:
    """27 kB of tags of which a browser makes 4 million elements, 1.6 GB."""
    (tmp_path / "wire.xml").write_bytes(feed(BRIDGE))
    bomb = "<p>" + "".join(f"<b k={n}>" for n in range(1400)) + "<p>x" * 3000
    (tmp_path / "bomb.html").write_text(bomb)
    before = resource.getrlimit(resource.RLIMIT_AS)
    expected = "wirecopy: bomb.html: takes more than 1 GB of memory to read; no honest page does;"
    code, out, err = run("--against", "wire.xml", "bomb.html")
    assert (code, out, err.startswith(expected), err.count("\n")) == (1, "", True, 1)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.slow
def test_a_page_that_would_take_for_ever_is_one_clear_error(tmp_path: Path) -> None:
    """The parser heeds no signal, so it is ended with its process."""
    (tmp_path / "wire.xml").write_bytes(feed(BRIDGE))
    (tmp_path / "deep.html").write_text("<div>" * 1_000_000)
    program = (
        "from desk.article import limits; limits.SECONDS = 1;"
        "from desk.cli.app import main; main(['verify', '--against', 'wire.xml', 'deep.html'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    expected = "wirecopy: deep.html: takes more than 1 s to read; no honest page does;"
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(expected)


def test_wire_text_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = BRIDGE.but(3, "Nobody \x1b[2J was \u202e hurt [bold]at all[/bold].")
    report.print_answer(held(broadsheet(evil), BRIDGE))
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[bold]at all[/bold]" in said


HOSTILE = {
    "deep": "<div>" * 3000 + broadsheet(BRIDGE),
    "deep within": broadsheet(BRIDGE).replace("<p>", "<div>" * 300 + "<p>"),
    "open scripts": broadsheet(BRIDGE) + "<script>" * 100_000,
    "open templates": broadsheet(BRIDGE) + "<template>" * 3_000,
    "open comments": broadsheet(BRIDGE) + "<!--" * 300_000,
    "drawings": broadsheet(BRIDGE) + "<svg><path d='M0'/></svg>" * 60_000,
    "attributes": broadsheet(BRIDGE) + "<p " + "class=ad-related " * 2_000 + ">",
    "a long class": broadsheet(BRIDGE).replace("<p>", f"<p class='{'ad-' * 50_000}'>"),
    "small blocks": broadsheet(BRIDGE) + "<p>x</p>" * 100_000,
    "teasers": broadsheet(BRIDGE)
    + f"<div><p>{BRIDGE.paragraphs[2]}</p><div><p>x</p></div></div>" * 10_000,
    "nested teasers": broadsheet(BRIDGE) + f"<div><p>{BRIDGE.paragraphs[2]}</p>" * 1_500,
    "brackets": broadsheet(BRIDGE.plus(3, "(" * 100_000)),
    "claims": broadsheet(BRIDGE.plus(7, "This story has not been edited by " * 20_000)),
    "many bodies": scripted(BRIDGE)
    + '<script type="application/ld+json">{"articleBody":"a b c d e f"}</script>' * 20_000,
    "one long paragraph": broadsheet(BRIDGE.plus(3, "word " * 200_000)),
    "links": broadsheet(BRIDGE) + "<a href=x>y</a>" * 100_000,
    "headlines": "<h1>a b c d</h1>" * 50_000 + broadsheet(BRIDGE),
    "data": broadsheet(BRIDGE) + f"<script type='application/ld+json'>{'[' * 100_000}</script>",
    "five megabytes": broadsheet(BRIDGE).replace(
        "<footer>", '<ul class="nav"><li><a href="/x">A name</a></li></ul>' * 100_000 + "<footer>"
    ),
    "broken": broadsheet(BRIDGE).replace("</p>", "</b></p></div>", 2).replace("</article>", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_hostile_pages_are_answered_or_refused_in_time(name: str) -> None:
    began = time.process_time()
    with suppress(WirecopyError), limited(name):
        assert held(HOSTILE[name], BRIDGE).story is not None
    assert time.process_time() - began < 60
