from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decide import guid_key, link_key, normal_url
from ingest.item import Item
from stories.models import IdentityRule
from tests.ingest.identities import identify

A, B = "https://wire.example/a", "https://wire.example/b"


def item(guid: str = "", link: str = "", headline: str = "H", **rest: str) -> Item:
    return Item(0, guid=guid, link=link, headline=headline, **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        # a guid serves
        ([item("1", A), item("2", B)], [("guid:1", None), ("guid:2", None)]),
        ([item(" 1\n", A)], [("guid:1", None)]),
        # missing
        ([item("", A)], [("link:" + A, "no guid")]),
        ([item("  ", A)], [("link:" + A, "no guid")]),
        # bears the headline
        ([item("Rain  stops", A, "Rain stops")], [("link:" + A, "the guid is the headline")]),
        ([item("RAIN STOPS", A, "Rain stops")], [("link:" + A, "the guid is the headline")]),
        # one guid on different links
        (
            [item("1", A, "One"), item("1", B, "Two")],
            [("link:" + A, "several stories share the guid")] * 1
            + [("link:" + B, "several stories share the guid")],
        ),
        # the same story twice
        ([item("1", A), item("1", A)], [("guid:1", None), ("guid:1", None)]),
        ([item("1", A), item("1", A + "?utm_source=x")], [("guid:1", None), ("guid:1", None)]),
        # two guids on one link stay two stories
        ([item("1", A, "One"), item("2", A, "Two")], [("guid:1", None), ("guid:2", None)]),
    ],
)
def test_guids_degrade_visibly(items: list[Item], expected: list[tuple[str, str | None]]) -> None:
    assert [(i.key, i.degraded) for i in identify(items, "guid")] == expected


def test_known_shared_guids_go_by_link_even_alone() -> None:
    (one,) = identify([item("1", A)], "guid", frozenset(["guid:1"]))
    assert (one.rule, one.key) == ("link", "link:" + A)


def test_guids_without_links_are_told_apart_by_their_headlines() -> None:
    one, two = identify([item("0", "", "One"), item("0", "", "Two")], "guid")
    assert (one.rule, two.rule) == ("digest", "digest")
    assert one.key != two.key
    assert one.degraded == "several stories share the guid; no link"


def test_a_front_page_that_all_link_to_identifies_none() -> None:
    one, two = identify([item("", A, "One"), item("", A, "Two")], "guid")
    assert (one.rule, two.rule) == ("digest", "digest")
    assert one.degraded == "no guid; several stories share the link"
    (known,) = identify([item("", A)], "guid", frozenset(["link:" + A]))
    assert known.rule == "digest"


def test_digests_hold_on_headline_and_first_date() -> None:
    dated = replace(item(headline="One"), published=("1 Nov",), body="x")
    undated = item(headline="One", body="<p>x</p>")
    keys = [i.key for i in identify([dated, replace(dated, body="y"), undated], "digest")]
    assert keys[0] == keys[1] != keys[2]
    pixel = replace(undated, body='<p>x</p><img src="p.gif" width="1" height="1">')
    assert identify([pixel], "digest")[0].key == keys[2]


@pytest.mark.parametrize(("rule", "key"), [("guid", "guid:1"), ("link", "link:" + A)])
def test_the_wires_own_rule_is_no_degradation(rule: IdentityRule, key: str) -> None:
    (one,) = identify([item("1", A)], rule)
    assert (one.rule, one.key, one.degraded) == (rule, key, None)


def test_headlines_in_markup_are_compared_as_words() -> None:
    marked = replace(item("Rain & wind", A, "Rain &amp; <b>wind</b>"), headline_html=True)
    assert identify([marked], "guid")[0].degraded == "the guid is the headline"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://Wire.Example/A", "https://wire.example/A"),
        ("https://wire.example", "https://wire.example/"),
        ("http://wire.example:80/a", "https://wire.example/a"),
        ("https://wire.example:443/a", "https://wire.example/a"),
        ("http://wire.example:8080/a", "https://wire.example:8080/a"),
        ("https://wire.example/a#publisher=newsstand", "https://wire.example/a"),
        ("https://wire.example/a?id=1&utm_source=x&fbclid=y", "https://wire.example/a?id=1"),
        ("https://wire.example/a?id=2", "https://wire.example/a?id=2"),
        ("https://wire.example/a?b=2&a=1", "https://wire.example/a?b=2&a=1"),
        ("https://u:p@wire.example/a", "https://wire.example/a"),
        ("http://[::1]:80/a", "https://[::1]/a"),
        ("  https://wire.example/a \n", "https://wire.example/a"),
        ("ftp://wire.example/a", ""),
        ("/a", ""),
        ("http://[broken/a", ""),
        ("http://wire.example:port/a", ""),
        ("", ""),
    ],
)
def test_links_are_brought_to_one_form(url: str, normal: str) -> None:
    assert normal_url(url) == normal
    assert link_key(normal_url(url)) == (f"link:{normal}" if normal else None)


@pytest.mark.parametrize(
    ("guid", "key"),
    [
        ("https://wire.example/a#publisher=newsstand", "guid:https://wire.example/a"),
        ("https://wire.example/a#utm_source=x&utm_medium=y", "guid:https://wire.example/a"),
        ("https://wire.example/live#post-7", "guid:https://wire.example/live#post-7"),
        ("https://wire.example/a#", "guid:https://wire.example/a#"),
        ("https://wire.example/a?id=1", "guid:https://wire.example/a?id=1"),
        ("http://Wire.Example/A", "guid:http://Wire.Example/A"),
        ("tag:wire.example,2026:1#publisher=x", "guid:tag:wire.example,2026:1#publisher=x"),
        ("", None),
    ],
)
def test_guids_stay_but_for_tracking_fragments(guid: str, key: str | None) -> None:
    assert guid_key(item(guid)) == key


def test_monstrous_keys_are_shortened_and_still_differ() -> None:
    long = [guid_key(item("x" * 1_000_000 + end)) for end in "ab"]
    assert long[0] != long[1]
    assert all(key and len(key) < 100 for key in long)


SOME = st.sampled_from(["", "1", "2", "H", A, A + "#publisher=newsstand"])
ITEMS = st.lists(
    st.builds(
        item,
        guid=SOME,
        link=st.sampled_from(["", A, B, A + "?utm_source=x"]),
        headline=st.sampled_from(["", "H", "1", "Other"]),
        body=st.sampled_from(["", "x"]),
    ),
    max_size=6,
)
RULES = st.sampled_from(["guid", "link", "digest"])


@given(ITEMS, RULES, st.randoms(use_true_random=False))
def test_identities_do_not_depend_on_order(
    items: list[Item], rule: IdentityRule, chance: object
) -> None:
    known = dict(zip(items, identify(items, rule), strict=True))
    shuffled = list(items)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert [known[i] for i in shuffled] == list(identify(shuffled, rule))


@given(ITEMS, RULES)
def test_degrading_is_always_told(items: list[Item], rule: IdentityRule) -> None:
    for identity in identify(items, rule):
        assert identity.key.startswith(f"{identity.rule}:")
        assert (identity.degraded is None) == (identity.rule == rule)


@given(st.text(max_size=80))
def test_keys_are_total(text: str) -> None:
    for one in (item(text, text, text), item("http://" + text, "https://" + text)):
        guid_key(one)
        link_key(normal_url(one.link))
        assert normal_url(normal_url(one.link)) == normal_url(one.link)
