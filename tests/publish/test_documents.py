"""Stories as ninjs and NewsML-G2: what the standards demand, and that they say what the entry says.

The schema of ninjs 3.1 is IPTC's own; the rules for NewsML-G2 2.35 are our words for its schema's.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from lxml import etree

from desk.demo.newswire import Script
from desk.demo.site import answer
from ingest.item import Hints
from ingest.parse import parse
from publish import newsml_g2, ninjs
from publish.render import Rendered, render
from stories.config import Wire
from stories.errors import RenderError
from stories.models import Media, Story, Version, received_copy
from tests.publish import hostile
from tests.publish.samples import config, english, hindi, story, urdu, version
from tests.signed import Issuer
from wirecopy.jose import from_xml, payload_of
from wirecopy.scope import digests

CHAIN = "https://feeds.ndtv.com/stories/abc/statements"
WRITERS = [ninjs, newsml_g2]
WIRE = Wire(name="back", url="https://partner.example/wire")


def _is_time(value: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\+\d\d:\d\d|Z)", value) is not None


def _is_address(value: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S", value) is not None


FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(_is_time)
FORMATS.checks("uri")(_is_address)
# IPTC's own, (c) IPTC, CC BY 4.0, as it was published.
SCHEMA = Path(__file__).with_name("ninjs-schema_3.1.json").read_text(encoding="utf-8")
NINJS = jsonschema.Draft202012Validator(json.loads(SCHEMA), format_checker=FORMATS)

# NewsML-G2 2.35: the children of each element in their order; what is not here has none.

ORDER = {
    "newsMessage": "header itemSet",
    "header": "sent",
    "itemSet": "newsItem packageItem",
    "newsItem": "catalogRef hopHistory rightsInfo itemMeta contentMeta contentSet",
    "packageItem": "catalogRef rightsInfo itemMeta contentMeta groupSet",
    "hopHistory": "hop",
    "hop": "party action",
    "party": "name",
    "action": "name",
    "rightsInfo": "copyrightNotice",
    "itemMeta": "itemClass provider versionCreated firstCreated pubStatus hash expires link"
    " editScope statement",
    "provider": "name",
    "infoSource": "name",
    "contentSet": "inlineData remoteContent",
    "groupSet": "group",
    "group": "itemRef",
    # Administrative properties before descriptive ones, which stand in any order.
    "contentMeta": "infoSource altId language keyword headline by creditline description",
}
NEEDED = {
    "newsItem": "standard standardversion conformance guid version",
    "packageItem": "standard standardversion conformance guid version",
    "catalogRef": "href",
    "language": "tag",
    "remoteContent": "href contenttype",
    "hash": "hashtypeuri",
    "groupSet": "root",
    "group": "id roleuri",
    "itemRef": "residref",
}
NEEDED_INSIDE = {"itemMeta": {"itemClass", "provider", "versionCreated"}, "hopHistory": {"hop"}}


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def check_newsml(document: bytes) -> etree._Element:
    root = etree.fromstring(document)
    assert local(root) == "newsMessage"
    for element in root.iter():
        order = ORDER.get(local(element), "").split()
        inside = [local(child) for child in element]
        assert set(inside) <= set(order), (local(element), inside)
        assert inside == sorted(inside, key=order.index), (local(element), inside)
        assert set(NEEDED.get(local(element), "").split()) <= set(map(str, element.attrib))
        assert NEEDED_INSIDE.get(local(element), set()) <= set(inside)
        own = local(element) in ("editScope", "statement")
        namespace = etree.QName(element).namespace
        assert (namespace == "http://iptc.org/std/nar/2006-10-01/") is not own
    return root


def check(writer: Any, document: bytes) -> None:
    if writer is ninjs:
        NINJS.validate(json.loads(document))
    else:
        check_newsml(document)


def written(writer: Any, rendered: Rendered, statement: str | None = None) -> bytes:
    document: bytes = writer.document(json.loads(rendered.json), statement, CHAIN)
    return document


def signed(of: Story) -> str:
    return Issuer().sign(of).statement or ""


def read_back(document: bytes) -> Version:
    contents = parse(document, Hints(url=WIRE.url), WIRE)
    assert contents.refused == ()
    [found] = contents.found
    return found.version


@pytest.mark.parametrize("of", [english(), hindi(), urdu()], ids=["english", "hindi", "urdu"])
@pytest.mark.parametrize("writer", WRITERS)
def test_it_says_what_the_entry_says(writer: Any, of: Story) -> None:
    """Read by our own readers, every part has the digest of the published one."""
    rendered = render(of, config())
    document = written(writer, rendered)
    check(writer, document)
    back = read_back(document)
    found = digests(received_copy(back), disclosure=rendered.entry.disclosure)
    assert found == rendered.measurement.published
    entry = rendered.entry
    assert (back.agency_id, back.agency, back.headline, back.body) == (
        entry.agency_id,
        entry.agency,
        entry.headline,
        entry.html,
    )
    assert [(m.caption, m.credit) for m in back.media] == [
        (m.caption, m.credit) for m in entry.media
    ]
    assert (back.language, back.published) == (entry.language, entry.published)
    assert back.signals is None or back.signals.status != "canceled"


@pytest.mark.parametrize("writer", WRITERS)
def test_the_body_is_the_entrys_byte_by_byte(writer: Any) -> None:
    of = version(
        body="<p>A\u00a0&lt;b&gt; ]]&gt; \u201cx\u201d &amp;amp; <b>c</b></p><pre>1\n 2</pre>"
    )
    rendered = render(story(of), config())
    document = written(writer, rendered)
    if writer is ninjs:
        [body] = json.loads(document)["bodies"]
        assert body["value"] == rendered.entry.html
    else:
        root = check_newsml(document)
        assert root.findtext(".//{*}inlineData") == rendered.entry.html
        sha = hashlib.sha256(rendered.entry.html.encode()).hexdigest()
        assert root.findtext(".//{*}hash") == sha


def test_the_statement_stands_in_both() -> None:
    rendered = render(english(), config())
    statement = signed(english())
    said = payload_of(statement)
    one = json.loads(written(ninjs, rendered, statement))
    NINJS.validate(one)
    assert {i["role"]: i["value"] for i in one["altIds"]}["statement"] == statement
    assert one["trustIndicators"] == [{"title": "Signed statements", "href": CHAIN}]
    root = check_newsml(written(newsml_g2, rendered, statement))
    assert from_xml(root.findtext(".//{*}statement") or "") == statement
    item = root.find(".//{*}newsItem")
    assert item is not None
    assert item.get("version") == str(said["version"])
    assert CHAIN in [link.get("href") for link in item.iterfind(".//{*}link")]


@pytest.mark.parametrize(("of", "rewritten"), [(english(), True), (story(), False)])
def test_the_history_tells_a_headline_of_the_desk(of: Story, rewritten: bool) -> None:
    rendered = render(of, config())
    root = check_newsml(written(newsml_g2, rendered, signed(of)))
    hops = root.findall(".//{*}hop")
    assert hops[0].findtext("{*}party/{*}name") == rendered.entry.agency
    assert len(hops) == 1 + rewritten
    if rewritten:
        action = hops[1].find("{*}action")
        assert action is not None
        assert str(action.get("targeturi")).endswith("#headline")
        assert action.findtext("{*}name") == of.version.headline
    title = json.loads(written(ninjs, rendered)).get("title")
    assert title == (of.version.headline if rewritten else None)


@pytest.mark.parametrize("writer", WRITERS)
def test_without_anything_optional(writer: Any) -> None:
    bare = version(
        **dict.fromkeys(("byline", "summary", "language", "credit", "rights", "link")),
        **dict.fromkeys(("categories", "keywords", "media"), ()),
        agency_version=None,
        body="",
    )
    check(writer, written(writer, render(story(bare), config())))


@pytest.mark.parametrize("writer", WRITERS)
def test_several_pictures_keep_their_order(writer: Any) -> None:
    pictures = tuple(Media(url=f"https://img.example/{n}.jpg", type="image/jpeg") for n in "bca")
    document = written(writer, render(story(version(media=pictures)), config()))
    check(writer, document)
    assert [m.url for m in read_back(document).media] == [m.url for m in pictures]


OF_ALL_KINDS = (
    Media(url="https://img.example/a.jpg", type="image/jpeg", caption="A.", credit="B"),
    Media(url="https://img.example/b"),  # of no type that is known
    Media(url="https://img.example/c.mp3", medium="audio", type="audio/mpeg"),
    Media(url="https://img.example/c", medium="audio"),
    Media(url="https://img.example/d.mp4", medium="video", width=3, height=4, length=9),
    Media(url="https://img.example/e.pdf", medium="document", type="application/pdf"),
    Media(url="https://img.example/f", medium="document", caption="A table"),
)


@pytest.mark.parametrize("writer", WRITERS)
def test_media_of_every_kind_are_read_back_with_the_digest_that_was_signed(writer: Any) -> None:
    of = story(version(media=OF_ALL_KINDS))
    rendered = render(of, config())
    document = written(writer, rendered, signed(of))
    check(writer, document)
    back = read_back(document)
    assert digests(received_copy(back)).media == rendered.measurement.published.media
    assert [(m.medium, m.caption, m.credit) for m in back.media][:-1] == [
        (m.medium, m.caption, m.credit) for m in rendered.entry.media
    ][:-1]


@pytest.mark.parametrize("writer", WRITERS)
@given(of=hostile.stories)
def test_whatever_stands_in_a_story_stays_data(writer: Any, of: Story) -> None:
    """Valid for any text, with the headline and the body as the entry has them."""
    try:
        rendered = render(of, config())
    except RenderError:
        return
    document = written(writer, rendered)
    check(writer, document)
    if writer is ninjs:
        found = json.loads(document)
        headline, body = (
            found["headlines"][0]["value"],
            [b["value"] for b in found.get("bodies", [])],
        )
    else:
        root = etree.fromstring(document)
        headline = root.findtext(".//{*}headline") or ""
        body = [one.text or "" for one in root.iterfind(".//{*}inlineData")]
    assert headline == rendered.entry.headline
    assert "".join(body) == rendered.entry.html


def test_the_schema_refuses_what_is_none() -> None:
    good = json.loads(written(ninjs, render(english(), config())))
    for bad in (
        {"byline": "A"},
        {"pubStatus": "killed"},
        {"uri": "no address"},
        {"expires": "now"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            NINJS.validate(good | bad)


def test_the_demos_agency_writes_ninjs_by_the_schema() -> None:
    script = Script(items=24)
    for each in json.loads(answer(script, "/wires/national.ninjs", {}, 300.0).body):
        NINJS.validate(each)
