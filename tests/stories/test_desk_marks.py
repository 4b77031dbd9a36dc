"""Desk marks: shapes of agencies' copy (all invented) that are marks, and those that look so."""

import re
from html import escape
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.demo.writing import stories
from publish.clean import clean
from publish.render import render
from publish.rerender import settings_digest
from stories.config import Config
from stories.desk_marks import Rule, desk_marks, headline_mark, trimmed
from tests.publish.samples import config, story, version
from wirecopy.text import plain, projection

RULES: tuple[Rule, ...] = get_args(Rule)
TEXT = "The river rose by two metres on Monday, officials said."

ABOVE: dict[str, Rule] = {
    "(Eds: Adds details in para 4)": "editors_notes",
    "Eds: UPDATES: With quotes from (both) sides. ADDS photos.": "editors_notes",
    "[Eds: recasts]": "editors_notes",
    "Note to editors: pictures follow": "editors_notes",
    "ATTENTION - UPDATES toll, adds quotes ///": "editors_notes",
    "(संपादकों के लिए नोट: तीसरे पैरा में विवरण जोड़ा गया)": "editors_notes",
    "(Adds quotes, background)": "editors_notes",
    "(Updates with comment from ministry, shares)": "editors_notes",
    "1st Ld-Writethru": "take_numbers",
    "(2nd Lead)": "take_numbers",
    "Take 2": "take_numbers",
    "BC-US--Election-Poll, 1st Ld-Writethru, 500": "sluglines",
    "^AM-India-Floods,320<": "sluglines",
    "INDIA-FLOODS/ (UPDATE 2, PIX)": "sluglines",
    "US-INDIA-TRADE/": "sluglines",
    "DEL12 NATION-FLOODS": "sluglines",
    "Slug: floods toll": "sluglines",
}
BELOW: dict[str, Rule] = {
    "PTI ABC XY XY": "sign_offs",
    "PTI CORR AB": "sign_offs",
    "UNI ABC RKM 2030": "sign_offs",
    "--IANS ab/cd": "sign_offs",
    "bur-abc/de/fg": "sign_offs",
    "भाषा अमित रंजन": "sign_offs",
    "वार्ता राकेश १९३०": "sign_offs",
    "MORE": "take_numbers",
    "(more)": "take_numbers",
    "(contd...)": "take_numbers",
    "(जारी)": "take_numbers",
    "-30-": "end_marks",
    "###": "end_marks",
    "ENDS": "end_marks",
    "-ends-": "end_marks",
    "समाप्त": "end_marks",
    "(Eds: This completes the story.)": "editors_notes",
}
NONE = (
    "Editor's note: An earlier version misspelt the minister's name.",
    "Editors note: the author is a former judge.",
    "(Eds: corrects the name in para 2)",
    "Eds: A. Sharma and B. Rao, Lotus University Press, 480 pp",
    "(Eds: adds quotes) the minister laughed (twice)",
    "(Corrects spelling of Khadakwasla)",
    "(Adds up to three crores, he said. So it was told.)",
    "संपादक: राम शर्मा",
    "Eds",
    "PM-KISAN instalment reaches farmers",
    "PM-Kisan-linked accounts to get money",
    "MIG21 CRASH",
    "Take two tablets",
    "Second Lead Bank of the district",
    "Lead",
    "More",
    "The end",
    "Ends in a draw",
    "(ANI)",
    "--IANS",
    "PTI",
    "PTI reported the same",
    "PTI MUMBAI BUREAU",
    "UNITED ABC XY",
    "and/or",
    "30",
    "भाषा विवाद पर सरकार का जवाब आया",
    "भाषा",
    "समाप्त हुआ आंदोलन",
    "Officials said PTI ABC XY",
    "Eds: " + "word " * 200,
)


@pytest.mark.parametrize(("mark", "rule"), ABOVE.items())
def test_marks_above(mark: str, rule: Rule) -> None:
    assert [(m.place, m.rule, m.text) for m in desk_marks([mark, TEXT, TEXT])] == [(0, rule, mark)]
    if rule != "editors_notes":
        assert desk_marks([TEXT, mark, TEXT]) == []


@pytest.mark.parametrize(("mark", "rule"), BELOW.items())
def test_marks_below(mark: str, rule: Rule) -> None:
    assert [(m.place, m.rule) for m in desk_marks([TEXT, TEXT, mark])] == [(2, rule)]
    if rule != "editors_notes":
        assert desk_marks([TEXT, mark, TEXT]) == []


@pytest.mark.parametrize("said", NONE)
def test_what_only_looks_like_one(said: str) -> None:
    assert desk_marks([said, TEXT, said]) == []


WITHIN: dict[str, list[tuple[Rule, str]]] = {
    "(Eds: Adds quotes) The river rose, officials said.": [("editors_notes", "(Eds: Adds quotes)")],
    "Rain fell, he said. (Eds: Recasts para 2)": [("editors_notes", "(Eds: Recasts para 2)")],
    "The river rose. Rain fell, he said. PTI ABC XY": [("sign_offs", "PTI ABC XY")],
    "“Rain fell,” he said, “and more.” PTI CORR AB": [("sign_offs", "PTI CORR AB")],
    "Rain fell. --IANS ab/cd": [("sign_offs", "--IANS ab/cd")],
    "बारिश हुई। (जारी)": [("take_numbers", "(जारी)")],
    "Rain fell. (contd...)": [("take_numbers", "(contd...)")],
    "Rain fell. MORE": [("take_numbers", "MORE")],
    "Rain fell! -30-": [("end_marks", "-30-")],
    "Rain fell. PTI AB ###": [],
    "(Eds: adds quotes.) PTI AB": [("editors_notes", "(Eds: adds quotes.)")],
    "(Eds: adds x) Rain fell. (Eds: recasts) MORE": [("editors_notes", "(Eds: adds x)")],
    "(Eds: adds x) Rain fell. -30- PTI AB": [("editors_notes", "(Eds: adds x)")],
}
NOT_WITHIN = (
    "It is in “Rivers of the North”. (Eds: A. Sharma and B. Rao)",
    "(Eds: A. Sharma and B. Rao) Rivers of the North, 480 pages.",
    "(Eds: corrects the name) The minister laughed.",
    "The toll rose, said a paper (Eds: adds quotes) of the day.",
    "They asked for MORE",
    "THE MINISTER LEFT. PTI NEWS",
    "He is with PTI ABC XY",
    "He spoke to the PTI.",
    "Nobody came. PTI reported it first",
    "It rained. More",
    "It rained. (More rain fell)",
    "It rained. Ends",
    "It was 30. 30",
    "It is known as No. 1. UNI",
    "He said so. UNICEF ABC",
    "All is said. he/she",
)


@pytest.mark.parametrize(("said", "found"), WITHIN.items())
def test_marks_within_a_paragraph(said: str, found: list[tuple[Rule, str]]) -> None:
    assert [(m.rule, m.text) for m in desk_marks([TEXT, said])] == found
    behind = [one for one in found if one[0] != "editors_notes"]
    if behind:
        assert not {m.rule for m in desk_marks([said, TEXT])} & {rule for rule, _ in behind}


@pytest.mark.parametrize("said", NOT_WITHIN)
def test_what_only_looks_like_one_within(said: str) -> None:
    assert desk_marks([said, TEXT, said]) == []


@pytest.mark.parametrize(
    ("headline", "mark"),
    [
        ("(LEAD) River rises", "(LEAD)"),
        ("(2nd LD) River rises", "(2nd LD)"),
        ("UPDATE 2-River rises", "UPDATE 2"),
        ("2nd Ld: River rises", "2nd Ld"),
        ("India-Floods, 3rd Ld-Writethru", "3rd Ld-Writethru"),
        ("River rises (2nd Lead)", "(2nd Lead)"),
        ("Hamilton Takes 2nd Lead", None),
        ("Lead Found in 2nd Well", None),
        ("(Lead) poisoning on the rise", None),
        ("India-Pakistan 2", None),
        ("Update 2 of the app is out", None),
        ("(2nd LD)", None),
    ],
)
def test_take_numbers_of_headlines(headline: str, mark: str | None) -> None:
    assert headline_mark(headline) == mark


PROSE = st.lists(
    st.sampled_from(
        [
            "The",
            "man",
            "fell.",
            "asked!",
            "so,”",
            "U.S.",
            "PTI",
            "UNI",
            "ABC",
            "MORE",
            "(Eds:",
            "adds)",
            "A.",
        ]
    ),
    min_size=1,
    max_size=25,
).map(" ".join)


@given(st.lists(PROSE, min_size=1, max_size=4))
def test_nothing_but_marks_is_left_out(paragraphs: list[str]) -> None:
    """What is cut are the words that are shown as marks, and every other stays in its order."""
    html = "".join(f"<p>{escape(one, quote=False)}</p>" for one in paragraphs)
    words = " ".join(paragraphs).split()
    left = projection(trimmed(html, RULES)).split()
    cut = [word for mark in desk_marks([*paragraphs]) for word in mark.text.split()]
    assert len(words) - len(left) <= len(cut)
    rest = iter(words)
    assert all(word in rest for word in left), "in their order"
    for mark in desk_marks([*paragraphs]):
        assert mark.text in paragraphs[mark.place]
        assert not mark.text.endswith((".", "?", "!"))


def test_prose_has_none() -> None:
    """Of the demo's copy, in four languages, and of our own documentation each paragraph by itself,
    so that each is the last."""
    docs = (
        file.read_text(encoding="utf-8")
        for file in (Path(__file__).parents[2] / "docs").glob("*.md")
    )
    prose = [plain(part) for text in docs for part in text.split("\n\n")]
    bodies = "\n".join(story.body for story in stories())
    prose += [plain(projection(part)) for part in re.split("</?p>", bodies)]
    said = [one for one in prose if len(one) > 40]
    assert len(said) > 500
    assert [one for one in said if desk_marks([one, TEXT, one])] == []


def test_marks_stand_on_each_other() -> None:
    said = ["DEL12 NATION-FLOODS", "(Eds: x)", "2nd Ld", TEXT, "PTI AB CD", "(Eds: y)", "MORE"]
    assert [m.place for m in desk_marks(said)] == [0, 1, 2, 4, 5, 6]
    assert desk_marks(["(Eds: kill this)", "MORE"]) == []  # nothing else is said
    assert desk_marks([]) == []


@pytest.mark.parametrize(
    "hostile",
    ["BC-A-A" + ", a" * 30 + "!", "BC-A-" + "A-" * 45 + "!", "PTI" + " AB" * 30 + "!", "ab/" * 33],
)
def test_no_words_take_more_than_a_look(hostile: str) -> None:
    """One way to read each is left: with two for each comma it took hours, and the test's time."""
    assert desk_marks([hostile, TEXT, hostile]) == []


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>(Eds: x)</p><p>A b.</p>", "<p>A b.</p>"),
        ('<p dir="ltr"><b>Eds:</b> <i>x &amp; y</i></p><p>A b.</p>', "<p>A b.</p>"),
        ("<div>A b.<br><br>PTI AB CD</div>", "<div>A b.<br></div>"),
        ("1st Ld<br>A b.<br>MORE", "A b."),
        ("<p>A b.</p><p><b>C<br>ENDS</b></p>", "<p>A b.</p><p><b>C<br></b></p>"),
        ("<p>A b.</p><ul><li>PTI AB CD</li></ul>", None),
        ("<p>A b.</p><table><tbody><tr><td><p>ENDS</p></td></tr></tbody></table>", None),
        ("<p>A b.</p><blockquote>(Eds: x)</blockquote>", None),
        ('<p>A b.</p><p>(Eds: <a href="https://a.example/">x</a>)</p>', None),
        ('<p>A b.</p><p>ENDS<img src="https://a.example/i.jpg"></p>', None),
        ("<p>(Eds: x)</p>", None),
        ("<p>A b. PTI AB CD</p>", "<p>A b.</p>"),
        ("<p>A b. <i>PTI AB CD</i></p>", "<p>A b. </p>"),
        ("<p>A b. PTI <b>AB</b></p>", None),
        ("<p>A b.</p><ul><li>C d. PTI AB CD</li></ul>", None),
        (
            "<p>(Eds: adds &lt;x&gt;) A <a href='https://a.example/'>b</a>.</p>".replace("'", '"'),
            '<p>A <a href="https://a.example/">b</a>.</p>',
        ),
        (
            "<p><b>(Eds: adds x)</b> A b.</p><p>C d. (Eds: repeats)</p>",
            "<p> A b.</p><p>C d.</p>",
        ),
    ],
)
def test_what_is_left_of_markup(html: str, left: str | None) -> None:
    assert trimmed(html, RULES) == (html if left is None else left)
    assert trimmed(html, ()) == html


SAID = st.sampled_from([TEXT, *ABOVE, *BELOW, *NONE])
TAGS = st.sampled_from(
    ["<p>{}</p>", "<b>{}<br></b>", "<div><p>{}</p>", "{}<br>", "<li>{}</li>", "<i>{}"]
)


@given(st.lists(st.tuples(TAGS, SAID), max_size=6))
def test_it_stays_what_cleaning_gives(pieces: list[tuple[str, str]]) -> None:
    html = clean("".join(tag.format(said) for tag, said in pieces), None)
    left = trimmed(html, RULES)
    assert clean(left, None) == left
    assert trimmed(html, ()) == html


def with_trim(*rules: Rule) -> Config:
    wire = config().wires[0]
    return config(wires=(wire.model_copy(update={"trim": rules}),))


@pytest.mark.parametrize(
    ("sign_off", "scope"),
    [("</p><p>PTI ABC XY XY", "excerpt"), (" PTI ABC XY XY", "edited")],
)
def test_a_mark_goes_out_until_a_rule_is_named_and_the_scope_says_so(
    sign_off: str, scope: str
) -> None:
    left = f"<p>(Eds: Adds quotes)</p><p>{TEXT}</p>"
    body = left.replace(TEXT, TEXT + sign_off)
    of = story(version(body=body))
    whole, cut = render(of, config()), render(of, with_trim("sign_offs"))
    assert whole.measurement.scope == "verbatim"
    assert whole.entry.body == body
    assert cut.measurement.scope == scope
    assert cut.measurement.received == whole.measurement.received == of.received
    assert cut.entry.body == left
    assert all(b"PTI ABC XY" not in each for each in (cut.rss, cut.atom, cut.json))
    assert render(story(version(body=f"<p>{TEXT}</p>")), with_trim(*RULES)).measurement.scope == (
        "verbatim"
    )


def test_the_settings_digest_knows_the_rules() -> None:
    digests = [settings_digest(with_trim(*rules)) for rules in ((), ("sign_offs",), RULES)]
    assert len({*digests}) == 3
    assert digests[0] == settings_digest(config())
