"""The log: all that was done, by whom, before and after; whole over its pages, safe as a table."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import pytest

from desk import people as letting
from desk.headline import rewrite
from desk.newsroom.acts import Desk
from desk.newsroom.log import PAGE, place_of
from stories import clock
from stories.config import Config
from stories.db import Store, log, people, wire_acts
from stories.db.log import START, Place
from stories.db.wire_acts import WireAct
from stories.models import WHOLE
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Browser, living, newsroom, signed_in
from tests.living import Life, item

MINUTE = timedelta(minutes=1)


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    return config(
        wires=[{"name": "w", "agency": "Agency", "url": "https://agency.example/f"}], desk={}
    )


@pytest.fixture
def life(conf: Config, store: Store) -> Iterator[Life]:
    life = living(conf, store, item("one", "Ferry sinks"), item("two", "Bridge shut"))
    with clock.reading(lambda: life.now):
        yield life


@pytest.fixture
def reader(life: Life) -> Browser:
    return signed_in(newsroom(life), life.store, "Ravi", "reader")


def write(life: Life, guid: str, text: str | None, by: str) -> None:
    life.now += MINUTE
    rewrite(life.store, life.stories()[guid], text, by)


def rows(browser: Browser, path: str) -> list[list[str]]:
    page = browser.opened(path)
    assert page.status == 200
    return [
        [" ".join(cell.text_content().split()) for cell in row.xpath("td")][1:]
        for row in page.page.xpath("//tbody/tr")
    ]


def test_all_that_was_done_is_there_with_what_stood_before(life: Life, reader: Browser) -> None:
    write(life, "one", "Ferry lost", "Meera")
    write(life, "one", "Ferry found", "Arjun")
    life.act("one", "hold", MINUTE)
    life.act("one", "kill", MINUTE)
    life.act("one", "release", MINUTE)
    write(life, "one", None, "Meera")
    assert rows(reader, "/log") == [
        ["Meera", "Ferry sinks", "headline", "Ferry found", "the wire’s"],
        ["Asha", "Ferry sinks", "release: a reason", "killed", "usable"],
        ["Asha", "Ferry sinks", "kill: a reason", "withheld", "killed"],
        ["Asha", "Ferry sinks", "hold: a reason", "usable", "withheld"],
        ["Arjun", "Ferry sinks", "headline", "Ferry lost", "Ferry found"],
        ["Meera", "Ferry sinks", "headline", "the wire’s", "Ferry lost"],
    ]
    assert [row[0] for row in rows(reader, "/log?by=Asha")] == ["Asha"] * 3
    assert rows(reader, "/log?by=Nobody") == []


def test_what_was_done_to_wires_and_people_is_there(life: Life) -> None:
    asha = signed_in(newsroom(life), life.store, "Asha", "chief")
    asha.opened("/wires/w")
    asha.send("/wires/w/pause")
    with life.store.write() as conn:
        at = life.now + MINUTE
        wire_acts.add(conn, WireAct("w", "leave", "Meera", at, 7, 2, "d" * 64))
        wire_acts.add(conn, WireAct("w", "leave", "Meera", at, 8, WHOLE))
    life.now += 2 * MINUTE
    letting.add(life.store, life.config, "Arjun", "reader", "Asha")
    letting.set_role(life.store, "Arjun", "editor", "Asha")
    life.now += MINUTE
    letting.link(life.store, life.config, "Arjun", "Asha")
    letting.revoke(life.store, "Arjun", "Asha")
    assert rows(asha, "/log") == [
        ["Asha", "person Arjun", "revoke", "editor", ""],
        ["Asha", "person Arjun", "link", "editor", "editor"],
        ["Asha", "person Arjun", "role", "reader", "editor"],
        ["Asha", "person Arjun", "add", "", "reader"],
        ["Meera", "wire w", "leave: capture 8", "", ""],
        ["Meera", "wire w", "leave: item 3 of capture 7", "", ""],
        ["Asha", "wire w", "pause", "", ""],
    ]
    found = list(csv.DictReader(io.StringIO(asha.ask("/log.csv").text)))
    assert [(row["person"], row["wire"]) for row in found[3:5]] == [("Arjun", ""), ("", "w")]


def test_what_is_settled_is_there_also_when_it_is_taken_back(life: Life) -> None:
    desk = Desk(life.store, life.config, lambda _: None)
    for step, by in ((desk.settle, "Meera"), (desk.undo, "Arjun"), (desk.settle, "Arjun")):
        life.now += MINUTE
        step(life.stories()["two"], by, None)
    desk.settle(life.stories()["two"], "Meera", None)  # somebody has already
    asha = signed_in(newsroom(life), life.store, "Asha", "reader")
    assert rows(asha, "/log") == [
        ["Arjun", "Bridge shut", "settle", "", "settled"],
        ["Arjun", "Bridge shut", "unsettle", "settled", ""],
        ["Meera", "Bridge shut", "settle", "", "settled"],
    ]
    assert [row[0] for row in rows(asha, "/log?by=Meera")] == ["Meera"]
    found = list(csv.DictReader(io.StringIO(asha.ask("/log.csv").text)))
    assert [(row["what"], row["story"]) for row in found[1:2]] == [
        ("unsettle", life.stories()["two"])
    ]


def test_who_sets_a_password_is_there_as_it_lets_somebody_in(life: Life) -> None:
    letting.add(life.store, life.config, "Arjun", "reader", "Asha")
    life.now += MINUTE
    with life.store.write() as conn:
        people.give_link(conn, "arjun", "token", life.now + MINUTE)
        assert people.set_password(conn, "token", "hash", life.now) is not None
    asha = signed_in(newsroom(life), life.store, "Asha", "reader")
    assert rows(asha, "/log")[0] == ["Arjun", "person Arjun", "password", "reader", "reader"]


def test_its_pages_have_everything_once(life: Life, reader: Browser) -> None:
    for number in range(PAGE + 3):
        write(life, "one", f"Headline {number}", "Meera")
        if number % 9 == 0:
            life.act("two", "release" if number % 2 else "hold", MINUTE)
    first = reader.opened("/log")
    (older,) = first.page.xpath("//a[@rel='next']/@href")
    said = [*rows(reader, "/log"), *rows(reader, older)]
    with life.store.read() as conn:
        every = log.newest(conn, None, None, 999)
    assert len(said) == len(every) > PAGE + 3
    assert [row[0] for row in said] == [each.by for each in every]
    assert [each.at for each in every] == sorted((each.at for each in every), reverse=True)


def test_as_csv_it_computes_nothing(life: Life, reader: Browser) -> None:
    for text in ('=HYPERLINK("https://x.example","x")', "-Rain, “quoted”", "غرق\u2028العبارة"):
        write(life, "one", text, "Meera")
    sent = reader.ask("/log.csv")
    assert sent.headers["content-disposition"].startswith("attachment")
    found = list(csv.DictReader(io.StringIO(sent.text)))
    assert [row["after"] for row in found] == [
        "غرق العبارة",
        "'-Rain, “quoted”",
        '\'=HYPERLINK("https://x.example","x")',
    ]
    assert found[-1]["before"] == "(the wire's)"
    assert found[0]["story"] == life.stories()["one"]
    assert list(csv.DictReader(io.StringIO(reader.ask("/log.csv?by=Nobody").text))) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("12.3.0.7.1", (12, 3, 0, 7, 1)),
        ("0.0.0.0.0", START),
        *((text, None) for text in ("", "1.x.0.0.0", "12.3", "12.3.0.7")),
    ],
)
def test_places_in_addresses(text: str, place: Place | None) -> None:
    assert place_of(text) == place
    assert place_of(f"{text}.9.9.9.9") is None
    assert place_of("9" * 30 + ".1.1.1.1") is None


def test_nobody_reads_it_without_signing_in(life: Life) -> None:
    for path in ("/log", "/log.csv"):
        assert Browser(newsroom(life)).ask(path).status == 303
