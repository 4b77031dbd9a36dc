"""The dispatcher: the pure choice by table and property, then claims on both databases."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from ingest.poll import lease_for
from stories.config import Config, Politeness
from stories.db import Store, connect, tables, wires
from stories.models import DueWire, Traffic, WireState
from tests.conftest import ConfigOf
from workers import queues
from workers.dispatch import (
    BATCH,
    BATCH_LEASE,
    CROWDED,
    MESSAGE_EXPIRES,
    Batch,
    batches,
    until_due,
)
from workers.politeness import agency_room, choose, host_room

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FREELY = Politeness(per_host=2, per_agency=4, gap=timedelta(0))
SPACED = Politeness(per_host=2, per_agency=4, gap=SECOND)


def due(name: str, host: str = "h", agency: str = "a", lane: int = 0, ago: float = 0) -> DueWire:
    return DueWire(name, host, agency, lane, NOW - timedelta(seconds=ago))


def names(chosen: Sequence[DueWire]) -> list[str]:
    return [c.name for c in chosen]


class TestChoose:
    def test_the_longest_due_first_and_the_fast_lane_before_all(self) -> None:
        asked = [
            due("late", "h1", "a1", ago=90),
            due("later", "h2", "a2", ago=10),
            due("b", "h3", "a3", ago=10),
            due("new", "h4", "a4", lane=1),
        ]
        found = choose(asked, Traffic(), FREELY, NOW, 9)
        assert names(found) == ["new", "late", "b", "later"]
        assert names(choose(asked, Traffic(), FREELY, NOW, 2)) == ["new", "late"]

    def test_a_host_has_so_many_at_once(self) -> None:
        asked = [due(str(n), "h", f"a{n}") for n in range(5)]
        found = choose(asked, Traffic(), FREELY, NOW, 9)
        assert names(found) == ["0", "1"]
        assert names(choose(asked, Traffic(hosts={"h": 1}), FREELY, NOW, 9)) == ["0"]
        assert choose(asked, Traffic(hosts={"h": 7}), FREELY, NOW, 9) == ()

    def test_an_agency_has_so_many_at_once_over_all_its_hosts(self) -> None:
        asked = [due(str(n), f"h{n}", "a") for n in range(9)]
        found = choose(asked, Traffic(agencies={"a": 1}), FREELY, NOW, 9)
        assert names(found) == ["0", "1", "2"]

    def test_a_gap_lets_one_start_at_a_moment(self) -> None:
        asked = [due("1"), due("2"), due("3", "other", "b")]
        assert names(choose(asked, Traffic(), SPACED, NOW, 9)) == ["1", "3"]

    @pytest.mark.parametrize(
        ("ago", "may"), [(0.0, False), (0.999, False), (1.0, True), (5.0, True), (-60.0, False)]
    )
    def test_a_gap_since_the_last_start(self, ago: float, may: bool) -> None:
        last = NOW - timedelta(seconds=ago)
        for before in (Traffic(host_starts={"h": last}), Traffic(agency_starts={"a": last})):
            assert bool(choose([due("1")], before, SPACED, NOW, 9)) is may
            assert choose([due("1")], before, FREELY, NOW, 9)

    def test_who_has_room_does_not_wait_for_who_has_none(self) -> None:
        crowd = [due(f"c{n:04}", "crowded", "crowd", ago=1000) for n in range(3000)]
        free = [due(f"f{n}", f"h{n}", f"a{n}") for n in range(20)]
        found = names(choose(crowd + free, Traffic(), FREELY, NOW, 100))
        assert found == ["c0000", "c0001", *sorted(f"f{n}" for n in range(20))]

    def test_nothing_given_is_changed(self) -> None:
        before = Traffic(hosts={"h": 1}, agencies={"a": 1})
        choose([due("1")], before, SPACED, NOW, 9)
        assert before == Traffic(hosts={"h": 1}, agencies={"a": 1})


few = st.sampled_from(["h1", "h2", "h3", "h4"])
fewer = st.sampled_from(["a1", "a2", "a3"])
ago = st.integers(0, 5).map(lambda n: NOW - n * timedelta(seconds=0.5))
asked = st.lists(
    st.builds(
        DueWire,
        name=st.uuids().map(str),
        host=few,
        agency=fewer,
        lane=st.sampled_from([0, 0, 0, 1]),
        due_at=ago,
    ),
    max_size=40,
    unique_by=lambda c: c.name,
)
traffics = st.builds(
    Traffic,
    hosts=st.dictionaries(few, st.integers(0, 6)),
    agencies=st.dictionaries(fewer, st.integers(0, 6)),
    host_starts=st.dictionaries(few, ago),
    agency_starts=st.dictionaries(fewer, ago),
)
manners = st.builds(
    Politeness,
    per_host=st.integers(1, 5),
    per_agency=st.integers(1, 5),
    gap=st.sampled_from([timedelta(0), SECOND, 2 * SECOND]),
)


@given(asked, traffics, manners, st.integers(0, 30))
def test_no_budget_is_ever_exceeded(
    asked: list[DueWire], before: Traffic, politeness: Politeness, limit: int
) -> None:
    chosen = choose(asked, before, politeness, NOW, limit)
    assert len(chosen) <= limit
    assert len(set(names(chosen))) == len(chosen)
    for count, under_way, starts, most in (
        (Counter(c.host for c in chosen), before.hosts, before.host_starts, politeness.per_host),
        (
            Counter(c.agency for c in chosen),
            before.agencies,
            before.agency_starts,
            politeness.per_agency,
        ),
    ):
        for key, started in count.items():
            assert started + under_way.get(key, 0) <= most
            if politeness.gap:
                assert started == 1
                assert NOW - starts.get(key, NOW - politeness.gap) >= politeness.gap


@given(asked, traffics, manners, st.integers(0, 30))
def test_whoever_has_room_is_chosen(
    asked: list[DueWire], before: Traffic, politeness: Politeness, limit: int
) -> None:
    found = choose(asked, before, politeness, NOW, limit)
    after = Traffic(
        dict(Counter(before.hosts) + Counter(c.host for c in found)),
        dict(Counter(before.agencies) + Counter(c.agency for c in found)),
        before.host_starts | {c.host: NOW for c in found},
        before.agency_starts | {c.agency: NOW for c in found},
    )
    passed = [c for c in asked if c not in found]
    if len(found) < limit:
        for wire in passed:
            rooms = (
                host_room(after, wire.host, politeness, NOW),
                agency_room(after, wire.agency, politeness, NOW),
            )
            assert min(rooms) == 0
    # Among those of one host and agency, nobody overtakes.
    order = [(-c.lane, c.due_at, c.name) for c in found]
    assert order == sorted(order)
    for wire in passed:
        for other in found:
            if (wire.host, wire.agency) == (other.host, other.agency):
                assert (-other.lane, other.due_at) <= (-wire.lane, wire.due_at)


class Desk:
    """A dispatcher with its store, into which wires are put directly."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store = store
        self.config = config

    def add(self, *candidates: DueWire, **values: object) -> None:
        rows = [
            {
                "name": c.name,
                "url": f"https://{c.host}/{c.name}",
                "configured_url": f"https://{c.host}/{c.name}",
                "host": c.host,
                "agency": c.agency,
                "lane": c.lane,
                "added_at": NOW - timedelta(days=1),
                "due_at": c.due_at,
                **values,
            }
            for c in candidates
        ]
        with self.store.write() as conn:
            conn.execute(insert(tables.wires), rows)

    def tick(self, now: datetime = NOW, **free: int) -> list[Batch]:
        limits = {q: free.get(q.replace("-", "_"), 20) for q in (queues.POLL, queues.POLL_NOW)}
        return batches(self.store, self.config, now, limits)

    def names(self, now: datetime = NOW, **free: int) -> list[str]:
        return [name for batch in self.tick(now, **free) for name in batch.names]

    def finish(self, batch: Batch, now: datetime, **values: object) -> None:
        with self.store.write() as conn:
            for name in batch.names:
                told = {"due_at": now + timedelta(minutes=2), "polled_at": now, **values}
                assert wires.finish_polls(conn, {name: (batch.lease, told)})


@pytest.fixture
def desk(store: Store, config: ConfigOf) -> Desk:
    return Desk(store, config(politeness={"per_host": 2, "per_agency": 4, "gap": "0s"}))


class TestClaims:
    def test_over_budget_is_put_off_without_a_word(self, desk: Desk) -> None:
        desk.add(*(due(f"w{n}", "h", f"a{n}", ago=9 - n) for n in range(5)))
        first = desk.tick()
        assert [b.names for b in first] == [("w0", "w1")]
        assert desk.tick() == []
        with desk.store.read() as conn:
            waiting = wires.get(conn, "w4")
        assert waiting is not None
        assert (waiting.failures, waiting.state, waiting.lease) == (0, "new", None)
        assert waiting.due_at == NOW - timedelta(seconds=5)
        desk.finish(first[0], NOW)
        assert desk.names() == ["w2", "w3"]

    def test_the_gap_is_kept_from_tick_to_tick(self, store: Store, config: ConfigOf) -> None:
        desk = Desk(store, config(politeness={"gap": "3s"}))
        desk.add(*(due(f"w{n}", "h", f"a{n}", ago=9 - n) for n in range(3)))
        started = []
        for tick in range(8):
            now = NOW + tick * SECOND
            for batch in desk.tick(now):
                started += [(tick, name) for name in batch.names]
                desk.finish(batch, now)
        assert started == [(0, "w0"), (3, "w1"), (6, "w2")]

    def test_new_wires_go_by_the_fast_lane(self, desk: Desk) -> None:
        desk.add(*(due(f"c{n:03}", f"h{n}", f"a{n}", ago=99) for n in range(120)))
        desk.add(due("new", "h", "b", lane=1))
        found = desk.tick(poll=2)
        assert found[0] == Batch(found[0].lease, ("new",), queues.POLL_NOW)
        assert [(b.queue, len(b.names)) for b in found[1:]] == [(queues.POLL, BATCH)] * 2
        desk.finish(found[0], NOW)
        with desk.store.read() as conn:
            after = wires.get(conn, "new")
        assert after is not None
        assert after.lane == 0

    def test_a_full_crawl_queue_does_not_hold_up_the_fast_lane(self, desk: Desk) -> None:
        desk.add(due("c", "h1", "a1"), due("new", "h2", "a2", lane=1))
        assert desk.names(poll=0) == ["new"]
        assert desk.names(poll=-3, poll_now=0) == []
        assert desk.names() == ["c"]

    def test_the_fast_lane_has_the_first_of_the_room(self, desk: Desk) -> None:
        desk.add(*(due(f"c{n}", "h", f"a{n}", ago=99) for n in range(2)))
        desk.add(*(due(f"n{n}", "h", f"b{n}", lane=1) for n in range(2)))
        assert desk.names() == ["n0", "n1"]

    @pytest.mark.parametrize(
        "values",
        [{"paused_at": NOW}, {"configured": False}, {"lease": "x", "lease_until": NOW + SECOND}],
    )
    def test_who_is_not_to_be_polled_is_not(self, desk: Desk, values: dict[str, object]) -> None:
        desk.add(due("w"), **values)
        assert desk.tick() == []

    def test_a_crowded_host_keeps_nobody_waiting(self, desk: Desk) -> None:
        """Far more due wires of a few hosts and one agency than a page of candidates holds."""
        crowd = [due(f"c{n:04}", f"crowded{n % 3}", f"x{n}", ago=1000) for n in range(300)]
        one = [due(f"o{n:04}", f"o{n}", "one", ago=500) for n in range(300)]
        desk.add(*crowd, *one, *(due(f"free{n}", f"h{n}", f"a{n}") for n in range(30)))
        found = desk.names(poll=1)
        assert set(found) >= {f"free{n}" for n in range(30)}
        assert len([n for n in found if n.startswith("c")]) == 6
        assert len([n for n in found if n.startswith("o")]) == 4

    def test_a_dead_workers_wires_come_back(self, desk: Desk) -> None:
        desk.add(due("w"))
        (dead,) = desk.tick()
        until = NOW + BATCH_LEASE
        assert desk.tick(until) == []
        (live,) = desk.tick(until + SECOND)
        assert live.names == ("w",)
        with desk.store.write() as conn:
            assert wires.begin(conn, dead.lease, dead.names, until + SECOND, until) == []
            assert not wires.finish_polls(conn, {"w": (dead.lease, {"state": "ok"})})

    def test_beginning_holds_the_lease_for_as_long_as_a_poll_may_take(self, desk: Desk) -> None:
        desk.add(due("w"))
        (batch,) = desk.tick()
        begun = NOW + timedelta(seconds=MESSAGE_EXPIRES)
        until = begun + lease_for(desk.config)
        with desk.store.write() as conn:
            assert names_of(wires.begin(conn, batch.lease, ["w"], begun, until)) == ["w"]
        assert desk.tick(NOW + BATCH_LEASE + SECOND) == []
        assert desk.names(until + SECOND) == ["w"]

    def test_a_lease_that_ran_out_is_not_begun(self, desk: Desk) -> None:
        desk.add(due("w"))
        (batch,) = desk.tick()
        late = NOW + BATCH_LEASE + SECOND
        with desk.store.write() as conn:
            assert wires.begin(conn, batch.lease, ["w"], late, late + SECOND) == []

    def test_what_cannot_be_handed_out_is_given_back(self, desk: Desk) -> None:
        desk.add(due("w"))
        (batch,) = desk.tick()
        with desk.store.write() as conn:
            wires.give_back(conn, "another", batch.names)
        assert desk.tick() == []
        with desk.store.write() as conn:
            wires.give_back(conn, batch.lease, batch.names)
        assert desk.names() == ["w"]

    def test_a_row_that_somebody_else_writes_is_left_to_them(
        self, desk: Desk, database_url: str
    ) -> None:
        desk.add(due("w", "h1", "a1"), due("v", "h2", "a2"))
        if desk.store.dialect == "sqlite":
            assert sorted(desk.names()) == ["v", "w"]  # writers come one after the other there
            return
        with other(database_url) as second, second.write() as conn:
            conn.execute(update(tables.wires).where(tables.wires.c.name == "w").values(polls=1))
            assert desk.names() == ["v"]

    def test_while_one_dispatches_another_does_nothing(self, desk: Desk, database_url: str) -> None:
        desk.add(due("w"))
        if desk.store.dialect == "sqlite":
            assert len(desk.tick()) == 1  # the second waits for its turn; see the test below
            return
        with other(database_url) as second, second.write() as conn:
            assert wires.dispatcher(conn)
            assert desk.tick() == []
        assert desk.names() == ["w"]

    def test_the_next_wire_to_be_due_is_known_and_no_other(self, desk: Desk) -> None:
        assert until_due(desk.store, NOW, NOW) is None
        desk.add(due("now"), due("late", ago=9), due("soon", ago=-0.25), due("new", lane=1, ago=-3))
        desk.add(due("paused", ago=-0.1), paused_at=NOW)
        desk.add(due("left", ago=-0.1), configured=False)
        assert until_due(desk.store, NOW, NOW) == 0.25
        assert until_due(desk.store, NOW + SECOND, NOW + SECOND) == 2
        assert until_due(desk.store, NOW + 3 * SECOND, NOW + 3 * SECOND) is None

    def test_a_wire_that_became_due_while_others_were_claimed_is_due_at_once(
        self, desk: Desk
    ) -> None:
        """It was not due when they were claimed, and no tick is to be waited for."""
        desk.add(due("no room"), due("meanwhile", ago=-0.02), due("soon", ago=-0.25))
        assert until_due(desk.store, NOW, NOW + SECOND / 20) == 0

    def test_while_many_batches_are_under_way_the_ticks_do(self, desk: Desk) -> None:
        under_way = {"lease_until": NOW + SECOND}
        desk.add(due("soon", ago=-0.25))
        for n in range(CROWDED + 1):
            assert until_due(desk.store, NOW, NOW) == 0.25
            desk.add(due(f"a{n}"), due(f"b{n}"), lease=f"batch {n}", **under_way)
        assert until_due(desk.store, NOW, NOW) is None

    def test_dispatchers_together_keep_the_budgets(
        self, store: Store, config: ConfigOf, database_url: str
    ) -> None:
        """Four at once, over and over, on connections of their own; polls end in between."""
        politeness = Politeness(per_host=3, per_agency=5, gap=timedelta(0))
        conf = config(politeness=politeness.model_dump())
        desk = Desk(store, conf)
        desk.add(*(due(f"w{n:03}", f"h{n % 4}", f"a{n % 3}") for n in range(60)))
        polled: list[str] = []
        faults: list[BaseException] = []
        stop = threading.Event()

        def dispatch() -> None:
            try:
                with other(database_url) as mine:
                    while not stop.is_set():
                        for batch in batches(mine, conf, NOW):
                            polled.extend(batch.names)
                            Desk(mine, conf).finish(batch, NOW)
            except BaseException as fault:
                faults.append(fault)

        threads = [threading.Thread(target=dispatch) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            while len(polled) < 60 and not faults:
                with store.read() as conn:
                    busy = wires.traffic(conn, NOW, timedelta(0))
                assert max(busy.hosts.values(), default=0) <= politeness.per_host
                assert max(busy.agencies.values(), default=0) <= politeness.per_agency
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert faults == []
        assert sorted(polled) == [f"w{n:03}" for n in range(60)]


def names_of(states: Sequence[WireState]) -> list[str]:
    return [s.name for s in states]


@contextmanager
def other(url: str) -> Iterator[Store]:
    """Another process's store, as far as the database can tell."""
    store = connect(url)
    try:
        yield store
    finally:
        store.close()
