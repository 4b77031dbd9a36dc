"""Ids are made once: no other address of the publisher and no other name of a wire moves them."""

from contextlib import closing

import pytest

from ingest import intake, parse
from publish.entry import urn
from publish.renderer import render_feed
from stories import clock
from stories.config import Config, Kind
from stories.db import captures, key_value, outbox, wires
from stories.errors import ConfigError
from tests.conftest import ConfigOf
from tests.living import feed, item
from workers.start import open_store, start

WIRE = {"name": "heron", "url": "https://heron.example/f"}


def named_id(config: Config, kind: Kind, name: str) -> str:
    return urn(config, kind, config.first_name(kind, name))


def ids(config: Config) -> list[str]:
    start(config).close()
    return [
        named_id(config, "feed", "all"),
        named_id(config, "wire", "heron"),
        config.publisher.authority,
    ]


def receive(config: Config, name: str) -> None:
    """Take a story in on the wire of that name."""
    with closing(open_store(config)) as store:
        with store.write() as conn:
            captures.add(conn, name, clock.now(), WIRE["url"], [], feed(item("1", "Rain")))
            outbox.want(conn, "ingest", [name], clock.now())
        assert intake.take_in_waiting(store, config, reader=parse.parse) == 1


@pytest.mark.parametrize(
    "url", ["https://daily.example.in", "https://example.org/daily", "http://x"]
)
def test_the_publishers_address_moves_no_id(config: ConfigOf, url: str) -> None:
    before = config(wires=[WIRE])
    moved = {"name": before.publisher.name, "url": url}
    first = ids(before)
    receive(before, "heron")
    after = config(wires=[WIRE], publisher=moved)
    assert after.publisher.authority != first[2]
    assert ids(after) == first
    looking = config(wires=[WIRE], publisher=moved)
    open_store(looking).close()
    assert looking.publisher.authority == first[2]


def test_a_typo_in_the_address_stays_in_no_id_while_there_is_none(config: ConfigOf) -> None:
    def at(host: str) -> Config:
        return config(wires=[WIRE], publisher={"name": "D", "url": f"https://{host}"})

    open_store(at("dialy.example")).close()
    for look in (ids, lambda room: receive(room, "heron")):
        for host in ("dayli.example", "daily.example"):
            room = at(host)
            start(room).close()
            assert room.publisher.authority == host
        look(room)
    late = at("dialy.example")
    start(late).close()
    assert late.publisher.authority == "daily.example"


def test_a_draft_that_was_looked_at_binds_nobody(config: ConfigOf) -> None:
    """Another host, and the wire under another name, before anything came."""
    open_store(config(wires=[WIRE])).close()
    renamed = {**WIRE, "name": "heron-national"}
    other = {"name": "The Daily Test", "url": "https://right.example"}
    with closing(start(config(wires=[renamed], publisher=other))) as store, store.read() as conn:
        assert [wire.name for wire in wires.every(conn)] == ["heron-national"]
        assert key_value.read(conn, key_value.AUTHORITY) == "right.example"


@pytest.mark.parametrize("agency", [{}, {"agency": "Heron"}, {"agency": "Egret", "code": "EGR"}])
def test_a_new_wire_at_the_address_of_one_that_left_says_whether_it_is_that_one(
    config: ConfigOf, agency: dict[str, str]
) -> None:
    """Also when its agency is renamed in the same edit."""
    other = {"name": "egret", "url": "https://egret.example/f"}
    fresh = {**WIRE, **agency, "name": "heron-national"}
    start(config(wires=[WIRE])).close()
    receive(config(wires=[WIRE]), "heron")
    for wire in (fresh, {**fresh, "aliases": ["somebody-else"]}):
        with pytest.raises(ConfigError, match=r"url that 'heron' had .* aliases = \["):
            start(config(wires=[wire]))
    start(config(wires=[WIRE, {**WIRE, "name": "second"}, other])).close()  # beside it
    start(config(wires=[WIRE, other])).close()
    started = config(wires=[{**fresh, "aliases": []}, other])
    start(started).close()
    receive(started, "heron-national")
    with pytest.raises(ConfigError, match="'heron-national' and 'heron' have stories of their own"):
        start(config(wires=[{**fresh, "aliases": ["heron"]}, other]))


def test_ids_are_of_the_first_name_through_every_rename(config: ConfigOf) -> None:
    def wire(name: str, *aliases: str, url: str = WIRE["url"]) -> dict[str, object]:
        return {"name": name, "url": url, "aliases": aliases}

    first = ids(config(wires=[WIRE]))[1]
    renames: list[list[dict[str, object]]] = [
        [wire("a", "heron")],
        [wire("b", "a", "heron")],
        [{"name": "b", "url": WIRE["url"]}],  # the alias may go
        [wire("b", url="https://heron.example/g")],
        [wire("c", "never-seen", "b")],
    ]
    for named in renames:
        room = config(wires=named)
        start(room).close()
        assert named_id(room, "wire", str(named[0]["name"])) == first
        looking = config(wires=named)
        open_store(looking).close()
        assert named_id(looking, "wire", str(named[0]["name"])) == first
    both = config(wires=[wire("c"), wire("heron", url="https://other.example/f")])
    start(both).close()
    assert named_id(both, "wire", "c") == first != named_id(both, "wire", "heron"), (
        "a name used anew"
    )
    assert both.first_name("wire", "heron") == "heron-2"
    back = config(wires=[wire("heron-2", "c"), wire("heron")])
    start(back).close()
    assert (named_id(back, "wire", "heron-2"), back.first_name("wire", "heron")) == (
        first,
        "heron-2",
    )


def test_a_feeds_id_is_of_its_first_name(config: ConfigOf) -> None:
    def named(*feeds: tuple[str, ...]) -> dict[str, str]:
        room = config(feeds=[{"name": n, "title": "T", "aliases": old} for n, *old in feeds])
        store = start(room)
        for name, *_ in feeds:
            render_feed(store, room, name)
        store.close()
        return {name: named_id(room, "feed", name) for name, *_ in feeds}

    first = named(("india",))["india"]
    assert named(("bharat", "india")) == {"bharat": first}
    assert named(("bharat",)) == {"bharat": first}, "the alias may go"
    # A member with the old file starts once more, and then one with the new file.
    assert named(("india",)) == {"india": first}
    assert named(("bharat", "india")) == {"bharat": first}
    assert named(("home",))["home"] != first
    assert named(("bharat",), ("home",))["bharat"] == first, "it came back"
    both = named(("bharat",), ("india",))
    assert both["bharat"] == first != both["india"], "a name used anew"
    assert named(("one", "bharat", "india"))["one"] == first, "two become one"


@pytest.mark.parametrize(
    ("aliases", "fault"),
    [
        ((("a",), ("b", "a")), "'a' is an alias of 'b' and a name"),
        ((("a", "a"),), "'a' is an alias of 'a' and a name"),
        ((("a", "x"), ("b", "x")), "'x' is an alias of 'a' and 'b'"),
        ((("a", "Ärger"),), "a name is 1 to 63"),
    ],
)
@pytest.mark.parametrize("kind", ["wires", "feeds"])
def test_an_alias_is_nobodys_name(
    config: ConfigOf, kind: str, aliases: tuple[tuple[str, ...], ...], fault: str
) -> None:
    more = {"wires": {"url": "https://heron.example/f"}, "feeds": {"title": "T"}}[kind]
    listed = [{"name": name, "aliases": former, **more} for name, *former in aliases]
    with pytest.raises(ValueError, match=fault):
        config(**{kind: listed})


def test_a_feed_that_asks_for_a_wire_by_its_former_name_is_told_the_new_one(
    config: ConfigOf,
) -> None:
    wires = [{**WIRE, "name": "a", "aliases": ["heron"]}]
    with pytest.raises(ValueError, match="asks for wire 'heron', which is 'a' now"):
        config(wires=wires, feeds=[{"name": "f", "title": "F", "wires": ["heron"]}])
