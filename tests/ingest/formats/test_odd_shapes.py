"""Shapes that no standard foresees, in each format of agencies: a story comes whole, or not at all
and by name; and nothing that a document says of itself breaks its reading."""

import json
from typing import Any

import pytest

from desk.demo.news_json import ap, as_json, ninjs_1, ninjs_3
from desk.demo.news_xml import g2_item, g2_message, newsml_1, nitf
from ingest.item import Contents
from publish import newsml_g2, ninjs
from publish.render import render
from stories.errors import ParseError
from tests.ingest.formats.test_news_formats import RAIN, read
from tests.ingest.newswires import letters
from tests.publish.samples import config, english
from tests.signed import Issuer
from wirecopy.text import projection

OTHER = "Low water comes at nine tonight, and the last boat waits for it at the outer buoy. " * 2
JSON: dict[str, dict[str, Any]] = {
    "a name in two spellings": {"body_html": RAIN.body, "BODY_HTML": f"<p>{OTHER}</p>"},
    "bodies by name": {"bodies": {"main": {"value": RAIN.body, "contentType": "text/html"}}},
    "a body that is a list": {"bodies": [["x"]], "body_html": RAIN.body},
    "a body that is a number": {"body_text": 7, "body_html": RAIN.body},
    "nothing but null": {"body_html": None, "bodies": None, "headline": None},
    "identifiers by name": {"altIds": {"agency": "1", "editScope": "x"}, "body_html": RAIN.body},
    "identifiers of another kind": {"altIds": [None, 3, "x", []], "body_html": RAIN.body},
    "media in media": {"associations": [{"associations": [{"type": "picture"}]}]},
    "associations by name": {"associations": {"a": {"type": "picture", "renditions": []}}},
    "half a character": {"headline": "Rain \ud83d", "body_html": f"{RAIN.body}\udc00"},
    "controls": {"headline": "Rain\0 &\x07", "body_html": RAIN.body.replace("Before", "Be\0fore")},
    "a status that is a list": {"pubStatus": ["usable"], "body_html": RAIN.body},
    "an embargo that is a number": {"embargoed": 1764000000, "body_html": RAIN.body},
}
STATEMENTS = ["", "x", "a.b.c", "{", '{"key":1}', "[" * 5000, '{"a":' * 5000, "null", "\ud800"]
PARTS = {
    "a body twice": "<inlineXML>{0}</inlineXML><inlineXML>{0}</inlineXML>",
    "a body in a body": "<inlineXML><div>{0}<inlineXML>{1}</inlineXML></div></inlineXML>",
    "comments between": "<!-- a --><inlineXML><!-- b -->{0}<?pi c?></inlineXML>",
    "characters and a tree": "<inlineData contenttype='text/html'>{2}</inlineData>"
    "<inlineXML>{0}</inlineXML>",
    "another content set": "<inlineXML>{0}</inlineXML></contentSet><contentSet><inlineXML>"
    "<p>{1}</p></inlineXML>",
}


def told(contents: Contents) -> list[str]:
    """The states of what was not taken in; of what was, all words came, or nothing is claimed."""
    for one in contents.found:
        said = letters(projection(one.version.body))
        whole = letters(RAIN.words) in said
        assert whole or one.received is None or not said, one.version.body
    for refused in contents.refused:
        assert "report this capture" not in refused.message or refused.state == "text-lost"
    return [one.state for one in contents.refused]


def of(body: bytes) -> list[str]:
    try:
        contents = read(body)
    except ParseError as error:
        return [error.state]
    return told(contents)


@pytest.mark.parametrize("name", JSON)
def test_members_of_ninjs(name: str) -> None:
    for base in (ninjs_1(RAIN), ninjs_3(RAIN)):
        one = {n: v for n, v in base.items() if not n.lower().startswith("bod")}
        document = {**one, **JSON[name]}
        assert of(json.dumps(document).encode()) in ([], ["text-lost"], ["text-added"])
        assert of(json.dumps([document, base]).encode())[1:] == []


def test_two_spellings_of_a_name_lose_no_words() -> None:
    one = {n: v for n, v in ninjs_1(RAIN).items() if not n.startswith("body")}
    contents = read(json.dumps({**one, **JSON["a name in two spellings"]}).encode())
    found = [letters(projection(each.version.body)) for each in contents.found if each.received]
    assert all(letters(OTHER) in each for each in found)


@pytest.mark.parametrize("statement", STATEMENTS, ids=range(len(STATEMENTS)))
def test_whatever_stands_in_the_place_of_a_statement(statement: str) -> None:
    """Of a document that another Wirecopy seems to have written: it is read, and unsigned."""
    rendered = json.loads(render(english(), config()).json)
    signed = Issuer().sign(english()).statement
    assert signed is not None
    document = json.loads(ninjs.document(rendered, signed, "https://x.example/s"))
    for each in document["altIds"]:
        if each["role"] == "statement":
            each["value"] = statement
    contents = read(json.dumps(document).encode())
    assert (contents.refused, len(contents.found)) == ((), 1)
    g2 = newsml_g2.document(rendered, signed, "https://x.example/s").decode()
    start, end = g2.index("<wirecopy:statement>"), g2.index("</wirecopy:statement>")
    said = statement.replace("\ud800", "").replace("<", "&lt;")
    contents = read(f"{g2[:start]}<wirecopy:statement>{said}{g2[end:]}".encode())
    states = [one.state for one in contents.refused]
    # What is long and no statement may be words.
    assert states == (["text-lost"] if len(said) > 1000 and not contents.found else [])


@pytest.mark.parametrize("name", PARTS)
def test_content_of_newsml_g2(name: str) -> None:
    escaped = RAIN.body.replace("&", "&amp;").replace("<", "&lt;")
    parts = PARTS[name].format(RAIN.body, OTHER, escaped)
    assert of(g2_message(g2_item(RAIN, parts)).encode()) in ([], ["text-lost"], ["malformed"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<body.content>", "<body.content><!-- a --><body.content>x</body.content>"),
        ("</body.content>", "</body.content><body.content><p>More of it.</p></body.content>"),
        ("<nitf", "<NITF"),
        ("<body.content>", "<x:body.content xmlns:x='urn:x'>"),
        ("<p>", "<p><p>"),
        ("<p>", "<p/>"),
    ],
)
def test_bodies_of_nitf(old: str, new: str) -> None:
    assert set(of(nitf(RAIN).replace(old, new, 1).encode())) <= {
        *("malformed", "text-lost", "text-added", "item-unreadable", "item-empty", "not-a-feed")
    }


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
def test_every_format_in_wide_characters(coding: str) -> None:
    for document in (nitf(RAIN), newsml_1(RAIN), g2_message(g2_item(RAIN))):
        undeclared = document.partition("?>")[2] if document.startswith("<?xml") else document
        assert of(undeclared.strip().encode(coding)) == [], undeclared[:30]
    for each in (as_json(ninjs_3(RAIN)), as_json(ap([RAIN]))):
        assert of(each.decode().encode(coding)) == [], coding


@pytest.mark.parametrize("name", ["nitf", "newsml 1", "g2", "ninjs", "ap"])
def test_the_same_document_twice_in_one_is_one_story(name: str) -> None:
    """Whichever way it is said again: by items of one guid, and the same words."""
    twice = {
        "g2": g2_message(g2_item(RAIN) * 2).encode(),
        "ninjs": as_json([ninjs_3(RAIN)] * 2),
        "ap": as_json(ap([RAIN, RAIN])),
    }
    if name not in twice:
        assert of((nitf(RAIN) if name == "nitf" else newsml_1(RAIN)).encode()) == []
        return
    found = read(twice[name]).found
    assert len({(one.keys.guid, one.content_digest) for one in found}) == 1
    assert len(found) == 2
