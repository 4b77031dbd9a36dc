"""The sentences under agency copy: which are known, where they are found, what they claim."""

import time

import pytest

from desk.article.wordings import compiled, known, printed, standing
from stories.labels import LABELS
from wirecopy.scope import SCOPES, Scope

FROM_FEED = "published from a wire agency feed without modifications to the text"
SENTENCES = {
    "Except for the headline, this story has not been edited by NDTV staff and is published from a"
    " syndicated feed.": "except-the-headline",
    "Barring the headline, this report was not edited by our desk.": "except-the-headline",
    "Only the headline and picture of this report may have been reworked by the Business Standard"
    " staff; the rest of the content is auto-generated from a syndicated feed.": (
        "headline-and-picture"
    ),
    f"This story has been {FROM_FEED}. Only the headline has been changed.": (
        "text-not-modified-headline-changed"
    ),
    f"This story has been {FROM_FEED}.": "text-not-modified",
    "This report is auto-generated from PTI news service. ThePrint holds no responsibility for its"
    " content.": "auto-generated",
    "This is an unedited and auto-generated story from Syndicated News feed, LatestLY Staff may not"
    " have modified or edited the content body": "unedited-and-auto-generated",
    "With inputs from PTI": "with-inputs",
    "With agency inputs": "with-inputs",
    "हेडलाइन के अलावा, इस खबर को एनडीटीवी टीम ने संपादित नहीं किया है, यह सिंडीकेट फीड से प्रकाशित"
    " की गई है।": "except-the-headline-hi",
    "इनपुट: भाषा": "with-inputs-hi",
    "एजेंसी इनपुट के साथ": "with-inputs-hi",
    "سرخی کے علاوہ، اس خبر میں ادارے کے عملے نے کوئی ترمیم نہیں کی ہے۔": "except-the-headline-ur",
    "پی ٹی آئی کے ان پٹ کے ساتھ": "with-inputs-ur",
}


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize(
    "frame", ["{}", "({})", "[{}]", "  — {}", "*{}*", "Disclaimer: {}", "(Note: {})", "“{}”"]
)
def test_a_sentence_is_known_however_it_is_set(sentence: str, frame: str) -> None:
    text = frame.format(sentence)
    found = printed(text)
    assert found is not None
    assert (found.wording.id, found.start, found.end) == (SENTENCES[sentence], 0, len(text))


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_found_at_either_end(sentence: str) -> None:
    body = "The bridge reopened on Sunday, the ministry said. Residents cheered as trams crossed."
    for text, part in (
        (f"{body} ({sentence})", slice(len(body), None)),
        (f"({sentence}) {body} {body}", slice(0, len(sentence) + 3)),
    ):
        found = printed(text)
        assert found is not None
        assert found.wording.id == SENTENCES[sentence]
        assert text[found.start : found.end].strip() == text[part].strip()
        assert not found.within


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The minister complained that this story has not been edited by anybody who knew it.",
        "He spoke with inputs from three of his aides, who all left before the vote was taken.",
        "Except for the headline writers, everybody at the paper went home early that night.",
        "The report is auto-generated, said the clerk, who blamed the new machine for its errors.",
    ],
)
def test_other_sentences_are_no_claims(text: str) -> None:
    assert printed(text) is None


@pytest.mark.parametrize("scope", [s for s in LABELS if LABELS[s].disclosure])
def test_our_own_sentences_are_known_and_claim_their_scope(scope: Scope) -> None:
    parts = {"headline-only": "the headline", "headline-media": "pictures"}.get(scope, "links")
    line = LABELS[scope].disclosure.replace("{parts}", parts)
    found = printed(line.replace("{staff}", "The St. Mary's Gazette staff"))
    assert found is not None
    assert found.wording.scopes[-1] == scope
    assert standing(found.wording, scope) == "agrees"


def test_every_wording_names_scopes_and_has_its_own_name() -> None:
    assert len({wording.id for wording in known()}) == len(known())
    for wording in known():
        assert wording.patterns
        assert wording.scopes
        assert set(wording.scopes) <= set(SCOPES)


TABLE = {
    # wording: what it is to verbatim, headline-only, headline-media, packaging, house-style,
    # excerpt, with-inputs, edited
    "except-the-headline": "aa mmmmmm",
    "headline-and-picture": "aaa mmmmm",
    "text-not-modified": "aaaa mmmm",
    "not-edited": "a mmmmmmm",
    "with-inputs": "llllll aa",
}


@pytest.mark.parametrize("name", TABLE)
def test_how_a_claim_stands_to_what_is_measured(name: str) -> None:
    wording = next(w for w in known() if w.id == name)
    got = [standing(wording, scope) for scope in SCOPES[:-1]]
    letters = {"a": "agrees", "m": "claims-more", "l": "claims-less"}
    assert got == [letters[c] for c in TABLE[name].replace(" ", "")]
    assert standing(wording, "unknown") == "unchecked"


def test_auto_generated_copy_has_the_agencys_headline() -> None:
    wording = next(w for w in known() if w.id == "auto-generated")
    assert standing(wording, "packaging", ("links",)) == "agrees"
    assert standing(wording, "packaging", ("headline", "links")) == "claims-more"
    assert standing(wording, "headline-only", ("headline",)) == "claims-more"


@pytest.mark.parametrize("line", ["a (b", "a b)", "a [b)", "a {who} b"])
def test_a_line_that_is_no_pattern_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"mend its brackets|no such hole"):
        compiled(line)


@pytest.mark.parametrize(
    "text",
    [
        "This story has not been edited by " * 20_000,
        "With inputs from " * 20_000,
        "(" * 200_000,
        "a " * 400_000,
        "Except for the headline, this story has not been edited by " + "a " * 100_000,
        "इस खबर को " * 50_000,
        " " * 300_000 + "x",
    ],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    printed(text)
    assert time.process_time() - began < 2
