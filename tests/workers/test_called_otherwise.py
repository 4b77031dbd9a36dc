"""A wire gets another name while members run with either file: it stays one wire, whoever starts
when, and its stories stay what they are."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ingest import intake, parse
from publish.rerender import settings_digest
from stories.config import Config
from stories.db import Store, captures, custody, outbox, wires
from stories.db import stories as records
from stories.db.custody import Pin
from stories.errors import ConfigError
from tests.conftest import ConfigOf
from tests.living import feed, item
from workers.start import start

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONE, TWO = "https://one.example/f", "https://two.example/f"

Files = dict[str, Config]


@pytest.fixture
def file(config: ConfigOf, database_url: str) -> Callable[..., Config]:
    def make(*wires: tuple[str, str] | tuple[str, str, list[str]]) -> Config:
        keys = ("name", "url", "aliases")
        listed = [dict(zip(keys, each, strict=False)) for each in wires]
        return config(wires=listed, database_url=database_url)

    return make


FileOf = Callable[..., Config]


def came(store: Store, name: str, *items: str) -> None:
    """What a poll of the wire of that name leaves."""
    with store.write() as conn:
        captures.add(conn, name, NOW, ONE, [], feed(*items))
        outbox.want(conn, "ingest", [name], NOW)


def take_in(store: Store, config: Config) -> int:
    """As a worker with that configuration does."""
    return intake.take_in_waiting(
        store, config, reader=parse.parse, settings=settings_digest(config)
    )


def known(store: Store) -> dict[str, bool]:
    """The wires on record, and whether each is configured."""
    with store.read() as conn:
        return {wire.name: wire.configured for wire in wires.every(conn)}


def ids(store: Store) -> dict[str, tuple[str, str]]:
    """Of each story its id and wire, by what the agency calls it."""
    with store.read() as conn:
        return {s.version.agency_id: (s.id, s.wire) for s in records.newest(conn, limit=1000)}


# Each after each: a walk over all pairs of these four.
ORDER = "ABACADBCBDCDA"


def test_one_wire_whichever_file_a_member_starts_with(store: Store, file: FileOf) -> None:
    """The file of before, two later names, one of them with another url; one without the alias."""
    files = {
        "A": file(("pti", ONE)),
        "B": file(("pti-national", TWO, ["pti"])),
        "C": file(("pti-national", TWO)),
        "D": file(("pti-india", TWO, ["pti-national"])),
    }
    first: str | None = None
    start(files["A"]).close()
    for number, letter in enumerate(ORDER):
        now = files[letter]
        start(now).close()
        name = now.wires[0].name
        assert known(store) == {name: True}
        came(store, name, item("first", f"Tram, {number}"), item(f"{number}", f"Rain {number}"))
        others = [each for each in files.values() if settings_digest(each) != settings_digest(now)]
        assert [take_in(store, other) for other in others] == [0] * len(others)
        assert take_in(store, now) == 1
        found = ids(store)
        first = first or found["first"][0]
        assert found["first"] == (first, name)
        assert found.keys() == {"first", *map(str, range(number + 1))}
        assert {wire for _, wire in found.values()} == {name}


def test_members_that_start_at_once_with_either_file_leave_one_wire(
    store: Store, file: FileOf
) -> None:
    files = [("pti", ONE, ["pti-national"]), ("pti-national", ONE, ["pti"])]
    start(file(files[0])).close()
    came(store, "pti", item("first", "Tram"))
    failed = list[BaseException]()

    def member(config: Config, began: threading.Barrier) -> None:
        try:
            began.wait(30)
            start(config).close()
        except BaseException as error:
            failed.append(error)

    for _ in range(8):
        began = threading.Barrier(4)
        members = [
            threading.Thread(target=member, args=(file(each), began)) for each in [*files, *files]
        ]
        for one in members:
            one.start()
        for one in members:
            one.join()
        assert failed == []
        [(name, configured)] = known(store).items()
        assert configured
    # Whoever was the last to start goes on.
    done = [take_in(store, file(each)) for each in files]
    assert done == [each[0] == name for each in files]
    assert ids(store)["first"][1] == name


def test_what_was_under_way_under_the_name_of_before_leaves_nothing_under_it(
    store: Store, file: FileOf
) -> None:
    old, new = file(("pti", ONE)), file(("pti-national", ONE, ["pti"]))
    start(old).close()
    came(store, "pti", item("first", "Tram"))
    with store.write() as conn:
        custody.pin(conn, Pin("pti", ONE))
        assert wires.take(conn, ["pti"], NOW)  # a poll,
        [job] = outbox.claim(conn, "ingest", NOW, 1)  # and an intake
    start(new).close()
    with store.write() as conn:
        custody.pin(conn, Pin("pti", TWO))  # the keys came, and then the feed
        values = {"polled_at": NOW, "due_at": NOW}
        assert wires.finish_polls(conn, {"pti": (wires.new_lease(), values)}) == set()
        assert not outbox.renew(conn, job, NOW)
    start(old).close()
    with store.read() as conn:
        assert [(pin.wire, pin.address) for pin in custody.every(conn)] == [("pti", ONE)]
        assert [capture.wire for capture in captures.listing(conn)] == ["pti"]
    assert known(store) == {"pti": True}


def test_names_that_were_swapped_are_not_swapped_back_by_an_older_file(
    store: Store, file: FileOf
) -> None:
    steps = [
        file(("a", ONE), ("b", TWO)),
        file(("x", ONE, ["a"]), ("b", TWO)),
        file(("x", ONE), ("a", TWO, ["b"])),
        file(("b", ONE, ["x"]), ("a", TWO)),
    ]
    start(steps[0]).close()
    came(store, "a", item("one", "Tram"))
    came(store, "b", item("two", "Rain"))
    assert take_in(store, steps[0]) == 2
    before = ids(store)
    for step in steps[1:]:
        start(step).close()
    for older in steps[:2]:
        with pytest.raises(
            ConfigError, match=r"has the url that '[abx]' had when it was called so"
        ):
            start(older)
    swapped = {"one": (before["one"][0], "b"), "two": (before["two"][0], "a")}
    assert ids(store) == swapped
    for step in steps[::-1][1:]:  # back by the same way
        start(step).close()
    assert ids(store) == before


def test_a_name_that_another_wire_had_is_free_for_who_says_so(store: Store, file: FileOf) -> None:
    old, new = file(("pti", ONE)), file(("pti-national", ONE, ["pti"]))
    start(old).close()
    came(store, "pti", item("first", "Tram"))
    start(new).close()
    with pytest.raises(ConfigError, match=r"'pti' is what 'pti-national' was called before"):
        start(file(("pti", TWO)))
    assert known(store) == {"pti-national": True}
    start(file(("pti-national", ONE), ("pti", TWO))).close()
    assert known(store) == {"pti-national": True, "pti": True}
    with pytest.raises(ConfigError, match="and another wire is called so now"):
        start(old)
    start(file(("pti", TWO))).close()
    assert known(store) == {"pti-national": False, "pti": True}


def test_another_wire_by_a_former_name_where_that_one_has_left(store: Store, file: FileOf) -> None:
    start(file(("pti", ONE))).close()
    start(file(("pti-national", ONE, ["pti"]))).close()
    start(file(("pti", TWO, []))).close()
    assert known(store) == {"pti-national": False, "pti": True}


def test_what_came_under_both_names_stays_and_the_remedy_is_told(
    store: Store, file: FileOf
) -> None:
    """As a release left it that renamed in one transaction, and added what is new in another."""
    start(file(("pti", ONE), ("pti-national", ONE))).close()
    new = file(("pti-national", ONE, ["pti"]))
    for name in ("pti", "pti-national"):
        came(store, name, item("first", "Tram"))
    with pytest.raises(ConfigError, match="take 'pti' out of the aliases of 'pti-national'"):
        start(new)
    told = file(("pti-national", ONE))
    start(told).close()
    assert known(store) == {"pti": False, "pti-national": True}
    assert take_in(store, told) == 2
    with store.read() as conn:
        assert sorted(s.wire for s in records.newest(conn, limit=9)) == ["pti", "pti-national"]


def test_a_wire_that_brought_nothing_may_be_called_otherwise_without_a_word(
    store: Store, file: FileOf
) -> None:
    start(file(("pti", ONE), ("other", TWO))).close()
    came(store, "other", item("first", "Tram"))
    start(file(("pti-national", ONE), ("other", TWO))).close()
    assert known(store) == {"pti-national": True, "other": True}
    with pytest.raises(ConfigError, match="the url that 'other' had until now"):
        start(file(("pti-national", ONE), ("another", TWO)))
    assert known(store) == {"pti-national": True, "other": True}


@pytest.mark.parametrize("empty", ["pti", "pti-national"])
def test_a_name_under_which_nothing_came_is_in_nobodys_way(
    store: Store, file: FileOf, empty: str
) -> None:
    start(file(("pti", ONE), ("pti-national", ONE))).close()
    [full] = {"pti", "pti-national"} - {empty}
    came(store, full, item("first", "Tram"))
    new = file(("pti-national", ONE, ["pti"]))
    start(new).close()
    assert known(store) == {"pti-national": True}
    assert take_in(store, new) == 1
    assert ids(store)["first"][1] == "pti-national"
