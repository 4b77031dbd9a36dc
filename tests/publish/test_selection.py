"""Selecting and joining: whole documents, full and empty."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from publish.document import frame
from publish.formats import WRITERS, Format
from publish.render import render
from publish.selection import CRITERIA, excluded_by, lifetime, matches, metadata
from stories.config import Config, Feed, Wire
from stories.db import feeds
from stories.models import Category, Version
from tests.publish.checks import NAMES, check_atom, check_json, check_rss, parse
from tests.publish.samples import config, english, hindi, story, urdu, version

FORMATS: tuple[Format, ...] = ("rss", "atom", "json")


def wires(*every: int) -> tuple[Wire, ...]:
    return tuple(
        Wire(name=f"w{i}", url="https://w.example/", every=timedelta(seconds=s))
        for i, s in enumerate(every)
    )


@pytest.mark.parametrize(
    ("criteria", "fields", "expected"),
    [
        ({}, {}, True),
        ({"wires": ("pti",)}, {}, True),
        ({"wires": ("ani", "pti")}, {}, True),
        ({"wires": ("ani",)}, {}, False),
        ({"categories": ("national",)}, {}, True),
        ({"categories": ("Sports", " ECONOMY ")}, {}, True),
        ({"categories": ("Sports",)}, {}, False),
        ({"categories": ("Sports",)}, {"categories": ()}, False),
        ({"categories": ("राष्ट्रीय",)}, {"categories": (Category(label="राष्ट्रीय"),)}, True),
        ({"languages": ("en",)}, {}, True),
        ({"languages": ("EN-in",)}, {}, True),
        ({"languages": ("en-GB", "hi")}, {}, False),
        ({"languages": ("hi",)}, {"language": "hi_IN"}, True),
        ({"languages": ("hi",)}, {"language": None}, False),
        ({"languages": ("hi_IN",)}, {"language": "hi-IN"}, True),
        ({"keywords": ("GST",)}, {}, True),
        ({"keywords": ("tax", "cess")}, {}, True),
        ({"keywords": ("tax",)}, {}, False),
        # In headline, summary or body, as whole words, whatever the script.
        ({"keywords": ("Ukraine",)}, {"headline": "UKRAINE's harbour reopens"}, True),
        ({"keywords": ("ukraine",)}, {"body": "<p>Pro-<b>Ukr</b>aine rally</p>"}, True),
        ({"keywords": ("Ukraine",)}, {"body": "<p>Ukrainers and newUkraine</p>"}, False),
        ({"keywords": ("Ukraine",)}, {"body": '<a href="/ukraine">x</a>'}, False),
        ({"keywords": ("prime  minister",)}, {"body": "<p>The Prime\nMinister said</p>"}, True),
        ({"keywords": ("Straße",)}, {"body": "<p>die STRASSE</p>"}, True),
        ({"keywords": ("café",)}, {"body": "<p>the cafe\u0301 opened</p>"}, True),
        ({"keywords": ("cafe",)}, {"body": "<p>the cafe\u0301 opened</p>"}, False),
        ({"keywords": ("C++", "#MeToo")}, {"headline": "On #MeToo, again"}, True),
        ({"keywords": ("भारत",)}, {"body": "<p>भारत ने कहा</p>"}, True),
        ({"keywords": ("भारत",)}, {"body": "<p>भारती ने कहा</p>"}, False),
        ({"keywords": ("جنگ",)}, {"body": "<p>جنگ، امن</p>"}, True),
        ({"keywords": ("جنگ",)}, {"body": "<p>جنگل</p>"}, False),
        ({"keywords": ("ইউক্রেন",)}, {"headline": "ইউক্রেন: যুদ্ধ"}, True),
        ({"keywords": ("烏克蘭",)}, {"body": "<p>關於烏克蘭的消息</p>"}, True),
        ({"keywords": ("우크라이나",)}, {"body": "<p>우크라이나는</p>"}, True),
        ({"keywords": ("ยูเครน",)}, {"body": "<p>ในยูเครนวันนี้</p>"}, True),
        # However they are set: marks, hyphens, joiners, the Turkish capital.
        ({"keywords": ("Côte d'Ivoire",)}, {"headline": "In Côte d’Ivoire"}, True),
        ({"keywords": ("COVID-19",)}, {"headline": "Covid\u201119 rules"}, True),
        ({"keywords": ("covid-19",)}, {"headline": "Covid 19 rules"}, False),
        ({"keywords": ("harbour",)}, {"headline": "har\u00adbour"}, True),
        ({"keywords": ("کتاب",)}, {"headline": "کـتاب"}, True),
        ({"keywords": ("کتاب",)}, {"headline": "کتاب\u200cها"}, False),
        ({"keywords": ("istanbul",)}, {"headline": "İstanbul"}, True),
        ({"agencies": ("press trust of  india",)}, {}, True),
        ({"agencies": ("ANI", "pti")}, {"agency_code": "PTI"}, True),
        ({"agencies": ("ANI",)}, {"agency_code": "PTI"}, False),
        ({"agencies": ("Press Trust",)}, {}, False),
        ({"places": ("new delhi",)}, {"dateline": "NEW DELHI, Nov 22 (PTI)"}, True),
        ({"places": ("Delhi", "Goa")}, {"dateline": "NEW DELHI, Nov 22 (PTI)"}, True),
        ({"places": ("Goa",)}, {"dateline": "GOALPARA, Nov 22"}, False),
        ({"places": ("नयी दिल्ली",)}, {"dateline": "नयी दिल्ली, 22 नवंबर (भाषा)"}, True),
        ({"places": ("Goa",)}, {"dateline": None, "categories": (Category(label="Goa"),)}, True),
        ({"places": ("Goa",)}, {"dateline": None, "body": "<p>In Goa</p>"}, False),
        ({"urgency": (1, 2, 3)}, {}, True),
        ({"urgency": (1, 2)}, {}, False),
        ({"urgency": (1,)}, {"urgency": None}, False),
        ({"wires": ("pti",), "languages": ("en",), "keywords": ("gst",)}, {}, True),
        ({"wires": ("pti",), "languages": ("en",), "keywords": ("tax",)}, {}, False),
    ],
)
def test_matches(criteria: dict[str, Any], fields: dict[str, Any], expected: bool) -> None:
    of: Version = version(**fields)
    feed = Feed(name="f", title="F", **criteria)
    assert matches(feed, of) is expected
    why = excluded_by(feed, story(of), "verbatim")
    assert (why == []) is expected
    assert set(why) <= criteria.keys()


def test_every_criterion_that_a_story_does_not_meet_is_named() -> None:
    """A setting that selects and is not among them would be found here: a story that is not in the
    feed would have no reason."""
    feed = Feed(name="f", title="F", wires=("ani",), urgency=(3,), keywords=("tax",))
    assert excluded_by(feed, story(), "verbatim") == ["wires", "keywords"]
    assert excluded_by(feed, story(also=("ani",)), "verbatim") == ["keywords"]
    of = Feed(name="f", title="F", scopes=("verbatim",))
    assert excluded_by(of, story(), "edited") == ["scopes"]
    assert excluded_by(of, story(), None) == []
    plain = {"name", "aliases", "title", "description", "limit", "private", "headline_limit"}
    assert {*CRITERIA} == Feed.model_fields.keys() - plain


def test_a_feed_of_a_scope_waits_for_what_is_measured() -> None:
    feed = Feed(name="f", title="F", scopes=("verbatim", "headline-only"))
    found = {scope: matches(feed, version(), scope) for scope in ("verbatim", "edited", "unknown")}
    assert found == {"verbatim": True, "edited": False, "unknown": False}
    assert matches(feed, version())


def documents(conf: Config, updated: datetime | None, *stories: Any) -> dict[Format, bytes]:
    found = [render(each, conf) for each in stories]
    of = metadata(conf.feeds[0], conf, updated)
    return {form: frame(of, form).join([getattr(each, form) for each in found]) for form in FORMATS}


def test_entries_stand_in_the_order_given() -> None:
    made = documents(config(), english().changed_at, urdu(), english(), hindi())
    guids = [urdu().guid, english().guid, hindi().guid]
    assert [item.findtext("guid") for item in check_rss(made["rss"])] == guids
    entries = check_atom(made["atom"])
    assert [entry.findtext("atom:id", namespaces=NAMES) for entry in entries] == guids
    assert [item["id"] for item in check_json(made["json"])] == guids


def test_entries_are_joined_untouched() -> None:
    conf = config()
    found = [render(each, conf) for each in (english(), hindi())]
    for form in FORMATS:
        fragments = [getattr(each, form) for each in found]
        document = frame(metadata(conf.feeds[0], conf, english().changed_at), form).join(fragments)
        for fragment in fragments:
            assert document.count(fragment) == 1
        assert document.endswith(b"\n")


def test_namespaces_are_declared_once() -> None:
    made = documents(config(), english().changed_at, english(), hindi(), urdu())
    for prefix in (b"atom", b"content", b"dc", b"media", b"wirecopy"):
        assert made["rss"].count(b"xmlns:" + prefix + b"=") == 1
    assert made["atom"].count(b"xmlns=") == 1
    for uri in NAMES.values():
        assert made["rss"].count(uri.encode()) == 1
    assert b"ns0:" not in made["rss"] + made["atom"]


def test_an_empty_feed_is_valid_and_without_a_date() -> None:
    made = documents(config(), None)
    assert check_rss(made["rss"]) == []
    assert check_atom(made["atom"]) == []
    assert check_json(made["json"]) == []
    assert b"lastBuildDate" not in made["rss"]


def test_the_head_of_each_format() -> None:
    conf = config(
        feeds=(Feed(name="top", title="Top & <b>", description="D & d", languages=("en_IN",)),)
    )
    ist = timezone(timedelta(hours=5, minutes=30))
    made = documents(conf, datetime(2026, 11, 22, 18, 30, 15, 5, tzinfo=ist))
    channel = parse(made["rss"])[0]
    told: list[tuple[str, str | None]] = [
        (str(e.tag), e.text) for e in channel if "{" not in str(e.tag) and e.tag != "image"
    ]
    assert dict(told) == {
        "title": "Top & <b>",
        "link": "https://feeds.ndtv.com/feeds/top",
        "description": "D & d",
        "docs": "http://www.rssboard.org/rss-specification",
        "generator": "Wirecopy",
        "language": "en-IN",
        "lastBuildDate": "Sun, 22 Nov 2026 13:00:15 +0000",
        "ttl": "5",
    }
    [image] = channel.iterfind("image")
    assert [each.text for each in image] == [
        "https://feeds.ndtv.com/icon.png",
        "Top & <b>",
        "https://feeds.ndtv.com/feeds/top",
    ]
    [own, licence] = channel.iterfind("atom:link", NAMES)
    assert licence.get("rel") == "license"
    assert own.items() == [
        ("href", "https://feeds.ndtv.com/feeds/top.rss"),
        ("rel", "self"),
        ("type", "application/rss+xml"),
    ]
    atom = parse(made["atom"])
    assert atom.findtext("atom:title", namespaces=NAMES) == "Top & <b>"
    assert atom.findtext("atom:subtitle", namespaces=NAMES) == "D & d"
    assert atom.findtext("atom:updated", namespaces=NAMES) == "2026-11-22T13:00:15+00:00"
    assert atom.findtext("atom:author/atom:name", namespaces=NAMES) == "NDTV"
    assert atom.findtext("atom:generator", namespaces=NAMES) == "Wirecopy"
    assert atom.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-IN"
    assert [dict(link.attrib) for link in atom.iterfind("atom:link", NAMES)] == [
        {
            "href": "https://feeds.ndtv.com/feeds/top.atom",
            "rel": "self",
            "type": "application/atom+xml",
        },
        {"href": "https://feeds.ndtv.com/feeds/top", "rel": "alternate", "type": "text/html"},
        {
            "rel": "license",
            "type": "application/rsl+xml",
            "href": "https://feeds.ndtv.com/licences/search.xml",
        },
    ]
    assert json.loads(made["json"])["title"] == "Top & <b>"


def test_a_head_holds_no_character_xml_cannot_hold() -> None:
    conf = config(feeds=(Feed(name="top", title="To\x00p\x0b\ufffe", description="\x01\ud800"),))
    made = documents(conf, None)
    assert parse(made["rss"])[0].findtext("title") == "Top "
    assert parse(made["rss"])[0].findtext("description") == "\ufffd"
    check_atom(made["atom"])
    check_json(made["json"])


def test_the_head_moves_with_nothing_but_its_newest_entry() -> None:
    conf = config()
    first, again = documents(conf, english().changed_at), documents(conf, english().changed_at)
    assert first == again
    later = documents(conf, english().changed_at + timedelta(seconds=1))
    assert later["rss"] != first["rss"]
    assert later["json"] == first["json"]


def test_a_feed_keeps_its_id_when_the_site_moves() -> None:
    ids = {
        parse(documents(conf, None)["atom"]).findtext("atom:id", namespaces=NAMES)
        for conf in (config(), config(site={"url": "https://moved.example"}))
    }
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("every", "of", "minutes"),
    [
        ((120, 600), (), 2),
        ((120, 600), ("w1",), 10),
        ((5,), (), 1),
        ((86400,), (), 30),
        ((), (), 30),
    ],
)
def test_lifetime_follows_the_fastest_wire(
    every: tuple[int, ...], of: tuple[str, ...], minutes: int
) -> None:
    conf = config(wires=wires(*every), feeds=(Feed(name="f", title="F", wires=of),))
    assert lifetime(conf.feeds[0], conf) == timedelta(minutes=minutes)
    assert parse(documents(conf, None)["rss"])[0].findtext("ttl") == str(minutes)


def test_the_language_is_said_only_when_there_is_one() -> None:
    both = tuple(
        Wire(name=name, url="https://w.example/", language=tag)
        for name, tag in (("en", "en-IN"), ("hi", "hi"))
    )
    feeds = (Feed(name="all", title="A"), Feed(name="hindi", title="H", wires=("hi",)))
    conf = config(wires=both, feeds=feeds)
    assert b"<language>" not in frame(metadata(feeds[0], conf, None), "rss").join([])
    assert b"<language>hi</language>" in frame(metadata(feeds[1], conf, None), "rss").join([])


def test_content_types() -> None:
    assert {name: writer.content_type for name, writer in WRITERS.items()} == {
        "rss": "application/rss+xml; charset=utf-8",
        "atom": "application/atom+xml; charset=utf-8",
        "json": "application/feed+json",
    }


def test_a_thousand_entries() -> None:
    conf = config()
    one = render(story(desk="New"), conf)
    guid = story().guid.encode()
    of = metadata(conf.feeds[0], conf, datetime(2026, 1, 1, tzinfo=UTC))
    checks: tuple[tuple[Format, Any], ...] = (
        ("rss", check_rss),
        ("atom", check_atom),
        ("json", check_json),
    )
    for form, check in checks:
        fragments = [getattr(one, form).replace(guid, b"urn:x:%d" % i) for i in range(1000)]
        document = frame(of, form).join(fragments)
        assert len(check(document)) == 1000


def test_every_format_has_a_writer() -> None:
    assert tuple(WRITERS) == FORMATS == feeds.FORMATS


def test_what_a_feed_says_of_itself_follows_the_store_and_the_configuration() -> None:
    conf, at = config(), datetime(2026, 1, 1, tzinfo=UTC)
    feed = conf.outgoing[0]
    before = metadata(feed, conf, None)
    assert metadata(feed, conf, None) == before
    conf.recall("elsewhere.example", {"feed": {feed.name: "once"}}, {})
    after = metadata(feed, conf, at, older=7)
    assert after.id != before.id
    assert (after.updated, after.older) == (at, 7)
    other = conf.model_copy(update={"wires": wires(1500)})
    assert metadata(feed, other, None).ttl == 25
    assert metadata(feed, conf, None).ttl == before.ttl != 25


@pytest.mark.parametrize("feeds", [(), (Feed(name="all", title="All"),)])
def test_all_wires_are_looked_at_once_for_what_a_feed_says_of_itself(
    monkeypatch: pytest.MonkeyPatch, feeds: tuple[Feed, ...]
) -> None:
    """That takes a quarter of a second with 100,000, and is asked for with each change. Where no
    feed is configured there is one all the same."""
    looks: list[Feed] = []

    def count(feed: Feed, config: Config) -> timedelta:
        looks.append(feed)
        return lifetime(feed, config)

    monkeypatch.setattr("publish.selection.lifetime", count)
    conf = config().model_copy(update={"feeds": feeds})
    for _ in range(3):
        metadata(conf.outgoing[0], conf, None)
    assert len(looks) == 1
