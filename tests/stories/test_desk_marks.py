"""Desk marks: shapes of agencies' copy (all invented) that are marks, and those that look so."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.clean import clean
from publish.render import render
from publish.rerender import settings_digest
from stories.config import Config
from stories.desk_marks import Rule, desk_marks, trimmed
from tests.publish.samples import config, story, version

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
    "(Eds: adds quotes) The minister laughed (twice)",
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
        ("<p>A b. PTI AB CD</p>", None),
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


BODY = f"<p>(Eds: Adds quotes)</p><p>{TEXT}</p><p>PTI ABC XY XY</p>"


def test_a_mark_goes_out_until_a_rule_is_named_and_the_scope_says_so() -> None:
    of = story(version(body=BODY))
    whole, cut = render(of, config()), render(of, with_trim("sign_offs"))
    assert whole.measurement.scope == "verbatim"
    assert whole.entry.body == BODY
    assert cut.measurement.scope == "excerpt"
    assert cut.measurement.received == whole.measurement.received == of.received
    assert cut.entry.body == BODY.replace("<p>PTI ABC XY XY</p>", "")
    assert all(b"PTI ABC XY" not in each for each in (cut.rss, cut.atom, cut.json))
    assert render(story(version(body=f"<p>{TEXT}</p>")), with_trim(*RULES)).measurement.scope == (
        "verbatim"
    )


def test_the_settings_digest_knows_the_rules() -> None:
    digests = [settings_digest(with_trim(*rules)) for rules in ((), ("sign_offs",), RULES)]
    assert len({*digests}) == 3
    assert digests[0] == settings_digest(config())
