"""The store, the same tests on SQLite and PostgreSQL: leases, the outbox, captures, feeds."""

import json
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, delete, func, select, text, update

from stories.config import Politeness, Wire
from stories.db import Store, captures, connect, feeds, key_value, outbox, storage, tables, wires
from stories.db.engine import HEAD
from stories.db.feeds import Placement
from stories.errors import StoreError
from stories.models import Problem, Traffic, WireState, body_digest
from tests import kept

NOW = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def wire(name: str, url: str = "https://agency.example/w.rss") -> Wire:
    return Wire(name=name, url=url, agency="Agency", every=timedelta(minutes=2))


@pytest.fixture
def migrated(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty database as the migrations make it, from the first on."""
    if database_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/migrated.sqlite3"
    else:
        url = database_url
    found = connect(url)
    with found.write() as conn:
        if found.dialect == "postgresql":
            kept.empty(conn)
        conn.execute(
            text(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
                " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            )
        )
    found.migrate()
    yield found
    found.close()


def test_the_migrations_make_the_tables(migrated: Store) -> None:
    with migrated.read() as conn:
        # The full-text index is no table that SQLAlchemy could describe.
        ours = {"compare_type": False, "include_name": lambda name, *_: "search_" not in f"{name}"}
        context = MigrationContext.configure(conn, opts=ours)
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == HEAD
    migrated.migrate()


def schema(store: Store) -> dict[str, set[str]]:
    """What there is, by kind, as the database tells it; columns may be in another order."""
    with store.read() as conn:
        if store.dialect == "postgresql":
            return {query: {str(row) for row in conn.execute(text(query))} for query in _TOLD}
        every = "SELECT name, sql FROM sqlite_master WHERE type = :type AND name NOT LIKE 'sqlite%'"
        rows = {
            kind: conn.execute(text(every), {"type": kind}).all() for kind in ("table", "index")
        }
        columns = {
            f"{name}.{column}"
            for name, _ in rows["table"]
            for column in conn.execute(
                text("SELECT name, type, [notnull], dflt_value, pk FROM pragma_table_xinfo(:name)"),
                {"name": name},
            )
        }
    ends = {f"{name} {sql.rpartition(')')[2]}" for name, sql in rows["table"]}
    numbered = {name for name, sql in rows["table"] if "AUTOINCREMENT" in sql}
    indexes = {" ".join(sql.split()) for _, sql in rows["index"]}
    return {"columns": columns, "ends": ends, "numbered": numbered, "indexes": indexes}


_TOLD = (
    "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,"
    " column_default FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",
    "SELECT sequencename, data_type FROM pg_sequences WHERE schemaname = 'public'",
)


def test_what_a_new_database_gets_is_what_the_migrations_make(
    store: Store, migrated: Store
) -> None:
    made = schema(migrated)
    if store.dialect == "postgresql":  # the fixture has emptied it
        with store.write() as conn:
            kept.empty(conn)
        store.migrate()
    found = schema(store)
    assert {kind: sorted(found[kind] ^ made[kind]) for kind in made} == {kind: [] for kind in made}


def test_a_newer_schema_is_refused(store: Store) -> None:
    with store.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer than this Wirecopy"):
        store.migrate()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://me@db/x", "not supported"),
        ("nonsense", "cannot be read"),
        ("postgresql://127.0.0.1:1/none?connect_timeout=1", "cannot be opened"),
    ],
)
def test_an_address_that_will_not_do(url: str, told: str) -> None:
    with pytest.raises(StoreError, match=told):
        connect(url).migrate()


def test_a_password_is_not_told() -> None:
    store = connect("postgresql://me:s3cret@127.0.0.1:1/none?connect_timeout=1")
    with pytest.raises(StoreError) as caught:
        store.migrate()
    assert "s3cret" not in str(caught.value)


def test_an_instant_is_kept_to_the_microsecond(store: Store) -> None:
    with store.write() as conn:
        wires.sync(conn, [wire("a")], NOW)
        found = wires.get(conn, "a")
    assert found is not None
    assert found.added_at == NOW


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fails() -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with store.read() as conn:
        assert wires.every(conn) == []


def claim(conn: Connection, now: datetime, until: datetime, limit: int) -> list[WireState]:
    """What a dispatcher without budgets would do."""
    freely = Politeness(per_host=1000, per_agency=1000, gap=timedelta(0))
    found = [c.name for lane in (1, 0) for c in wires.candidates(conn, now, lane, limit, freely)]
    lease = wires.new_lease()
    taken = wires.lease(conn, lease, found[:limit], now, until)
    return wires.begin(conn, lease, sorted(taken), now, until)


class TestWires:
    def test_sync_adds_rests_and_restores(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a"), wire("b")], NOW)
            wires.sync(conn, [wire("b")], LATER)
            assert {w.name: w.configured for w in wires.every(conn)} == {"a": False, "b": True}
            assert [w.name for w in claim(conn, LATER, LATER, 9)] == ["b"]
            wires.sync(conn, [wire("a"), wire("b")], LATER)
            assert all(w.configured and w.added_at == NOW for w in wires.every(conn))

    def test_a_licences_term_is_kept_when_its_wire_is_removed(
        self, store: Store, other_url: str
    ) -> None:
        month, year = timedelta(days=30), timedelta(days=365)

        def licensed(name: str, term: timedelta | None) -> Wire:
            return wire(name).model_copy(update={"expires_after": term})

        with store.write() as conn:
            wires.sync(conn, [licensed("a", month), licensed("b", year), wire("c")], NOW)
            wires.sync(conn, [licensed("b", year)], LATER)
            assert wires.terms(conn) == {"a": month, "b": year}
            assert wires.terms(conn, ["a", "c", "d"]) == {"a": month}
            assert wires.terms(conn, []) == {}
            other = connect(other_url)
            with other.write() as new:
                wires.copy(conn, new, {"a", "c"})
                wires.sync(new, [licensed("b", year)], LATER)
                assert wires.terms(new) == {"a": month, "b": year}
                assert {w.name for w in wires.every(new) if w.configured} == {"b"}
                wires.sync(new, [wire("a")], LATER)
                assert [w.name for w in claim(new, LATER, LATER, 9)] == ["a"]
            other.close()
            moved = licensed("b", month).model_copy(update={"url": "https://other.example/w"})
            wires.sync(conn, [licensed("a", None), moved], LATER)
            wires.sync(conn, [], LATER)
            assert wires.terms(conn) == {"b": month}

    def test_a_restart_does_not_reset_the_clock(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            claimed = claim(conn, NOW, LATER, 9)
            due = NOW + timedelta(hours=1)
            values = {"due_at": due, "etag": '"x"', "state": "ok"}
            assert wires.finish_polls(conn, {"a": (claimed[0].lease or "", values)})
            wires.sync(conn, [wire("a")], LATER)
            after = wires.get(conn, "a")
            assert after is not None
            assert (after.due_at, after.etag) == (due, '"x"')

    def test_a_new_address_forgets_the_old_ones_validators(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            lease = claim(conn, NOW, LATER, 9)[0].lease or ""
            wires.finish_polls(conn, {"a": (lease, {"etag": '"x"', "due_at": LATER})})
            wires.sync(conn, [wire("a", "https://other.example/w")], NOW)
            after = wires.get(conn, "a")
            assert after is not None
            assert (after.etag, after.due_at, after.host) == (None, NOW, "other.example")
            assert after.lane == 1

    def test_a_new_address_forgets_a_poll_of_the_old_one_under_way(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            lease = claim(conn, NOW, LATER, 9)[0].lease or ""
            wires.sync(conn, [wire("a", "https://other.example/w")], NOW)
            assert not wires.finish_polls(conn, {"a": (lease, {"etag": '"of the old one"'})})
            assert [w.name for w in claim(conn, NOW, LATER, 9)] == ["a"]

    def test_a_configured_address_stands_against_a_move(self, store: Store) -> None:
        """A move that was believed stays over restarts, until the configuration changes."""
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            lease = claim(conn, NOW, LATER, 9)[0].lease or ""
            moved = {"url": "https://new.example/w", "host": "new.example", "due_at": LATER}
            wires.finish_polls(conn, {"a": (lease, moved)})
            wires.sync(conn, [wire("a")], NOW)
            after = wires.get(conn, "a")
            assert after is not None
            assert (after.url, after.host) == ("https://new.example/w", "new.example")
            assert after.configured_url == "https://agency.example/w.rss"
            wires.sync(conn, [wire("a", "https://third.example/w")], NOW)
            after = wires.get(conn, "a")
            assert after is not None
            assert after.url == after.configured_url == "https://third.example/w"

    def test_a_claim_is_exclusive_until_it_expires(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a"), wire("b")], NOW)
            first = claim(conn, NOW, NOW + timedelta(seconds=30), 1)
            second = claim(conn, NOW, NOW + timedelta(seconds=30), 9)
            assert {first[0].name, second[0].name} == {"a", "b"}
            assert claim(conn, NOW, LATER, 9) == []
            again = claim(conn, NOW + timedelta(seconds=31), LATER, 9)
            assert len(again) == 2
            old = first[0]
            assert not wires.finish_polls(conn, {old.name: (old.lease or "", {"state": "ok"})})
            assert wires.begin(conn, old.lease or "", [old.name], NOW, LATER) == []

    def test_two_dispatchers_never_share_a_wire(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire(f"w{n:03}") for n in range(200)], NOW)
        taken: list[str] = []

        def dispatch() -> None:
            while True:
                with store.write() as conn:
                    names = [w.name for w in claim(conn, NOW, LATER, 7)]
                if not names:
                    return
                taken.extend(names)

        threads = [threading.Thread(target=dispatch) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == [f"w{n:03}" for n in range(200)]

    def test_an_operator_takes_a_wire_from_a_worker(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            worker = claim(conn, NOW, LATER, 9)[0]
            operator = wires.take(conn, ["a", "none"], LATER)[0]
            assert operator.leased_at is not None
            assert not wires.finish_polls(conn, {"a": (worker.lease or "", {"state": "ok"})})
            assert wires.finish_polls(conn, {"a": (operator.lease or "", {"state": "ok"})})

    def test_an_operator_resumes_what_was_paused_by_naming_it(self, store: Store) -> None:
        with store.write() as conn:
            wires.sync(conn, [wire("a"), wire("b")], NOW)
            conn.execute(update(tables.wires).values(paused_at=NOW))
            assert wires.next_due(conn) is None
            assert claim(conn, NOW, LATER, 9) == []
            assert wires.take(conn, ["a", "b"], LATER, resume=False) == []
            assert [w.name for w in wires.take(conn, ["a"], LATER)] == ["a"]
            assert {w.name: w.paused_at for w in wires.every(conn)} == {"a": None, "b": NOW}
            wires.sync(conn, [wire("a"), wire("b", "https://other.example/w")], LATER)
            assert [w.name for w in claim(conn, LATER, LATER, 9)] == ["b"]

    def test_what_is_under_way_is_counted_by_host_and_agency(self, store: Store) -> None:
        second = timedelta(seconds=1)
        with store.write() as conn:
            named = [wire("a"), wire("b"), wire("c", "https://Other.example.:8443/w")]
            wires.sync(conn, named, NOW)
            assert wires.traffic(conn, NOW, second) == Traffic()
            claim(conn, NOW, NOW + second, 9)
            busy = wires.traffic(conn, NOW, second)
            assert busy.hosts == {"agency.example": 2, "other.example": 1}
            assert busy.agencies == {"Agency": 3}
            assert busy.host_starts == {"agency.example": NOW, "other.example": NOW}
            assert busy.agency_starts == {"Agency": NOW}
            assert not wires.traffic(conn, NOW, timedelta(0)).host_starts
            assert wires.traffic(conn, NOW + 2 * second, second) == Traffic()

    def test_a_late_word_on_the_schedule_changes_nothing(self, store: Store) -> None:
        """Only while nothing has happened since the poll that it follows from."""
        hour = NOW + timedelta(hours=1)
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            lease = claim(conn, NOW, LATER, 9)[0].lease or ""
            wires.finish_polls(conn, {"a": (lease, {"polled_at": NOW, "due_at": LATER})})
            moved = {"wire": "a", "at": NOW, "due": hour, "why": "its ttl"}
            wires.reschedule(conn, [{**moved, "at": NOW - timedelta(minutes=5)}])
            assert wires.next_due(conn) == LATER
            claim(conn, LATER, hour, 9)
            wires.reschedule(conn, [moved])
            assert wires.next_due(conn) == LATER

    def test_news_is_kept_to_the_microsecond(self, store: Store) -> None:
        news = [NOW, LATER + timedelta(microseconds=1)]
        with store.write() as conn:
            wires.sync(conn, [wire("a")], NOW)
            wires.note_content(conn, {"a": {"news": news}})
            row = wires.get(conn, "a")
            kept = conn.execute(text("SELECT news FROM wires")).scalar_one()
        assert row is not None
        assert row.news == news
        kept = json.loads(kept) if isinstance(kept, str) else kept
        assert kept == [1795327200123456, 1795327260123457]  # microseconds since 1970


class TestOutbox:
    def test_causes_add_up_to_one_row(self, store: Store) -> None:
        with store.write() as conn:
            for _ in range(3):
                outbox.want(conn, "story", ["a", "b", "a"], NOW)
            jobs = outbox.claim(conn, "story", NOW, 9)
            assert [(j.key, j.wanted) for j in jobs] == [("a", 3), ("b", 3)]
            outbox.done(conn, jobs, NOW)
            assert outbox.waiting(conn, NOW) == []

    def test_a_cause_that_comes_meanwhile_is_not_lost(self, store: Store) -> None:
        with store.write() as conn:
            outbox.want(conn, "story", ["a"], NOW)
            jobs = outbox.claim(conn, "story", NOW, 9)
            outbox.want(conn, "story", ["a"], NOW)
            assert outbox.claim(conn, "story", NOW, 9) == []
            outbox.done(conn, jobs, NOW)
            assert [j.wanted for j in outbox.claim(conn, "story", NOW, 9)] == [2]

    def test_a_dead_workers_lease_expires(self, store: Store) -> None:
        with store.write() as conn:
            outbox.want(conn, "feed", ["a"], NOW)
            dead = outbox.claim(conn, "feed", NOW, 9)
            assert outbox.claim(conn, "feed", NOW + outbox.LEASE, 9) == []
            after = NOW + outbox.LEASE + timedelta(seconds=1)
            live = outbox.claim(conn, "feed", after, 9)
            assert len(live) == 1
            assert not outbox.renew(conn, dead[0], after)
            outbox.done(conn, dead, after)  # comes back from the dead: must not end another's job
            assert outbox.renew(conn, live[0], after)

    def test_failures_come_back_later_and_later(self, store: Store) -> None:
        now = NOW
        waits = []
        with store.write() as conn:
            outbox.want(conn, "ingest", ["a"], now)
            for _ in range(12):
                job = outbox.claim(conn, "ingest", now, 9)[0]
                outbox.failed(conn, job, "because", now)
                assert outbox.failures(conn) == [("ingest", "a", "because")]
                before = now
                while not (found := outbox.claim(conn, "ingest", now, 9)):
                    now += timedelta(seconds=15)
                outbox.release(conn, found)
                waits.append((now - before).total_seconds())
        assert waits[:4] == [15, 30, 60, 120]
        assert waits[-1] == outbox.RETRY_LONGEST.total_seconds()

    def test_a_new_cause_ends_the_waiting(self, store: Store) -> None:
        with store.write() as conn:
            outbox.want(conn, "ingest", ["a"], NOW)
            outbox.failed(conn, outbox.claim(conn, "ingest", NOW, 1)[0], "because", NOW)
            assert outbox.claim(conn, "ingest", NOW, 1) == []
            outbox.want(conn, "ingest", ["a"], NOW)
            assert [j.attempts for j in outbox.claim(conn, "ingest", NOW, 1)] == [1]

    def test_what_failed_is_due_once_what_was_in_its_way_is_gone(self, store: Store) -> None:
        with store.write() as conn:
            outbox.want(conn, "ingest", ["a"], NOW)
            outbox.failed(conn, outbox.claim(conn, "ingest", NOW, 1)[0], "no key", NOW)
            outbox.put_forward(conn, NOW)
            assert [j.attempts for j in outbox.claim(conn, "ingest", NOW, 1)] == [1]

    def test_no_more_is_claimed_than_asked_for(self, store: Store) -> None:
        with store.write() as conn:
            for kind in ("story", "feed"):
                outbox.want(conn, kind, [f"{n:03}" for n in range(300)], NOW)
        for limit in (1, 7, 20):
            with store.write() as conn:
                assert len(outbox.claim(conn, "feed", NOW, limit)) == limit

    def test_only_the_keys_asked_for(self, store: Store) -> None:
        with store.write() as conn:
            outbox.want(conn, "ingest", ["a", "b"], NOW)
            assert [j.key for j in outbox.claim(conn, "ingest", NOW, 9, ["b", "c"])] == ["b"]
            assert outbox.missing(conn, "ingest", ["a", "b", "c"]) == ["c"]


def moving_feed(count: int) -> list[bytes]:
    """*count* bodies of a feed of 20 stories, each with one story more, and the oldest gone."""
    noise = random.Random(1)
    stories = [
        " ".join("".join(noise.choices("abcdefghijklmnop", k=7)) for _ in range(90))
        for _ in range(count + 20)
    ]
    return ["\n".join(stories[n + 20 : n : -1]).encode() for n in range(count)]


class TestCaptures:
    def test_bytes_come_back_exactly_and_are_kept_once(self, store: Store) -> None:
        body = bytes(range(256)) * 50
        with store.write() as conn:
            one = captures.add(conn, "a", NOW, "http://x/", [("etag", '"1"')], body)
            two = captures.add(conn, "b", NOW, "http://y/", [], body)
            kept = captures.get(conn, one)
            assert kept is not None
            assert two > one
            assert captures.body(conn, kept.digest) == body
            assert kept.headers == [["etag", '"1"']]
            volume, _ = storage.figures(conn, NOW)
        assert (volume.captures, volume.received) == (2, 2 * len(body))
        assert volume.kept < len(body)

    def test_a_feed_is_packed_against_the_one_before(self, store: Store) -> None:
        bodies = moving_feed(captures.DEEPEST + 20)
        with store.write() as conn:
            for body in bodies:
                captures.add(conn, "a", NOW, "http://x/", [], body)
            volume, _ = storage.figures(conn, NOW)
            assert [captures.body(conn, body_digest(body)) for body in bodies] == bodies
            depths = conn.execute(select(tables.blobs.c.depth)).scalars().all()
            captures.add(conn, "a", NOW, "http://x/", [], b"<html>Please log in.</html>")
            assert captures.body(conn, body_digest(b"<html>Please log in.</html>"))
        assert max(depths) == captures.DEEPEST
        assert volume.kept < volume.received * 0.1

    def test_what_stays_can_be_restored_whatever_goes(self, store: Store) -> None:
        bodies, order = moving_feed(12), list(range(12))
        random.Random(7).shuffle(order)
        with store.write() as conn:
            for body in bodies:
                captures.add(conn, "a", NOW, "http://x/", [], body)
        gone: set[int] = set()
        while order:
            going = [order.pop() for _ in range(3)]
            with store.write() as conn:
                names = [body_digest(bodies[n]) for n in going]
                captures.unchain(conn, names)
                conn.execute(delete(tables.blobs).where(tables.blobs.c.digest.in_(names)))
            gone.update(going)
            with store.read() as conn:
                kept = [captures.body(conn, body_digest(body)) for body in bodies]
            assert kept == [None if n in gone else body for n, body in enumerate(bodies)]

    @pytest.mark.parametrize(
        "limit",
        [60_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 16 << 20))],
    )
    def test_bytes_are_the_same_whatever_is_at_hand(
        self, store: Store, limit: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(captures, "_recent", captures._Recent(limit))
        lots = random.Random(limit)
        sent = {"a": moving_feed(40), "b": moving_feed(40)[5:], "c": [b"", b"x" * 40_000] * 20}
        for turn in range(35):  # as many wires send the same, or something else each time
            with store.write() as conn:
                before = {name: bodies[turn - 1] for name, bodies in sent.items() if turn}
                fresh = [
                    captures.Received(
                        *(name, "http://x/", [], bodies[turn], body_digest(bodies[turn])),
                        body_digest(before[name]) if name in before else None,
                    )
                    for name, bodies in sent.items()
                ]
                numbers = captures.add_all(conn, NOW, fresh)
            with store.read() as conn:
                kept = captures.several(conn, list(numbers.values()))
                for one in fresh:
                    assert kept[numbers[one.wire]].digest == one.digest
                some = lots.sample(sent["a"][: turn + 1], k=min(turn + 1, 4))
                named = {body_digest(body): body for body in some}
                assert captures.bodies(conn, [*named, "none"]) == named
        with store.read() as conn:
            depths = conn.execute(select(tables.blobs.c.depth)).scalars().all()
            assert max(depths) > 30
            assert len(depths) == 42
            for bodies in sent.values():
                for body in bodies[:35]:
                    assert captures.body(conn, body_digest(body)) == body

    def test_large_feeds_are_packed_against_what_is_far_away_in_them(self, store: Store) -> None:
        noise = random.Random(1)
        stories = [noise.randbytes(40_000) for _ in range(61)]
        with store.write() as conn:
            for first in (1, 0):  # the same stories, one moved in before them
                body = b"".join(stories[first : first + 60])
                captures.add(conn, "a", NOW, "http://x/", [], body)
            sizes = conn.execute(select(func.length(tables.blobs.c.data))).scalars().all()
        assert min(sizes) < 50_000
        assert max(sizes) > 2_000_000

    def test_an_empty_body(self, store: Store) -> None:
        with store.write() as conn:
            captures.add(conn, "a", NOW, "http://x/", [], b"")
            assert captures.body(conn, body_digest(b"")) == b""
            assert captures.body(conn, "none") is None

    def test_problems_are_replaced_whole(self, store: Store) -> None:
        with store.write() as conn:
            number = captures.add(conn, "a", NOW, "http://x/", [], b"x")
            faults = [Problem("a", number, n, "item-empty", f"item {n}", NOW) for n in (-1, 3)]
            captures.problem(conn, faults, [number])
            assert captures.problems_of(conn, number) == faults
            assert captures.quarantined(conn) == {number}
            captures.problem(conn, [], [number])
            assert captures.problems_count(conn) == 0

    def test_a_copied_store_goes_on_numbering(self, store: Store, tmp_path: object) -> None:
        source = connect(f"sqlite:///{tmp_path}/source.sqlite3")
        source.migrate()
        bodies = moving_feed(3)
        with source.write() as conn:
            for body in bodies:
                captures.add(conn, "a", NOW, "http://x/", [], body)
        with source.read() as old, store.write() as new:
            assert captures.copy(old, new, "a") == 3
            assert captures.add(new, "a", NOW, "http://x/", [], b"new") == 4
            assert [captures.body(new, body_digest(body)) for body in bodies] == bodies
        source.close()


class TestFeeds:
    def test_the_same_bytes_touch_nothing(self, store: Store) -> None:
        with store.write() as conn:
            assert feeds.put_feed(conn, "a", {"rss": "one", "json": "two"}, 1, NOW)
            first = feeds.rows_of(conn, "a")
            assert not feeds.put_feed(conn, "a", {"rss": "one"}, 1, LATER)
            assert feeds.put_feed(conn, "a", {"rss": "one", "json": "three"}, 1, LATER)
            then = feeds.rows_of(conn, "a")
        assert then["rss"] == first["rss"]
        assert then["json"].etag != first["json"].etag

    def test_last_modified_always_grows_by_whole_seconds(self, store: Store) -> None:
        with store.write() as conn:
            stamps = []
            for digest in ("one", "two", "three"):
                feeds.put_feed(conn, "a", {"rss": digest}, 1, NOW)
                stamps.append(feeds.rows_of(conn, "a")["rss"].modified_at)
        assert stamps[0] == NOW.replace(microsecond=0)
        assert [(b - a).total_seconds() for a, b in pairwise(stamps)] == [1, 1]

    def test_a_story_leaves_the_feeds_it_left(self, store: Store) -> None:
        with store.write() as conn:
            assert feeds.place(conn, [Placement("s", ["a", "b"], NOW, 0)]) == {"a", "b"}
            assert feeds.place(conn, [Placement("s", ["b", "c"], NOW, 0)]) == {"a", "b", "c"}
            assert feeds.feeds_of(conn, "s") == ["b", "c"]


def test_notes(store: Store) -> None:
    with store.write() as conn:
        assert key_value.read(conn, "k") is None
        key_value.write(conn, "k", {"a": 1})
        key_value.write(conn, "k", {"a": 2})
        assert key_value.read(conn, "k") == {"a": 2}
        key_value.forget(conn, "k")
        assert key_value.read(conn, "k") is None


def test_a_reader_sees_one_state(store: Store) -> None:
    """A snapshot does not move while another process writes."""
    with store.write() as conn:
        wires.sync(conn, [wire("a")], NOW)
    with store.read() as reading:
        before = wires.get(reading, "a")
        with store.write() as writing:
            writing.execute(update(tables.wires).values(polls=5))
        assert wires.get(reading, "a") == before
    with store.read() as reading:
        after = wires.get(reading, "a")
    assert after is not None
    assert after.polls == 5
