"""Scopes in plain words, dates with their zone, directions, and JSON inside HTML."""

import json
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from publish.entry import direction
from publish.web.story import in_script
from publish.web.wording import (
    badge,
    legend,
    listed,
    moment,
    without_bidi_marks,
    zone_of,
)
from stories.config import Wire
from tests.publish import samples
from wirecopy.scope import PARTS, SCOPES

IST = timezone(timedelta(hours=5, minutes=30))
AT = datetime(2026, 11, 22, 20, 0, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_has_words_of_its_own(scope: str) -> None:
    mark = badge(scope, "PTI", PARTS)
    assert mark.scope == scope
    assert [m.label for m in legend()].count(mark.label) == 1
    assert "{" not in mark.sentence


def test_a_scope_nobody_knows_claims_nothing() -> None:
    assert badge("golden", "PTI").label == "Not measured"


def test_what_differs_is_named() -> None:
    told = badge("packaging", "PTI", ("headline", "links", "packaging")).sentence
    assert told.endswith("around it: headline, links and summary and tags.")
    assert "\u2068PTI\u2069" in told  # kept apart from the sentence, whichever way it is written


def test_an_agency_may_be_called_anything() -> None:
    assert "{parts} %s" in badge("verbatim", "{parts} %s").sentence


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists(names: list[str], text: str) -> None:
    assert listed(names) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (UTC, "22 November 2026, 20:00 UTC"),
        (ZoneInfo("Asia/Kolkata"), "23 November 2026, 01:30 IST"),
        (IST, "23 November 2026, 01:30 UTC+05:30"),
        (ZoneInfo("Asia/Dubai"), "23 November 2026, 00:00 UTC+04:00"),
        (ZoneInfo("Europe/London"), "22 November 2026, 20:00 GMT"),
        (timezone(timedelta(hours=-3, minutes=-30)), "22 November 2026, 16:30 UTC-03:30"),
        (timezone(timedelta(0), "no letters"), "22 November 2026, 20:00 UTC"),
    ],
)
def test_moments(zone: tzinfo, text: str) -> None:
    told = moment(AT, zone)
    assert (told.text, told.iso) == (text, "2026-11-22T20:00:59Z")


def test_a_moment_beside_another_of_its_day() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    assert moment(AT, zone, beside=AT - timedelta(minutes=80)).text == "01:30 IST"
    told = moment(AT, zone, beside=AT - timedelta(minutes=100)).text
    assert told == "23 November 2026, 01:30 IST"


def test_the_zone_is_the_wires_or_the_agencys() -> None:
    wires = (
        Wire(name="pti", url="https://a.example/", timezone="Asia/Kolkata"),
        Wire(name="ap", url="https://b.example/"),
    )
    config = samples.config(wires=wires, feeds=())
    assert zone_of(config, "pti", AT) == ZoneInfo("Asia/Kolkata")
    assert zone_of(config, "ap", AT.astimezone(IST)) == IST
    assert zone_of(config, "ap", None) == UTC
    assert zone_of(config, "no longer configured", None) == UTC


@pytest.mark.parametrize(
    ("language", "way"),
    [
        ("en", "ltr"),
        ("hi-IN", "ltr"),
        ("ta", "ltr"),
        ("ur", "rtl"),
        ("UR-pk", "rtl"),
        ("ar-EG", "rtl"),
        ("sd", "rtl"),
        ("sd-Deva", "ltr"),
        ("pa-Arab-PK", "rtl"),
        ("pa-IN", "ltr"),
        ("ur-Latn", "ltr"),
        ("en-x-arab", "ltr"),
        ("urx", "ltr"),
        ("", "auto"),
        (None, "auto"),
    ],
)
def test_directions(language: str | None, way: str) -> None:
    assert direction(language) == way


def test_marks_that_turn_are_left_out_and_joiners_stay() -> None:
    assert (
        without_bidi_marks("a\u202eb\u2066c\u200fd\u061ce क्\u200dष न\u200cह")
        == "abcde क्\u200dष न\u200cह"
    )


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _json, max_size=5))
def test_json_survives_html_and_ends_no_script(values: dict[str, Any]) -> None:
    written = in_script({**values, "x": "</script><!--<script>\u2028&amp;"})
    assert not set(written) & set("<>&\u2028\u2029")
    page = html.document_fromstring(f'<script type="application/ld+json">{written}</script><p>ok')
    assert len(page.findall(".//script")) == 1
    assert json.loads(str(written))["x"] == "</script><!--<script>\u2028&amp;"
    assert {k: v for k, v in json.loads(str(written)).items() if k != "x"} == {
        k: v for k, v in values.items() if k != "x"
    }
