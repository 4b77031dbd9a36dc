"""What no reader sees is not printed, and what a page puts into a story is bounded."""

import time
from dataclasses import replace

import pytest
from selectolax.lexbor import LexborHTMLParser

from desk.article import against, page
from desk.article.against import Answer
from desk.article.sheet import Sheets
from tests.desk.articles import BRIDGE, CLAIM, COPIES, LAYOUTS, Layout, Story, broadsheet
from wirecopy.scope import Copy

CLAIMED = replace(BRIDGE, headline="Bridge is open", claim=CLAIM)
MIDDLE = BRIDGE.paragraphs[2]
OPINION = "Critics of the mayor call the bridge a death trap and say that he lied about its steel."


def held(shown: str, received: Story = BRIDGE) -> Answer:
    body = "".join(f"<p>{escaped(text)}</p>" for text in received.paragraphs)
    copy = Copy(headline=received.headline, body=body)
    return against.compare((against.Received(1, "g", copy), 1), page.read(shown, seen=True))


def escaped(text: str) -> str:
    return text.replace("&", "&amp;")


def article(*paragraphs: str, after: str = "", head: str = "") -> str:
    """A page whose story is *paragraphs*, pieces of HTML, with the claim under it."""
    return (
        f"<!DOCTYPE html><html><head><title>x</title>{head}</head><body><h1>Bridge is open</h1>"
        f'<div class="story">{"".join(paragraphs)}<p><i>{CLAIM}</i></p></div>{after}</body></html>'
    )


def paragraphs(**wrapped: str) -> list[str]:
    """The story's paragraphs as HTML; ``_2="<b>{}</b>"`` puts the third into something."""
    return [
        wrapped.get(f"_{n}", "{}").replace("{}", f"<p>{escaped(text)}</p>")
        for n, text in enumerate(BRIDGE.paragraphs)
    ]


def texts(answer: Answer) -> list[tuple[str, str]]:
    return [(d.kind, d.received or d.published) for d in answer.differences if d.part == "text"]


HIDDEN = {
    "hidden": "<div hidden>{}</div>",
    "hidden until found": '<div hidden="until-found">{}</div>',
    "display": '<div style="display:none">{}</div>',
    "display, spelt oddly": '<div style="color:red; DISPLAY : none !IMPORTANT">{}</div>',
    "display, escaped": r'<div style="d\69splay:n\6f ne">{}</div>',
    "display, commented": '<div style="display/**/:/*x*/none">{}</div>',
    "display after a string": "<div style=\"font-family:'a;b';display:none\">{}</div>",
    "display, important": '<div style="display:none!important;display:block">{}</div>',
    "visibility": '<div style="visibility:hidden">{}</div>',
    "visibility in a deeper element": '<div style="visibility:hidden"><div><b>{}</b></div></div>',
    "opacity": '<div style="opacity:0">{}</div>',
    "opacity, nearly": '<div style="opacity: .01">{}</div>',
    "opacity by a filter": '<div style="filter: opacity(0)">{}</div>',
    "font size": '<div style="font-size:0">{}</div>',
    "font size, tiny": '<div style="font-size:1px">{}</div>',
    "font size, of nothing": '<div style="font-size:0"><b style="font-size:2em">{}</b></div>',
    "font": '<div style="font:0/0 a">{}</div>',
    "off to the left": '<div style="position:absolute;left:-9999px">{}</div>',
    "off the top": '<div style="position:fixed;top:-100vh">{}</div>',
    "off to the right": '<div style="position:absolute;left:9999px">{}</div>',
    "pulled away": '<div style="margin-left:-9999px">{}</div>',
    "indented": '<div style="text-indent:-9999px">{}</div>',
    "translated": '<div style="transform:translateX(-9999px)">{}</div>',
    "scaled": '<div style="transform:scale(0)">{}</div>',
    "clip": '<div style="position:absolute;clip:rect(0,0,0,0)">{}</div>',
    "clip, one pixel": '<div style="position:absolute;clip:rect(1px 1px 1px 1px)">{}</div>',
    "clip path": '<div style="clip-path:inset(50%)">{}</div>',
    "no height": '<div style="height:0;overflow:hidden">{}</div>',
    "no width": '<div style="max-width:1px;overflow:hidden">{}</div>',
    "transparent": '<div style="color:transparent">{}</div>',
    "transparent, by its alpha": '<div style="color:rgba(0,0,0,0)">{}</div>',
    "template": "<template>{}</template>",
    "noscript": "<noscript>{}</noscript>",
    "dialog": "<dialog>{}</dialog>",
    "popover": "<div popover>{}</div>",
    "details": "<details><summary>Advertisement</summary>{}</details>",
    "details without a summary": "<details>{}</details>",
    "a second summary": "<details><summary>Ad</summary><summary>{}</summary></details>",
    "video": "<video>{}</video>",
    "canvas": "<canvas>{}</canvas>",
    "script": '<script type="text/plain">{}</script>',
    "a comment": "<!--{}-->",
    "a drawing's description": "<svg><desc>{}</desc></svg>",
    "a page in the page": '<iframe srcdoc="">{}</iframe>',
    "content visibility": '<div style="content-visibility:hidden">{}</div>',
}


@pytest.mark.parametrize("way", HIDDEN)
def test_a_hidden_paragraph_is_missing(way: str) -> None:
    answer = held(article(*paragraphs(_2=HIDDEN[way])))
    assert (answer.scope, answer.holds) == ("excerpt", False)
    assert texts(answer) == [("removed", MIDDLE)]
    assert [claim.standing for claim in answer.claims] == ["claims-more"]


@pytest.mark.parametrize("way", sorted(set(HIDDEN) - {
    "template", "noscript", "script", "a comment", "a page in the page"
}))  # fmt: skip
def test_a_note_says_where_a_missing_paragraph_is_hidden(way: str) -> None:
    answer = held(article(*paragraphs(_2=HIDDEN[way])))
    assert answer.story is not None
    assert [text for text, _ in answer.story.unseen] == [MIDDLE]
    assert "not printed: 1 paragraph of the copy" in answer.notes[0]


@pytest.mark.parametrize("way", HIDDEN)
def test_a_hidden_claim_is_not_printed(way: str) -> None:
    shown = article(*paragraphs()).replace(
        f"<p><i>{CLAIM}</i></p>", HIDDEN[way].replace("{}", CLAIM)
    )
    answer = held(shown)
    assert (answer.scope, answer.claims) == ("headline-only", ())


@pytest.mark.parametrize("way", HIDDEN)
def test_the_copy_is_not_printed_when_an_edited_one_is_shown(way: str) -> None:
    edited = "".join(paragraphs()).replace("until March", "until April")
    answer = held(article(HIDDEN[way].replace("{}", "".join(paragraphs())), edited))
    assert (answer.scope, answer.holds) == ("edited", False)
    one_by_one = [
        HIDDEN[way].replace("{}", one) + (one.replace("March", "April") if "March" in one else one)
        for one in paragraphs()
    ]
    answer = held(article(*one_by_one))
    assert (answer.scope, answer.holds) == ("edited", False)


@pytest.mark.parametrize("way", HIDDEN)
def test_a_story_that_is_hidden_altogether_is_not_in_the_page(way: str) -> None:
    other = f"<p>{OPINION} Taxes in the province will rise again, and harvests were poor.</p>"
    answer = held(article(HIDDEN[way].replace("{}", "".join(paragraphs())), other))
    assert (answer.scope, answer.holds, answer.story) == ("unknown", False, None)


SHOWN = {
    "aria": '<div aria-hidden="true">{}</div>',
    "display": '<div style="display:block">{}</div>',
    "visible again": '<div style="visibility:hidden"><b style="visibility:visible">{}</b></div>',
    "of a size again": '<div style="font-size:0"><div style="font-size:16px">{}</div></div>',
    "a size in points": '<div style="font:bold 12pt/1.4 Arial">{}</div>',
    "hidden, and styled": '<div hidden style="display:flex">{}</div>',
    "an open dialog": "<dialog open>{}</dialog>",
    "open details": "<details open><summary>Read more</summary>{}</details>",
    "a summary": "<details><summary>{}</summary>Ad</details>",
    "columns": '<div style="float:left;margin-left:-100%">{}</div>',
    "a little to the left": '<div style="position:relative;left:-20px;margin:0 -15px">{}</div>',
    "centred": '<div style="position:absolute;left:50%;transform:translate(-50%)">{}</div>',
    "faint": '<div style="opacity:.6;color:rgba(0,0,0,.7)">{}</div>',
    "on a dark ground": '<div style="background:#000;color:#fff">{}</div>',
    "a gradient in the letters": (
        '<div style="background:linear-gradient(red,blue);-webkit-background-clip:text;'
        'color:transparent">{}</div>'
    ),
    "an unclosed style": '<div style="width:0">{}</div>',
    "a noise of a style": '<div style=";;:x;{};display">{}</div>',
}  # fmt: skip


@pytest.mark.parametrize("way", SHOWN)
def test_a_paragraph_that_is_shown_is_there(way: str) -> None:
    answer = held(article(*paragraphs(_2=SHOWN[way])))
    assert (answer.scope, answer.holds, texts(answer)) == ("headline-only", True, [])


def test_words_hidden_within_a_line_are_not_read() -> None:
    there = "<p>She said that lorries <span style='display:none'>above 12 tonnes</span>would"
    shown = article(*paragraphs()).replace("<p>She said that lorries above 12 tonnes would", there)
    assert texts(held(shown)) == [("changed", MIDDLE)]
    shown = article(*paragraphs()).replace(
        "<p>She said that lorries", "<p>She said that <span hidden>some</span>lorries"
    )
    assert texts(held(shown)) == []


SHEETS = {
    "class": (".x{display:none}", '<div class="a x">{}</div>'),
    "id": ("#x { visibility : hidden }", '<div id="x">{}</div>'),
    "tag": ("section{opacity:0}", "<section>{}</section>"),
    "tag and class": ("section.x{display:none}", '<section class="x">{}</section>'),
    "attribute": ('[data-x="1"]{display:none}', '<div data-x="1">{}</div>'),
    "part of an attribute": (
        '[data-x^="on"][data-y~="b"]{opacity:0}',
        '<i data-x="one" data-y="a b">{}</i>',
    ),
    "within": (".story .x p{display:none}", '<div class="x"><b>{}</b></div>'),
    "child": (".story > .x{display:none}", '<div class="x">{}</div>'),
    "child of one that is deeper": (
        "body .story > div .x {display:none}",
        '<div><div><div class="x">{}</div></div></div>',
    ),
    "list": ("a,\n.y, .x{display:none}", '<div class="x">{}</div>'),
    "escaped": (r".\78{display:none}", '<div class="x">{}</div>'),
    "commented": ("/*{*/.x/**/{/*;*/display:none/*}*/}", '<div class="x">{}</div>'),
    "after another rule": (
        "@import 'a';.y{content:'}'}.x{display:none}",
        '<div class="x">{}</div>',
    ),
    "of more weight": ("div.x{display:none}.x{display:block}", '<div class="x">{}</div>'),
    "important": (".x{display:none!important}", '<div class="x" style="display:block">{}</div>'),
    "later": (".x{display:block}.y{display:none}", '<div class="y x">{}</div>'),
    "media": ("@media screen{.x{display:none}}", '<div class="x">{}</div>'),
    "nested": (".story{color:red;.x{display:none}}", '<div class="x">{}</div>'),
    "nested with its parent": (".x{&.y{display:none}}", '<div class="x y">{}</div>'),
    "by its place": (".story .x:nth-child(3){display:none}", '<div class="x">{}</div>'),
    "by what it is not": (".x:not(.y){display:none}", '<div class="x">{}</div>'),
    "by its neighbour": (".story p + .x{display:none}", '<div class="x">{}</div>'),
    "by two rules": (".x{height:0}.y{overflow:hidden}", '<div class="x y">{}</div>'),
}


@pytest.mark.parametrize("way", SHEETS)
def test_a_style_sheet_in_the_page_hides(way: str) -> None:
    sheet, wrapped = SHEETS[way]
    answer = held(article(*paragraphs(_2=wrapped), head=f"<style>{sheet}</style>"))
    assert (answer.scope, answer.holds, texts(answer)) == ("excerpt", False, [("removed", MIDDLE)])


def test_a_style_sheet_in_a_drawing_hides_and_one_in_an_address_is_noted() -> None:
    wrapped = paragraphs(_2='<div class="x">{}</div>')
    drawing = "<svg viewBox='0 0 1 1'><style>.x{display:none}</style></svg>"
    assert held(article(*wrapped, head=drawing)).scope == "excerpt"
    link = '<link rel="stylesheet" href="data:text/css,.x%7Bdisplay:none%7D">'
    assert "in an address" in held(article(*wrapped, head=link)).notes[0]


def test_a_style_sheet_may_stand_anywhere_and_be_several() -> None:
    wrapped = paragraphs(_2='<style>.z{}</style><div class="x">{}</div>')
    tail = "<style></style><style type='text/css'>.x{display:none}</style>"
    assert held(article(*wrapped, after=tail)).scope == "excerpt"


IDLE = {
    "not in the story": (".aside{display:none}", "{}"),
    "another element": ("div.x > p.y, #x, .x .x{display:none}", '<div class="x">{}</div>'),
    "print": ("@media print{.x{display:none}}", '<div class="x">{}</div>'),
    "keyframes": ("@keyframes a{from{opacity:0}.x{opacity:0}}", '<div class="x">{}</div>'),
    "a state": (".x:hover,.x:empty,.x::before{display:none}", '<div class="x">{}</div>'),
    "less weight": (".x{display:none}div.x{display:block}", '<div class="x">{}</div>'),
    "earlier": (".x{display:none}.x{display:block}", '<div class="x">{}</div>'),
    "inline": (".x{display:none}", '<div class="x" style="display:block">{}</div>'),
    "a selector that is none": (".x%,.x{,}{display:none}", '<div class="x">{}</div>'),
    "a clearing mark": ('.story::after{content:"";display:none}', "{}"),
    "no style sheet": ("", '<style type="text/x">.story{display:none}</style>{}'),
    "a style sheet for print": ("", '<style media="print">.story{display:none}</style>{}'),
    "a style sheet without scripts": ("", "<noscript><style>p{display:none}</style></noscript>{}"),
}


@pytest.mark.parametrize("way", IDLE)
def test_a_style_sheet_that_does_not_apply_hides_nothing(way: str) -> None:
    sheet, wrapped = IDLE[way]
    answer = held(article(*paragraphs(_2=wrapped), head=f"<style>{sheet}</style>"))
    assert (answer.scope, answer.holds, answer.notes) == ("headline-only", True, ())


DOUBTFUL = {
    "on small screens": ("@media (max-width:600px){.x{display:none}}", "on some condition"),
    "but on small screens": (
        ".x{display:none}@media (max-width:600px){.x{display:block}}",
        "on some condition",
    ),
    "where it is understood": ("@supports (display:block){.x{display:none}}", "on some condition"),
    "words put in": ('.x::before{content:"Critics deny that "}', "“Critics deny that ”"),
    "an attribute put in": (".x:after{content:attr(data-y)}", "puts words beside it"),
    "struck out": (".x{text-decoration:line-through}", "struck out"),
    "turned around": (".x{unicode-bidi:bidi-override;direction:rtl}", "another direction"),
    "moved": (".x{order:3}", "another place"),
    "upside down": (".x{display:flex;flex-direction:column-reverse}", "reverse order"),
    "cut off": (".x{max-height:20px;overflow:hidden}", "cuts off"),
    "cut off after lines": (".x{-webkit-line-clamp:2}", "line-clamp"),
}


@pytest.mark.parametrize("way", DOUBTFUL)
def test_what_a_style_sheet_may_do_is_noted(way: str) -> None:
    sheet, note = DOUBTFUL[way]
    answer = held(
        article(*paragraphs(_2='<div class="x">{}</div>'), head=f"<style>{sheet}</style>")
    )
    assert (answer.scope, answer.holds) == ("headline-only", True)
    assert len(answer.notes) == 1
    assert note in answer.notes[0]
    assert answer.notes[0].startswith("1 paragraph of the story: ")


@pytest.mark.parametrize("tag", ["s", "del", "strike", "bdo dir=rtl"])
def test_letters_struck_out_or_turned_around_are_noted(tag: str) -> None:
    close = tag.split(maxsplit=1)[0]
    shown = article(*paragraphs()).replace("above 12 tonnes", f"<{tag}>above 12 tonnes</{close}>")
    assert f"<{close}>" in held(shown).notes[0]


def test_a_page_that_hides_all_of_itself_until_a_script_runs_is_read() -> None:
    shown = article(*paragraphs()).replace("<body>", '<body style="visibility:hidden">')
    answer = held(shown)
    assert (answer.scope, answer.holds) == ("headline-only", True)
    assert "hides all of itself (visibility: hidden)" in answer.notes[0]
    for opaque in ("opacity:0", "display:none"):
        shown = article(*paragraphs(), head=f"<style>html,body{{{opaque}}}</style>")
        assert held(shown).scope == "headline-only", "nobody sees another story in such a page"


def test_a_page_that_hides_all_of_itself_but_another_story_prints_the_other() -> None:
    edited = "".join(paragraphs()).replace("March", "April")
    shown = article(*paragraphs(), after=f'<div style="visibility:visible">{edited}</div>').replace(
        "<body>", '<body style="visibility:hidden">'
    )
    assert held(shown).scope == "edited"


def rest(control: str, hidden: str, since: int = 3) -> str:
    shown = paragraphs()
    whole = f"{''.join(shown[since:])}<p><i>{CLAIM}</i></p>"
    return article(*shown[:since], control.replace("{}", hidden.replace("{}", whole))).replace(
        f"<p><i>{CLAIM}</i></p></div></body>", "</div></body>"
    )


OPENED = {
    "button after": '{}<button onclick="more()">Read more</button>',
    "link before": '<a href="#" class="rm">Continue reading ▾</a>{}',
    "words in a span": '<div class="ad"></div><span>Read Full Story</span>{}',
    "hindi": "{}<div>और पढ़ें</div>",
    "urdu": "{}<div>مزید پڑھیں</div>",
    "an advert between": '{}<div class="ad">Advertisement</div><button>Show more</button>',
}


@pytest.mark.parametrize("control", OPENED)
@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">{}</div>',
        "<div hidden>{}</div>",
        '<div style="max-height:0;overflow:hidden">{}</div>',
    ],
)
def test_the_rest_of_a_story_behind_read_more_is_printed_and_noted(
    control: str, hidden: str
) -> None:
    answer = held(rest(OPENED[control], hidden))
    assert (answer.scope, answer.holds) == ("headline-only", True)
    assert [claim.standing for claim in answer.claims] == ["agrees"]
    assert answer.notes[0].startswith("4 paragraphs at the end of the story wait behind")


def test_the_rest_of_a_story_in_details_is_printed_and_noted() -> None:
    answer = held(rest("<details><summary>Read more</summary>{}</details>", "{}"))
    assert (answer.scope, answer.holds) == ("headline-only", True)


NOT_OPENED = {
    "no words": ("{}<button>Share</button>", '<div style="display:none">{}</div>'),
    "words that are hidden too": (
        "{}<button hidden>Read more</button>",
        '<div style="display:none">{}</div>',
    ),
    "hidden for good": ("{}<button>Read more</button>", '<div style="opacity:0">{}</div>'),
    "somewhere else": (
        "{}<button>Share</button><button>Print</button><button>Follow</button><p>Read more</p>",
        '<div style="display:none">{}</div>',
    ),
}


@pytest.mark.parametrize("way", NOT_OPENED)
def test_what_nothing_offers_to_open_is_not_printed(way: str) -> None:
    control, hidden = NOT_OPENED[way]
    answer = held(rest(control, hidden))
    assert (answer.scope, answer.holds) == ("excerpt", False)


def test_a_paragraph_in_the_middle_is_not_the_rest_of_a_story() -> None:
    wrapped = "<button>Read more</button><div hidden>{}</div>"
    answer = held(article(*paragraphs(_2=wrapped)))
    assert (answer.scope, texts(answer)) == ("excerpt", [("removed", MIDDLE)])
    assert answer.story is not None
    assert [text for text, _ in answer.story.unseen] == [MIDDLE]


def test_what_is_added_behind_read_more_counts() -> None:
    for box in (f"<p>{OPINION}</p>", f'<div class="related"><p>{OPINION * 5}</p></div>'):
        shown = rest("{}<button>Read more</button>", '<div style="display:none">{}</div>')
        last = f"<p>{BRIDGE.paragraphs[4].replace('&', '&amp;')}</p>"
        answer = held(shown.replace(last, last + box))
        assert not answer.holds
        assert {kind for kind, _ in texts(answer)} == {"added"}


@pytest.mark.slow
def test_hidden_parts_that_each_can_be_opened_are_answered_in_time() -> None:
    part = "<button>Read more</button><div hidden>{}</div>"
    many = [part.replace("{}", one) + one for one in paragraphs()] * 300
    began = time.process_time()
    assert held(article(*paragraphs(), *many)).story is not None
    assert time.process_time() - began < 60


def test_all_of_a_story_is_not_the_rest_of_it() -> None:
    whole = f"<button>Read more</button><div hidden>{''.join(paragraphs())}</div>"
    assert held(article(whole)).story is None


ASIDE = {
    "a pointer": '<div class="related"><p>Also read: <a href="/t">Tunnel to close</a></p></div>',
    "an advert's place": '<div class="ad-slot"><span>Advertisement</span></div>',
    "a share bar": '<div class="share"><button>Share</button><a href="#">Tweet</a></div>',
    "a lazy picture": '<img data-src="b.jpg"><noscript><img src="b.jpg"></noscript>',
    "a caption": "<figure><figcaption>Trams cross the bridge on Sunday (PTI)</figcaption></figure>",
    "a letter": f'<div class="newsletter"><p>{OPINION.replace("mayor", "letter")}</p></div>',
    "a hidden box": f'<div class="related" style="display:none"><p>{OPINION * 20}</p></div>',
    "a closed dialog": "<dialog><p>Sign in to go on reading.</p><button>Sign in</button></dialog>",
    "ten adverts' places": '<div class="ad">Advertisement</div>' * 10,
}


@pytest.mark.parametrize("way", ASIDE)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_honest_pages_go_on_passing(layout: Layout, way: str) -> None:
    for story in COPIES.values():
        shown = layout(replace(story, claim=CLAIM))
        first = escaped(story.paragraphs[1])
        if layout.__name__ == "tables":  # a box between the lines of a table's cell
            shown = shown.replace(f"{first}<br><br>", f"{first}<br><br>{ASIDE[way]}")
        else:
            shown = shown.replace(f"{first}</p>", f"{first}</p>{ASIDE[way]}")
        assert ASIDE[way] in shown or layout.__name__ == "bare"
        answer = held(shown, story)
        assert (answer.scope, answer.holds, texts(answer)) == ("verbatim", True, [])


ADDED = {
    "prose in a pointer's place": f'<div class="related"><p>{OPINION}</p></div>',
    "prose in an advert's place": f'<div class="ad"><p>{OPINION}</p></div>',
    "prose in a list of tags": f'<div class="tags"><p>{OPINION}</p></div>',
    "a long box": f"<aside><p>{OPINION * 4}</p></aside>",
    "many captions": f"<figure><figcaption>{OPINION}</figcaption></figure>" * 6,
    "many short lines": '<div class="related"><p>Critics call it a trap.</p></div>' * 20,
    "many links": f'<div class="related"><a href="/x">{OPINION}</a></div>' * 20,
    "many letters": f'<div class="newsletter"><p>{OPINION}</p></div>' * 6,
}


@pytest.mark.parametrize("way", ADDED)
@pytest.mark.parametrize("where", range(1, 8))
def test_what_is_put_between_the_paragraphs_is_bounded(way: str, where: int) -> None:
    shown = paragraphs()
    answer = held(article(*shown[:where], ADDED[way], *shown[where:]))
    assert (answer.scope, answer.holds) in (("edited", False), ("with-inputs", False))
    assert all(kind == "added" for kind, _ in texts(answer))


def test_the_bound_grows_with_the_story_and_no_further() -> None:
    long = replace(
        BRIDGE,
        paragraphs=tuple(
            f"Paragraph {n} of the council's report names {n * 7} bolts, {n * 3} rivets and as many"
            f" cables of the bridge's pier number {n}, none of which had been seen to for years."
            for n in range(40)
        ),
    )
    text = [f"<p>{one}</p>" for one in long.paragraphs]
    caption = f"<figure><figcaption>{OPINION}</figcaption></figure>"  # 18 words
    for count, holds in ((6, True), (7, False)):
        mixed = [one + caption * (n < count) for n, one in enumerate(text)]
        answer = held(article(*mixed), long)
        assert answer.holds is holds
        start = "more stands between the paragraphs than may be set aside; 1 of the blocks count"
        assert any(note.startswith(start) for note in answer.notes) is not holds


@pytest.mark.parametrize("box", ["<blockquote>{}</blockquote>", "<section>{}</section>"])
def test_what_stands_before_the_story_is_bounded_too(box: str) -> None:
    prose = "".join(f"<p>{OPINION} Number {n}.</p>" for n in range(6))
    answer = held(article(box.replace("{}", prose), *paragraphs()))
    assert not answer.holds
    answer = held(article(*paragraphs(), box.replace("{}", prose)))
    assert not answer.holds


def test_words_outside_the_story_before_its_claim_leave_the_claim_unchecked() -> None:
    other = "".join(f"<div><h2>Opinion</h2><p>{OPINION} Number {n}.</p></div>" for n in range(9))
    claim = f"<p><i>{CLAIM}</i></p>"
    apart = article(*paragraphs()).replace(f"{claim}</div>", f"</div>{other}<div>{claim}</div>")
    answer = held(apart)
    assert [claim.standing for claim in answer.claims] == ["unchecked"]
    assert not answer.holds


def test_a_story_in_the_data_alone_is_not_printed() -> None:
    data = "\\n\\n".join(text.replace('"', "") for text in BRIDGE.paragraphs)
    script = f'<script type="application/ld+json">{{"articleBody": "{data}"}}</script>'
    answer = held(article(f"<p>{OPINION}</p>", head=script))
    assert (answer.scope, answer.shown, answer.holds) == ("headline-only", False, False)


def test_other_order_is_found_and_other_paragraphs_are_form() -> None:
    shown = paragraphs()
    assert held(article(*shown[:2], shown[4], shown[2], shown[3], *shown[5:])).scope == "edited"
    one = article(*shown).replace("to traffic on Sunday", "to traffic</p><p>on Sunday")
    assert held(one).scope == "house-style"
    together = article(*shown).replace("until March.</p><p>Nobody", "until March. Nobody")
    assert held(together).scope == "house-style"


@pytest.mark.slow
def test_a_page_of_very_many_rules_is_answered() -> None:
    rules = "".join(f".c{n} .x .y .z p.x{n % 7}{{display:none}}" for n in range(15_000))
    shown = broadsheet(CLAIMED).replace("</head>", f"<style>{rules}</style></head>")
    assert held(shown).holds
    deep = "<div class=x>" * 50 + "<p class=x1>x</p>" * 2_000
    notes = held(shown.replace("<footer>", f"{deep}<footer>")).notes
    assert "too long to tell" in notes[0]


@pytest.mark.slow
def test_unsound_style_sheets_are_read_to_their_end() -> None:
    both = ("&" * 4_000 + "{") * 5 + ("a," * 2_000 + "{") * 5 + "display:none" + "}" * 10
    for text in (
        "{" * 50_000,
        "}" * 50_000,
        "a{" * 50_000,
        "@media{" * 50_000,
        "/*" * 50_000,
        both,
    ):
        assert not sheets_of(text).tired
    assert sheets_of(".a{display:none}" * 20_001).tired
    assert sheets_of(f".a{{width:{'(' * 50_000}}}").tired


def sheets_of(text: str) -> Sheets:
    return Sheets(LexborHTMLParser(f"<style>{text}</style>"))
