"""Every format that news agencies deliver in: a story written in it is read back whole, with all
that the agency says of it; nothing is read twice as news; what is malformed is named."""

import importlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.demo.news_json import ap, as_json, ninjs_3
from desk.demo.news_lines import anpa_1312, iptc_7901
from desk.demo.news_xml import NAR, g2_item, g2_message, newsml_1, nitf
from ingest import formats, integrity, life
from ingest.decide import Known
from ingest.item import Channel, Contents, Hints, Item, Parsed
from ingest.normalize import content_digest, normalize
from ingest.parse import parse as parse_capture
from stories.config import Wire
from stories.errors import ParseError
from stories.models import Capture, Version
from tests.ingest import newswires
from tests.ingest.newswires import LINES, WRITERS, Block, Story, letters
from wirecopy.text import projection, spoken

HINTS = Hints(url="https://wire.example/feed")
WIRE = Wire(name="wire", url=HINTS.url, timezone="Asia/Kolkata")
AT = datetime(2026, 11, 23, tzinfo=UTC)
ALL = {**WRITERS, **LINES}
RAIN = Story(
    "Rain & wind < storm",
    [
        Block("p", [[[("", "Before"), ("em", "the <storm>"), ("", "after & later")]]]),
        Block("table", [[[("", f"cell {r}{c}")] for c in range(3)] for r in range(3)]),
        Block("ul", [[[("", "One")]], [[("a", "Two & three")]]]),
        Block("p", [[[("", "The end of it")]]]),
    ],
    captions=["A flooded street"],
)
every = pytest.mark.parametrize("name", ALL)


def parse(body: bytes) -> Parsed:
    return formats.choose(body, HINTS).parse(body, HINTS)


def read(body: bytes) -> Contents:
    return parse_capture(body, HINTS, WIRE)


def only(body: bytes) -> Item:
    (item,) = parse(body).items
    return item


def version_of(body: bytes) -> Version:
    contents = read(body)
    assert not contents.refused, contents.refused
    (found,) = contents.found
    assert found.received is not None, contents.notes
    return found.version


def states(contents: Contents) -> list[str]:
    return [one.state for one in judged(contents).refused]


def judged(contents: Contents) -> Contents:
    """What is left of *contents* where none of its stories is known."""
    capture = Capture(1, "w", AT, "", [], "", 0, "pending", "", 0, 0, 0, [])
    found = life.judged(contents, Known(keys={}, stories={}), {}, capture)
    assert (found.acts, found.newborn) == ({}, {}), "a kill of what is not known kills nothing"
    return found.contents


@every
def test_all_that_an_agency_says_has_its_place(name: str) -> None:
    version = version_of(ALL[name](RAIN))
    assert version.headline == RAIN.headline
    assert letters(projection(version.body)) == letters(RAIN.words)
    assert version.byline == "Asha Rao"
    assert version.urgency == 4
    assert version.signals is not None
    assert version.signals.slugline is not None
    assert version.signals.slugline.startswith("INDIA-RAIN")
    assert version.published == datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
    assert version.signals.status == "usable"
    if name in WRITERS:
        assert version.agency_id == RAIN.guid
        assert version.agency_version == "3"
        assert version.dateline == "MUMBAI"
        assert version.categories[0].label.lower().startswith("econom")
        assert version.categories[0].code == "04000000" or name in ("nitf", "newsml 1")
        assert version.signals.usage_terms == "Not for resale"
        assert version.language == ("en" if name != "nitf" else None)
    if name not in ("newsml 1", *(n for n in LINES if n.startswith("iptc"))):
        assert (version.signals.ed_note or "").endswith("Adds quotes")
    if name in WRITERS:
        (medium,) = version.media
        assert medium.url == "https://agency.example/0.jpg"
        assert (medium.caption, medium.medium, medium.width) == ("A flooded street", "image", 800)


@every
def test_markup_and_its_order_survive(name: str) -> None:
    body = version_of(ALL[name](RAIN)).body
    if name in WRITERS:
        assert "<em>the &lt;storm&gt;</em> after &amp; later" in body
        assert "<li>One</li>" in body
        assert 'href="https://agency.example/?a=1&amp;b=2"' in body
        assert body.count("<td") == 9
    else:
        assert "<pre>cell 00     cell 01     cell 02\ncell 10" in body
        assert "<p>Before the &lt;storm&gt; after &amp; later</p>" in body


@pytest.mark.parametrize("name", WRITERS)
@given(newswires.stories())
@settings(max_examples=12, deadline=None)
def test_no_word_of_any_story_is_lost(name: str, story: Story) -> None:
    version = version_of(WRITERS[name](story))
    assert letters(version.headline) == letters(story.headline)
    assert letters(projection(version.body)) == letters(story.words)
    # What looks like a tag in a caption may be one: agencies send both.
    assert {letters(m.caption or "") for m in version.media} <= {
        letters(said) for caption in story.captions for said in (caption, spoken(caption))
    }


@pytest.mark.parametrize("name", LINES)
@given(st.data())
@settings(max_examples=12, deadline=None)
def test_no_word_of_any_story_in_lines_is_lost(name: str, data: st.DataObject) -> None:
    words = newswires.WORDS if "utf-8" in name else newswires.LATIN
    story = data.draw(newswires.stories(words))
    version = version_of(LINES[name](story))
    assert letters(version.headline) == letters(story.headline)
    assert letters(projection(version.body)) == letters(story.words)


@pytest.mark.parametrize(
    ("encoding", "said", "is_claimed"),
    [
        ("windows-1252", "Ça coûte 5 € à l’État — “naïve”, dit-il.", True),
        ("windows-1251", "Дождь остановил игру в городе, сообщили чиновники.", False),
        ("koi8-r", "Дождь остановил игру в городе, сообщили чиновники.", False),
    ],
)
@pytest.mark.parametrize("writer", [iptc_7901, anpa_1312])
def test_lines_in_code_pages_that_nobody_names(
    writer: Callable[[Story, str], bytes], encoding: str, said: str, is_claimed: bool
) -> None:
    """What was guessed is read right, and nothing is claimed of it."""
    story = Story(said[:40], [Block("p", [[[("", said)]]])] * 12)
    (found,) = read(writer(story, encoding)).found
    assert letters(projection(found.version.body)) == letters(story.words)
    assert (found.received is not None) == is_claimed


RAINED = "Дождь остановил игру в городе, сообщили чиновники."


@pytest.mark.parametrize(
    ("encoding", "named", "said", "is_claimed"),
    [
        ("cp1251", "windows-1251", RAINED, True),
        ("koi8-r", "koi8-r", RAINED, True),
        ("cp437", "cp437", "Ça coûte 5 ú à l'été, dit-il: ½ ± ÷.", True),
        (
            "iso8859-2",
            "iso-8859-2",
            "Deszcz przerwał mecz, mówi urzędnik: będzie też później padać.",
            True,
        ),
        # What the bytes are goes before what anybody says.
        ("utf-8", "windows-1251", RAINED, True),
        ("cp1251", "iso-8859-2", RAINED, False),
        (
            "windows-1252",
            "windows-1251",
            "Ça coûte très cher à l'État, « naïve », dit-il, été.",
            False,
        ),
    ],
)
@pytest.mark.parametrize("writer", [iptc_7901, anpa_1312])
def test_lines_in_a_code_page_that_the_wires_configuration_names(
    writer: Callable[[Story, str], bytes], encoding: str, named: str, said: str, is_claimed: bool
) -> None:
    story = Story(said[:40], [Block("p", [[[("", said)]]])] * 12)
    wire = Wire(name="wire", url=HINTS.url, charset=named)
    (found,) = parse_capture(writer(story, encoding), HINTS, wire).found
    assert letters(projection(found.version.body)) == letters(story.words)
    assert (found.received is not None) == is_claimed


def test_a_named_code_page_decides_where_labels_of_xml_do_not() -> None:
    text = f"<nitf><head/><body><body.head><hedline><hl1>{RAINED}</hl1></hedline></body.head>"
    text += f"<body.content>{f'<p>{RAINED}</p>' * 5}</body.content></body></nitf>"
    for label in ("", '<?xml version="1.0" encoding="iso-8859-1"?>'):
        body = f"{label}{text}".encode("cp1251")
        wire = Wire(name="wire", url=HINTS.url, charset="cp1251")
        (found,) = parse_capture(body, HINTS, wire).found
        assert (found.version.headline, found.received is not None) == (RAINED, True)
        (guessed,) = parse_capture(body, HINTS, WIRE).found
        assert (guessed.version.headline, guessed.received) == (RAINED, None)


@every
def test_a_lost_and_an_added_paragraph_are_found(name: str) -> None:
    body = ALL[name](RAIN)
    item = only(body)
    version = normalize(item, Channel(), WIRE)
    reread = formats.choose(body, HINTS).reread(body, HINTS)
    raw = body[item.start : item.end]
    lost = version.model_copy(update={"body": re.sub(r"<p>The end of it</p>", "", version.body)})
    assert lost != version
    found = integrity.check(reread, raw, lost)
    assert found is not None
    assert found.state == "text-lost"
    added = version.model_copy(update={"body": f"{version.body}<p>A flooded street</p>"})
    found = integrity.check(reread, raw, added)
    assert found is not None
    assert found.state == "text-added"


@every
def test_the_same_file_says_the_same(name: str) -> None:
    first, second = (read(ALL[name](RAIN)).found[0] for _ in range(2))
    assert first == second
    assert first.keys.guid is not None


@every
def test_what_editors_are_told_is_no_content(name: str) -> None:
    one, two = (
        version_of(ALL[name](story)) for story in (RAIN, replace(RAIN, ed_note="Adds a name"))
    )
    assert content_digest(one) == content_digest(two)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("status", "state"),
    [("canceled", "item-canceled"), ("withheld", "item-withheld"), ("on-hold", "item-withheld")],
)
def test_what_may_not_be_published_is_held_back(name: str, status: str, state: str) -> None:
    contents = read(WRITERS[name](replace(RAIN, status=status)))
    assert states(contents) == [state]
    assert not judged(contents).found
    assert judged(contents).refused[0].keys == contents.found[0].keys


@pytest.mark.parametrize("name", WRITERS)
def test_an_embargo_is_kept_with_the_version_and_another_one_is_news(name: str) -> None:
    free, held, moved = (
        version_of(WRITERS[name](replace(RAIN, embargo=until)))
        for until in ("", "2026-11-23T05:30:00+05:30", "2026-11-23T06:30:00+05:30")
    )
    assert free.signals is None or free.signals.embargo is None
    assert held.signals is not None
    assert held.signals.embargo == AT
    assert len({content_digest(each) for each in (free, held, moved)}) == 3


@pytest.mark.parametrize("name", WRITERS)
def test_an_embargo_that_cannot_be_read_holds(name: str) -> None:
    contents = read(WRITERS[name](replace(RAIN, embargo="when the speech is over")))
    assert states(contents) == ["item-withheld"]
    assert "when the speech is over" in judged(contents).refused[0].message


KILLED = (
    *("INDIA-RAIN-KILL", "RAIN KILL", "KILL, RAIN", "BULLETIN KILL RAIN", "RAIN, KILL MANDATORY"),
    *("Rain, Mandatory Kill", "KILL ADVISORY RAIN", "Rain-Kill Advisory", "RAIN (KILL)"),
    *("RAIN (KILLED)", "RAIN-KILL, 300"),
)
HELD = (
    *("RAIN-EMBARGOED", "RAIN EMBARGO 1800 GMT", "RAIN EMBARGO FOR 1800", "RAIN/EMBARGO 18:00"),
    *("EMBARGO UNTIL 1800 GMT", "EMBARGO TILL SUNDAY", "EMBARGO: 1800", "Rain, embargo 6 p.m."),
    *("RAIN (EMBARGO)", "RAIN (EMBARGO 1800)", "***EMBARGO*** RAIN", "EMBARGO SUNDAY RAIN"),
    *("RAIN EMBARGO, 1800 GMT", "RAIN EMBARGO 5 JAN", "RAIN EMBARGO JAN. 5", "EMBARGO 05/01 RAIN"),
    *("RAIN EMBARGO FOR RELEASE SUNDAY", "EMBARGO JUSQU'A 18H00", "EMBARGO HASTA LAS 18.00"),
    *("NOT FOR USE BEFORE 1800 GMT", "NOT FOR PUBLICATION UNTIL 1800", "HOLD FOR 1800 GMT"),
    *("HOLD FOR RELEASE", "HOLD UNTIL 1800", "Sperrfrist 18.00 Uhr", "SPERRFRIST 1800"),
)
TOPICS = (
    *("SUDAN-KILLED", "TEENAGER KILLED", "POLICE KILL THREE", "KILL BILL", "KILLING FIELDS"),
    *("RUSSIA-EMBARGO/", "RAIN-EMBARGO", "RAIN/EMBARGO", "IRAN OIL EMBARGO", "EMBARGO CUBA-US"),
    *("OIL EMBARGO LIFTED", "ARMS EMBARGO FOR SUDAN", "OIL EMBARGO 50 YEARS"),
    *("OIL EMBARGO 1973", "CHELSEA HOLD CITY", "HOLD FOR RANSOM", "EMBARGO ON RUSSIA, 1st Ld, 900"),
    *("EMBARGO MARKET", "OIL EMBARGO AUGUSTA", "TO HOLD TILL RECORDS", "EMBARGO 30 MAYORS"),
)


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize(
    ("slugline", "state"),
    [
        *((slugline, "item-canceled") for slugline in KILLED),
        *((slugline, "item-withheld") for slugline in HELD),
    ],
)
def test_marks_of_the_desk_hold_where_there_is_no_other_place(
    name: str, slugline: str, state: str
) -> None:
    assert states(read(LINES[name](replace(RAIN, slugline=slugline)))) == [state]


@pytest.mark.parametrize("name", LINES)
def test_a_topic_of_the_slugline_is_no_mark_of_the_desk(name: str) -> None:
    for slugline in TOPICS:
        assert (states(read(LINES[name](replace(RAIN, slugline=slugline)))), slugline) == (
            [],
            slugline,
        )


BROKEN = {"malformed", "not-a-feed", "empty"}
NAMED = {*BROKEN, "item-unreadable", "text-lost", "text-added", "item-withheld"}


def named_states(body: bytes) -> list[str]:
    """What is wrong with *body*, in which a bit may be another, by name. No story that is found in
    it has lost more than a word."""
    try:
        contents = read(body)
    except ParseError as error:
        return [error.state]
    for one in contents.found:
        said = len(letters(projection(one.version.body)))
        assert said > len(letters(RAIN.words)) - 15 or (not said and one.version.headline)
    return [refused.state for refused in contents.refused]


@pytest.mark.parametrize("step", [150, pytest.param(10, marks=pytest.mark.slow)])
@every
def test_a_file_that_breaks_off_is_no_story(name: str, step: int) -> None:
    body = ALL[name](RAIN)
    for end in range(1, len(body) - 60, step):
        with pytest.raises(ParseError) as caught:
            parse(body[:end])
        assert caught.value.state in BROKEN
        assert HINTS.url in str(caught.value)


@pytest.mark.parametrize("count", [10, pytest.param(300, marks=pytest.mark.slow)])
@every
def test_a_bit_that_is_another_costs_no_paragraph(name: str, count: int) -> None:
    body = ALL[name](RAIN)

    @given(st.integers(0, len(body) * 8 - 1))
    @settings(max_examples=count, deadline=None)
    def flipped(at: int) -> None:
        altered = bytearray(body)
        altered[at // 8] ^= 1 << at % 8
        assert set(named_states(bytes(altered))) <= NAMED

    flipped()


@pytest.mark.parametrize("name", ["ninjs 3", "ap"])
def test_what_follows_a_broken_story_is_no_story(name: str) -> None:
    """Its picture is none: a quotation mark that is missing turns strings inside out."""
    body = ALL[name](RAIN).replace(b'"located": "', b'"located": ')
    with pytest.raises(ParseError) as caught:
        parse(body)
    assert caught.value.state == "malformed"


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("nitf", (b"</block>", b"")),
        ("g2 xhtml", (b"</table>", b"")),
        ("newsml 1", (b"</NewsLines>", b"")),
        ("ninjs 1", (b'"type": "text"', b'"type": text"')),
        ("ap", (b'"type": "text"', b'"type": text"')),
    ],
)
def test_what_is_malformed_is_named(name: str, broken: tuple[bytes, bytes]) -> None:
    body = WRITERS[name](RAIN)
    assert broken[0] in body
    with pytest.raises(ParseError) as caught:
        parse(body.replace(*broken))
    assert caught.value.state == "malformed"
    assert re.search("line|JSON", str(caught.value))


@every
def test_formats_are_chosen_by_content(name: str) -> None:
    body = ALL[name](RAIN)
    for kind in ("text/html", "application/rss+xml; charset=iso-8859-1", "image/jpeg", ""):
        hints = replace(HINTS, headers={"content-type": kind}, url="https://wire.example/a.rss")
        found = formats.choose(body, hints).parse(body, hints)
        assert found.format == parse(body).format
        assert found.items[0].headline == RAIN.headline


@pytest.mark.parametrize("name", ["nitf", "newsml 1", "g2 bare"])
@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "windows-1251"])
def test_encodings_are_what_the_bytes_are(name: str, encoding: str) -> None:
    story = replace(RAIN, headline="Überall " + ("дождь " * 20 if "1251" in encoding else "Café"))
    story = replace(story, headline=story.headline.strip())
    if "1251" in encoding:
        story = replace(story, headline=("дождь в городе " * 10).strip())
    text = WRITERS[name](story).decode().replace("utf-8", encoding)
    assert version_of(text.encode(encoding)).headline == story.headline
    lying = text.encode("utf-8")
    if encoding == "iso-8859-1":
        assert version_of(lying).headline == story.headline


@pytest.mark.parametrize("name", LINES)
def test_parity_bits_are_left_out(name: str) -> None:
    plain = LINES[name](RAIN)
    assert plain.isascii()
    assert version_of(newswires.even_parity(plain)) == version_of(plain)
    odd = bytes(byte ^ 0x80 for byte in newswires.even_parity(plain))
    assert version_of(odd) == version_of(plain)


def test_broken_neighbours_do_not_touch_each_other() -> None:
    good = g2_item(RAIN)
    other = g2_item(replace(RAIN, guid="urn:x:2", headline="Another"))
    broken = g2_item(replace(RAIN, guid="urn:x:3")).replace("</table>", "")
    contents = read(g2_message(good, broken, other).encode())
    assert [one.version.headline for one in contents.found] == [RAIN.headline, "Another"]
    assert [(one.position, one.state) for one in contents.refused] == [(1, "item-unreadable")]
    assert "line" in contents.refused[0].message


REMARK = "<!-- staff > only --><?page 7?>"


@pytest.mark.parametrize("name", ["nitf", "g2 xhtml", "g2 bare", "newsml 1"])
def test_remarks_and_instructions_in_the_middle_of_words_are_no_words(name: str) -> None:
    body = WRITERS[name](RAIN)
    remarked = re.sub(rb"(?<=>)([^<>]{2})(?=[^<>]*<)", rb"\1" + REMARK.encode(), body)
    assert remarked.count(b"staff") > 8
    assert version_of(remarked) == version_of(body)


HALF = "<frac><numer>1</numer>{}<denom>2</denom></frac>"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (f"5{HALF.format('')} m", "5 1/2 m"),
        (f"5{HALF.format('<frac-sep/>')} m", "5 1/2 m"),
        (f"5{HALF.format('<frac-sep></frac-sep>')}m", "5 1/2m"),
        (f"5{HALF.format('<frac-sep>/</frac-sep>')} m", "5 1/2 m"),
        (f"<num>5\n{HALF.format(' <frac-sep>⁄</frac-sep> ')}</num> m", "5 1⁄2 m"),
        (f"the <em>5</em><num>{HALF.format(' ')}</num>6", "the 5 1/2 6"),
        (f"<em>{HALF.format('')}</em> of it", "1/2 of it"),
        (f"3{HALF.format('')} + {HALF.format('')}", "3 1/2 + 1/2"),
        ("10<sup>6</sup> <num>7</num>, <money>8</money>", "106 7, 8"),
    ],
)
def test_a_fraction_of_nitf_is_no_other_number(written: str, said: str) -> None:
    for name in ("nitf", "g2 nitf"):
        text = WRITERS[name](RAIN).decode("utf-16" if name == "g2 nitf" else "utf-8")
        body = version_of(text.replace("The end of it", written).encode()).body
        assert projection(body).splitlines()[-1] == said
    text = WRITERS["nitf"](RAIN).decode().replace("Rain &amp; wind &lt; storm", written)
    assert version_of(text.encode()).headline == said


def test_a_formula_in_xhtml_keeps_its_elements() -> None:
    power = "<math><msup><mn>10</mn><mn>6</mn></msup></math>"
    text = newswires.WRITERS["g2 xhtml"](RAIN).decode().replace("The end of it", power)
    assert power in version_of(text.encode()).body


@pytest.mark.parametrize(
    ("spoken", "lines", "chosen"),
    [
        ("en", "<{0} xml:lang='fr'>Non</{0}><{0} xml:lang='en'>Yes</{0}>", "Yes"),
        ("en", "<{0} xml:lang='en'>Yes</{0}><{0} xml:lang='fr'>Non</{0}>", "Yes"),
        ("en", "<{0} xml:lang='fr'>Non</{0}><{0}>Yes</{0}>", "Yes"),
        ("en", "<{0} xml:lang='fr'>Non</{0}><{0} xml:lang='EN-gb'>Yes</{0}>", "Yes"),
        ("fr-CH", "<{0} xml:lang='en'>No</{0}><{0} xml:lang='fr'>Oui</{0}>", "Oui"),
        ("zh-Hant", "<{0} xml:lang='zh-Hans'>国</{0}><{0} xml:lang='zh-Hant'>國</{0}>", "國"),
        ("en", "<{0} xml:lang='fr'>Oui</{0}><{0} xml:lang='de'>Ja</{0}>", "Oui"),
        ("en", "<{0}>Yes</{0}><{0}>No</{0}>", "Yes"),
    ],
)
def test_what_is_said_in_several_languages_is_taken_in_that_of_the_text(
    spoken: str, lines: str, chosen: str
) -> None:
    texts = "".join(lines.format(n) for n in ("headline", "slugline", "by", "dateline"))
    told = lines.replace("{0} ", "{0} role='drol:summary' ").format("description")
    told = told.replace("</", ", in short</")
    about = f"{texts}{told}<subject qcode='x:1'>{lines.format('name')}</subject>"
    story = replace(RAIN, captions=[])
    text = g2_item(story, "<inlineData>A text of one line.</inlineData>")
    text = re.sub("(<contentMeta>).*(?=</contentMeta>)", rf"\1{about}", text)
    text = re.sub('xml:lang="[^"]*"', f'xml:lang="{spoken}"', text, count=1)
    version = version_of(text.encode())
    assert version.signals is not None
    assert [version.headline, version.signals.slugline, version.dateline] == [chosen] * 3
    assert (version.byline or "").partition(",")[0] == chosen
    assert version.categories[0].label == chosen
    assert version.summary == f"{chosen}, in short"


NOTE = (
    "<note><body.content><p>Eds: recasts, adds quotes from the mayor and the council.</p>"
    "</body.content></note>"
)
DECK = "<hl2>Ferries run hourly until May</hl2>"
ABSTRACT = "<abstract><p>The rain in short.</p></abstract>"


@pytest.mark.parametrize("name", ["nitf", "g2 nitf"])
@pytest.mark.parametrize("place", ["<body.content>", "</body.head>", "</hedline>"])
def test_a_note_of_nitf_is_not_the_story(name: str, place: str) -> None:
    text = WRITERS[name](RAIN).decode("utf-16" if name == "g2 nitf" else "utf-8")
    around = (place, NOTE) if place == "<body.content>" else (NOTE, place)
    if place == "</hedline>":
        around = (place, NOTE)
    version = version_of(text.replace(place, "".join(around)).encode())
    said = letters(projection(version.body))
    assert said.endswith(letters(RAIN.words))
    assert said.startswith("Eds") == (place == "<body.content>")
    if name == "nitf" and place != "<body.content>":
        assert version.signals is not None
        assert "recasts" in (version.signals.ed_note or "")


@pytest.mark.parametrize(
    ("decks", "abstract", "summary"),
    [
        (DECK, "", "Ferries run hourly until May"),
        (f"{DECK}<hl2>And later</hl2>", "", "Ferries run hourly until May"),
        (f"<hl2/>{DECK}", "<abstract/>", "Ferries run hourly until May"),
        (DECK, ABSTRACT, "The rain in short."),
        ("", ABSTRACT, "The rain in short."),
        ("", "", None),
    ],
)
def test_a_deck_of_nitf_is_the_summary_where_there_is_no_other(
    decks: str, abstract: str, summary: str | None
) -> None:
    story = replace(RAIN, subheadline="")
    text = nitf(story).replace("</hedline>", f"{decks}</hedline>")
    assert version_of(text.replace("</body.head>", f"{abstract}</body.head>").encode()).summary == (
        summary
    )


def _joint(name: str) -> str:
    """A capture of three stories in the format *name*, as its module is called."""
    stories = [replace(RAIN, guid=f"urn:x:{n}", headline=f"Story {n}") for n in range(3)]
    if name == "json_feed":
        items = [{"id": s.guid, "title": s.headline, "content_html": s.body} for s in stories]
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})
    if name == "ninjs":
        return json.dumps([ninjs_3(one) for one in stories])
    if name == "newsml_1":
        return newsml_1(*stories)
    if name == "newsml_g2":
        return g2_message(*map(g2_item, stories))
    return "".join(nitf(one).partition('"nitf-3-6.dtd">')[2] for one in stories)


@pytest.mark.parametrize("name", ["nitf", "newsml_1", "newsml_g2", "ninjs", "json_feed"])
def test_what_nobody_foresaw_in_an_item_does_not_touch_its_neighbours(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"ingest.formats.{name}")
    inner, calls = module._item, count()

    def fails(*told: object, **named: object) -> Item:
        if next(calls) == 1:
            raise KeyError("nobody foresaw this")
        item: Item = inner(*told, **named)
        return item

    monkeypatch.setattr(module, "_item", fails)
    contents = read(_joint(name).encode())
    assert [one.version.headline for one in contents.found] == ["Story 0", "Story 2"]
    assert [(one.position, one.state) for one in contents.refused] == [(1, "item-unreadable")]
    assert "nobody foresaw this" in contents.refused[0].message


def test_a_message_that_breaks_off_gives_its_whole_items() -> None:
    text = g2_message(g2_item(RAIN), g2_item(RAIN))
    contents = read(text.encode()[:-300])
    assert len(contents.found) == 1
    assert not contents.whole


def test_parts_of_a_story_are_all_of_it_and_its_other_forms_are_not() -> None:
    parts = (
        "<inlineXML contenttype='application/xhtml+xml'><html><body><p>First part.</p></body>"
        "</html></inlineXML><inlineXML><div><p>Second part.</p></div>"
        "</inlineXML><inlineData contenttype='text/plain'>First part.\n\nSecond part.</inlineData>"
    )
    version = version_of(g2_item(RAIN, parts).encode())
    assert projection(version.body).split() == ["First", "part.", "Second", "part."]
    two = {**ninjs_3(RAIN)}
    two["bodies"] = [
        {"role": "intro", "value": "<p>First part.</p>", "contentType": "text/html"},
        {"role": "main", "value": "Second part & more."},
    ]
    version = version_of(as_json(two))
    assert projection(version.body).split() == ["First", "part.", "Second", "part", "&", "more."]


SHORT = "Avon shuts its river crossing for repair; the council was told of a bill of four million."


@pytest.mark.parametrize(
    "role", ["short", "SOCIAL", "http://agency.example/roles:push", "urn:alert"]
)
@pytest.mark.parametrize("media_type", ["text/plain", "text/html", ""])
@pytest.mark.parametrize("main", ["main", "Main", "bodyrole:main"])
@pytest.mark.parametrize("order", [1, -1])
def test_another_version_of_a_story_is_no_part_of_it(
    role: str, media_type: str, main: str, order: int
) -> None:
    told = [
        {"role": main, "value": RAIN.body, "contentType": "text/html"},
        {"role": main, "value": RAIN.words, "contentType": "text/plain"},
        {"role": role, "value": SHORT, "contentType": media_type},
    ]
    lines = [{"value": "Any"}, {"role": role, "value": "Avon!"}, {"role": main, "value": "Line"}]
    sent = {**ninjs_3(RAIN), "bodies": told[::order], "headlines": lines[::order]}
    version = version_of(as_json(sent))
    assert letters(projection(version.body)) == letters(RAIN.words)
    assert version.headline == "Line"


def test_without_a_main_text_every_other_is_a_part() -> None:
    told = [{"role": "one", "value": "First part."}, {"role": "short", "value": "Second part."}]
    body = version_of(as_json({**ninjs_3(RAIN), "bodies": told})).body
    assert projection(body) == "First part.\nSecond part."


def test_the_pictures_of_a_package_go_to_its_text() -> None:
    picture = g2_item(replace(RAIN, guid="urn:x:picture", headline="A picture"), "<!-- none -->")
    text = g2_item(replace(RAIN, captions=[]))
    package = (
        f"<packageItem {NAR} guid='urn:x:package' version='1'><itemMeta><title>P</title>"
        "</itemMeta><contentMeta><headline>A package</headline></contentMeta><groupSet root='G'>"
        f"<group id='G' role='group:main'><itemRef residref='{RAIN.guid}'/>"
        "<itemRef residref='urn:x:picture'/></group></groupSet></packageItem>"
    )
    contents = read(g2_message(package, picture, text).encode())
    (found,) = contents.found
    assert found.version.headline == RAIN.headline
    assert [m.caption for m in found.version.media] == ["A flooded street"]
    assert any("packages" in note for note in contents.notes)


def test_a_package_by_itself_is_the_list_of_what_it_names() -> None:
    package = (
        f"<packageItem {NAR} guid='urn:x:package' version='9'><itemMeta><title>P</title>"
        "</itemMeta><contentMeta><headline>Top news</headline></contentMeta><groupSet root='G'>"
        "<group id='G' role='group:main'><itemRef href='https://agency.example/1'>"
        "<title>Rain &amp; wind</title><description role='drol:summary'>It rained.</description>"
        "</itemRef></group></groupSet></packageItem>"
    )
    version = version_of(package.encode())
    assert (version.headline, version.agency_id, version.agency_version) == (
        "Top news",
        "urn:x:package",
        "9",
    )
    assert version.body == (
        '<p><a href="https://agency.example/1">Rain &amp; wind</a></p>\n<p>It rained.</p>'
    )


def test_a_text_that_is_elsewhere_is_not_published_by_half() -> None:
    one = ap([RAIN])
    (item,) = one["data"]["items"]  # type: ignore[index]
    del item["item"]["body_html"], item["item"]["body_text"]
    item["item"]["renditions"] = {
        "nitf": {"type": "text", "href": "https://api.agency.example/1.xml"}
    }
    (refused,) = read(as_json(one)).refused
    assert refused.state == "item-elsewhere"
    assert "https://api.agency.example/1.xml" in refused.message


def test_a_kill_needs_no_text() -> None:
    kill = {"uri": "urn:x:1", "version": "4", "pubstatus": "canceled", "versioncreated": "2026"}
    contents = read(as_json(kill))
    assert states(contents) == ["item-canceled"]


@pytest.mark.parametrize("name", ["nitf", "newsml 1", "g2 xhtml"])
def test_entities_are_neither_fetched_nor_expanded(name: str) -> None:
    bomb = (
        '<!DOCTYPE nitf SYSTEM "http://127.0.0.1:1/x.dtd" [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 9))
        + '<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    )
    text = WRITERS[name](RAIN).decode()
    text = re.sub(r"^(<\?xml[^>]*>)?\s*(<!DOCTYPE[^>]*>)?", rf"\1{bomb}", text)
    text = text.replace("The end of it", "The end &b8; &x; &eacute;&nbsp;of it")
    version = version_of(text.encode())
    assert "root:" not in version.body
    assert len(version.body) < 5_000
    assert "é\xa0of it" in projection(version.body).replace("&nbsp;", "\xa0") or "é of it" in (
        projection(version.body)
    )


def test_hostile_nesting_is_refused_within_bounds() -> None:
    deep = "<div>" * 100_000 + "</div>" * 100_000
    item = g2_item(RAIN, f"<inlineXML>{deep}</inlineXML>")
    with pytest.raises(ParseError) as caught:
        parse(item.encode())
    assert caught.value.state == "malformed"
    nested = '{"uri":"urn:x","headline":' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(ParseError):
        parse(nested.encode())


def test_a_headline_alone_kills_and_holds_nothing() -> None:
    for headline in ("GUNMEN KILL", "OIL EMBARGO LIFTED", "STORY OF A MANDATORY KILL"):
        story = replace(RAIN, headline=headline, slugline="OIL-EMBARGO")
        for name in LINES:
            assert states(read(LINES[name](story))) == []


def test_lines_of_anpa_that_are_centered_belong_to_the_text() -> None:
    said = (
        "^BC-BBO--Standings<\r\n^Standings=\r\n^By The Agency=\r\n^NORTHERN LEAGUE=\r\n"
        "^ W   L   Pct=\r\nTown 73  52  .584\r\nCity 3{  51  .589\r\n\t   ___\r\n\t   Town won."
    )
    head = b"\x16\x16\x01s0284\x1f-----\r\nr\x1fs\x13\x12 BC-BBO--Standings 08-18 0416\r\n\x02"
    body = head + said.encode() + b"\r\n\x03AP-WF-08-18-19 2017GMT<\r\n\x04"
    version = version_of(body)
    assert version.headline == "Standings"
    assert version.signals is not None
    assert version.signals.slugline == "BC-BBO--Standings"
    assert version.published == datetime(2019, 8, 18, 20, 17, tzinfo=UTC)
    assert version.body == (
        "<pre>NORTHERN LEAGUE\n W   L   Pct\nTown 73  52  .584\nCity 3{  51  .589\n\t   ___\n"
        "\t   Town won.</pre>"
    )


def test_7901_as_an_agency_sends_it() -> None:
    """Keywords in front of the text, a headline of two lines, and no zone in the trailer."""
    body = (
        b"\x01ecp0007 4 s 850  agy-tns 0908\r\n\r\nFootball/League/\r\n\x02Reds 2.0? Would be a"
        b" fun final, but\r\ndon't count on it\r\nBy Tom Novak, The Chronicle =\r\n\r\nTown (agy) -"
        b" History says this was no preview that played out Monday\r\nnight.\r\n\r\n"
        b"Reds 54, Blues 51.\r\n\x03\r\n"
        b"211259 Nov 18\r\n"
    )
    version = version_of(body)
    assert version.headline == "Reds 2.0? Would be a fun final, but don't count on it"
    assert version.body == (
        "<p>Town (agy) - History says this was no preview that played out Monday night.</p>\n"
        "<p>Reds 54, Blues 51.</p>"
    )
    assert version.agency_id == "ecp0007:2018-11-21"
    assert version.published == datetime(2018, 11, 21, 7, 29, tzinfo=UTC)  # of the wire's zone
    assert version.signals is not None
    assert version.signals.slugline == "Football/League"


PLAIN = (
    b"Rain stops\r\nplay\r\n\tTOWN (agy) _ It rained and rained, for hours on end in the town.\r\n"
    b"\tThen it stopped.\r\n"
)


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (b"\x01agy0042 4 i\r\nRain/\r\n\x02", b"\x03\r\n220030 GMT Nov 26\r\n"),
        (b"\x01a0042\r\nr i BC-Rain 11-22 0020\r\n\x02", b"\x03AP-WF-11-22-26 0030GMT\r\n"),
    ],
)
def test_a_headline_is_what_stands_before_the_first_indent(head: bytes, tail: bytes) -> None:
    version = version_of(head + PLAIN + tail)
    assert version.headline == "Rain stops play"
    assert version.body == (
        "<p>TOWN (agy) _ It rained and rained, for hours on end in the town.</p>\n"
        "<p>Then it stopped.</p>"
    )


def test_keywords_are_the_headline_where_there_is_no_other() -> None:
    text = (
        b"It rained for hours on end in the town and nobody\r\nwent out but the postman, ever.\r\n"
    )
    head = b"\x01agy0042 4 i 20\r\nINDIA-RAIN/\r\n\x02"
    version = version_of(head + text + b"\x03\r\n220030\r\n")
    assert version.headline == "INDIA-RAIN"
    assert letters(projection(version.body)) == letters(text.decode())


def test_newsml_1_with_paragraphs_alone_and_no_headline() -> None:
    text = newsml_1(replace(RAIN, captions=[]))
    text = re.sub(r"<HeadLine>.*?</HeadLine><SubHeadLine>.*?</SubHeadLine>", "", text)
    text = text.replace("</NewsIdentifier>", "</NewsIdentifier><NameLabel>pluie</NameLabel>")
    text = re.sub(r"<nitf><body><body.content><block>", "", text)
    text = re.sub(r"</block></body.content></body></nitf>", "", text)
    version = version_of(text.encode())
    assert version.headline == "pluie"
    assert letters(projection(version.body)) == letters(RAIN.words)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_large_body_is_read_in_time_that_grows_with_it(name: str) -> None:
    many = [Block("p", [[[("", f"word{n}"), ("em", "more")]]]) for n in range(5_000)]
    version = version_of(WRITERS[name](Story("Long", many)))
    assert version.body.count("<p>") == 5_000


@pytest.mark.slow
def test_many_unknown_elements_are_read_in_time_that_grows_with_them() -> None:
    unknown = "<x><y>a</y></x>" * 30_000
    text = g2_item(RAIN).replace("</itemMeta>", f"</itemMeta>{unknown}")
    version = version_of(text.encode())
    assert version.headline == RAIN.headline


def test_a_story_that_speaks_of_another_format_is_still_its_own() -> None:
    story = replace(RAIN, headline='It said "version": "https://jsonfeed.org/version/1.1"')
    assert version_of(WRITERS["ninjs 1"](story)).headline == story.headline


@pytest.mark.parametrize(
    ("document", "story", "guid"),
    [("a-1", "rain", "a-1"), ("", "rain", "rain"), ("rain_47", "rain", "rain"), ("a-1", "", "a-1")],
)
def test_each_version_of_a_nitf_story_may_be_another_document(
    document: str, story: str, guid: str
) -> None:
    text = nitf(replace(RAIN, guid=document)).replace("key='rain'", f"key='{story}'")
    assert only(text.encode()).guid == guid


def test_a_width_beyond_reason_is_none() -> None:
    """Python refuses to read a number of so many digits, which must not cost the whole file."""
    text = nitf(RAIN).replace('width="800"', f'width="{"9" * 5000}"')
    assert [one.width for one in only(text.encode()).media] == ["9" * 5000]


def test_names_of_pictures_that_are_no_addresses_lead_nowhere() -> None:
    text = nitf(RAIN).replace("https://agency.example/0.jpg", "iJIJyyF0tiE")
    assert version_of(text.encode()).media == ()


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("medtop:15000000", "sport"),
        ("http://cv.iptc.org/newscodes/mediatopic/15000000", "sport"),
        ("medtop:20000822", "competition discipline"),
        ("medtop:20000064", "war crime action"),  # retired, and still sent
        ("medtop:29999999", "29999999"),
        ("subj:15000000", "sport"),
        ("subj:16000000", "conflict, war and peace"),
        ("subj:04016025", "layoffs and downsizing"),
    ],
)
def test_a_code_of_iptc_is_named(code: str, label: str) -> None:
    text = g2_item(RAIN).replace("medtop:04000000", code)
    category = version_of(text.encode()).categories[0]
    assert (category.label, category.code) == (label, code[-8:])


def test_several_messages_in_one_file_are_several_items() -> None:
    other = replace(RAIN, headline="Another headline")
    for writer in (iptc_7901, anpa_1312):
        body = writer(RAIN) + writer(other).replace(b"0042", b"0043")
        contents = read(body)
        assert [one.version.headline for one in contents.found] == [RAIN.headline, other.headline]
        assert len({one.keys.guid for one in contents.found}) == 2
