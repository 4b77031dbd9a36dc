"""Years of housekeeping: what goes, what stays however old, and that no feed ever notices."""

import re
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from desk import replaying
from ingest import replay
from ingest.replay import Selection
from publish import renderer
from publish.web.story import gone, story_page
from stories.config import Config
from stories.db import Store, captures, connect, feeds, key_value, outbox, retention, storage
from stories.db import stories as records
from stories.db.tables import headlines, stories
from tests.conftest import ConfigOf
from tests.differences import compare
from tests.living import DAY, START, Life, empty_copy, feed, item
from workers import housekeeping as rounds

WIRE: dict[str, Any] = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    found = Life(config(wires=[WIRE], feeds=[{"name": "all", "title": "All", "limit": 3}]), store)
    found.begin()
    return found


class TestByAge:
    def test_bytes_go_and_rows_stay(self, life: Life) -> None:
        numbers = [life.receive(item("a", f"Headline {n}")) for n in range(5)]
        before = life.bodies()
        assert life.clean(after=88 * DAY)["captures expired"] == 2, "those over 90 days old"
        assert [life.has_bytes(n) for n in numbers] == [False, False, True, True, True]
        with life.store.read() as conn:
            gone = captures.get(conn, numbers[0])
            assert gone is not None
            assert gone.expired_at == life.now
            assert len(records.history(conn, life.stories()["a"])) == 5
        assert life.bodies() == before

    def test_what_stands_on_its_wire_keeps_its_bytes(self, life: Life) -> None:
        """For years, through captures that bring other stories, and after the wire's last word."""
        stands = life.receive(item("old", "Stands"))
        passes = life.receive(item("old", "Stands"), item("b", "Passes"))
        last = life.receive(item("old", "Stands"), item("c", "Comes"))
        life.clean(after=2000 * DAY)
        assert [life.has_bytes(n) for n in (stands, passes, last)] == [True, False, True]

    def test_the_newest_capture_keeps_its_bytes_although_it_failed(self, life: Life) -> None:
        good = life.receive(item("a", "One"))
        bad = life.receive_bytes(b"<html><p>We are down for maintenance.</p></html>")
        life.clean(after=2000 * DAY)
        assert life.has_bytes(good)
        assert life.has_bytes(bad)

    def test_a_body_received_twice_goes_with_the_last(self, life: Life) -> None:
        first = life.receive(item("a", "One"))
        life.receive(item("b", "Two"))
        again = life.receive(item("a", "One"), after=100 * DAY)
        life.receive(item("c", "Three"))
        life.clean()
        with life.store.read() as conn:
            early = captures.get(conn, first)
        assert early is not None
        assert early.expired_at is not None
        assert life.has_bytes(again)
        life.clean(after=100 * DAY)
        assert not life.has_bytes(again)

    def test_quarantine_ends_with_the_bytes(self, life: Life) -> None:
        life.receive_bytes(b"<html><p>We are down for maintenance.</p></html>")
        life.receive(item("a", "One"))
        with life.store.read() as conn:
            assert captures.problems_count(conn) == 1
        life.clean(after=100 * DAY)
        with life.store.read() as conn:
            assert captures.problems_count(conn) == 0

    def test_a_story_goes_with_all_that_was_said_of_it(self, life: Life) -> None:
        life.receive(item("gone", "Leaves"))
        story = life.stories()["gone"]
        life.edit(story, "The desk's own")
        for n in range(3):
            life.receive(item(f"n{n}", "News"))
        life.clean(after=3000 * DAY)
        assert "gone" in life.stories()
        before = life.bodies()
        done = life.clean(after=1000 * DAY)
        assert done["stories forgotten"] == 1
        with life.store.read() as conn:
            assert records.one(conn, story) is None
            assert records.history(conn, story) == []
            assert feeds.entry(conn, story) is None
            assert feeds.feeds_of(conn, story) == []
            edits = conn.execute(select(headlines.c.story_id)).scalars()
            assert story not in edits
            gone = records.Sought("w", ["guid:gone"], 99)
            assert records.known_keys(conn, [gone]) == [({}, {})]
        assert life.bodies() == before

    def test_what_stands_in_a_feed_stays(self, life: Life) -> None:
        """Three entries are shown: the three that changed last stay, whatever their age."""
        for n in range(5):
            life.receive(item(f"n{n}", "News"))
        life.clean(after=9999 * DAY)
        assert sorted(life.stories()) == ["n2", "n3", "n4"]

    def test_what_waits_may_be_the_story_come_back(self, life: Life) -> None:
        for n in range(5):
            life.receive(item(f"n{n}", "News"))
        life.now += 9999 * DAY
        with life.store.write() as conn:
            captures.add(conn, "w", life.now, "http://x/", [], feed(item("n0", "News")))
        life.clean()
        assert len(life.stories()) == 5

    def test_replaced_versions_go_but_the_first_and_the_last(self, life: Life) -> None:
        """And the one before: what the capture that has its bytes builds upon."""
        for n in range(6):
            life.receive(item("a", f"Headline {n}"))
        life.receive(item("a", "Headline now"), after=4000 * DAY)
        before = life.bodies()
        assert life.clean(after=DAY)["versions forgotten"] == 4
        with life.store.read() as conn:
            assert [v.number for v in records.history(conn, life.stories()["a"])] == [1, 6, 7]
        assert life.bodies() == before
        assert life.replayed() == []
        life.receive(item("a", "Headline after"))
        assert [c.kind for t in life.taken for c in t.changes] == ["updated"]

    def test_rows_of_captures_go_when_nothing_is_left(self, life: Life) -> None:
        for n in range(6):
            life.receive(item(f"n{n}", "News"))
        life.clean(after=9999 * DAY)
        with life.store.read() as conn:
            assert len(captures.listing(conn)) == 3
        assert life.receive(item("z", "News")) == 7, "no number is used again"

    def test_a_shared_guid_is_never_forgotten(self, life: Life) -> None:
        two = item("same", "One", link="1"), item("same", "Two", link="2")
        life.receive(*two)
        for n in range(4):
            life.receive(item(f"n{n}", "News"))
        life.clean(after=9999 * DAY)
        assert life.clean().get("stories forgotten", 0) == 0
        assert len(life.stories()) == 3
        life.receive(item("same", "Three", link="3"))
        life.receive(item("same", "Four", link="4"))
        with life.store.read() as conn:
            assert records.counts(conn)[0] == 5, "else the fourth would be an update of the third"


class TestByLicence:
    @pytest.fixture
    def life(self, config: ConfigOf, store: Store) -> Life:
        free = {**WIRE, "name": "free"}
        found = Life(config(wires=[{**WIRE, "expires_after": "30d"}, free]), store)
        found.begin()
        return found

    def test_a_story_leaves_the_feeds_on_time(self, life: Life) -> None:
        life.receive(item("a", "Licensed"))
        life.receive(item("f", "Free"), wire="free", after=timedelta(hours=1))
        life.receive(item("a", "Licensed, updated"), after=DAY)  # begins no new term
        end = START + 31 * DAY
        for body in life.bodies().values():
            assert b"Licensed" in body
        life.clean(after=end - life.now - timedelta(microseconds=1))
        assert all(b"Licensed" in body for body in life.bodies().values())
        assert life.clean(after=timedelta(microseconds=1)) == {"licences over": 1}
        assert all(b"Licensed" not in body for body in life.bodies().values())
        assert all(b"Free" in body for body in life.bodies().values())
        assert life.clean() == {}, "once is enough"

    def test_the_press_never_places_it_again(self, life: Life) -> None:
        life.receive(item("a", "Licensed"))
        story = life.stories()["a"]
        life.clean(after=31 * DAY)
        life.edit(story, "The desk insists")
        life.receive(item("a", "Licensed, updated"))
        assert all(b"insists" not in body for body in life.bodies().values())
        with life.store.read() as conn:
            entry = feeds.entry(conn, story)
            assert feeds.feeds_of(conn, story) == []
        assert entry is not None
        assert (entry.digests, entry.packed) == ("", None)
        assert entry.scope == "headline-only", "what was measured stays"

    def test_the_press_alone_leaves_out_what_is_over(self, life: Life) -> None:
        """Nobody kept house: what is printed anew is judged all the same."""
        life.receive(item("a", "Licensed"))
        life.now += 40 * DAY
        life.edit(life.stories()["a"], "Too late")
        assert all(b"Too late" not in body for body in life.bodies().values())

    def test_a_longer_term_brings_it_back_within_the_grace(
        self, life: Life, config: ConfigOf
    ) -> None:
        life.receive(item("a", "Licensed"))
        before = life.bodies()
        life.clean(after=32 * DAY)
        assert life.bodies() != before
        longer = config(wires=[{**WIRE, "expires_after": "60d"}, {**WIRE, "name": "free"}])
        life.config = longer
        life.begin()
        life.clean()
        old, new = (str((START + n * DAY).date()).encode() for n in (31, 61))
        assert all(old in body and new not in body for body in before.values())
        told = {key: body.replace(old, new) for key, body in before.items()}
        assert life.bodies() == told, "nothing differs but the end"

    def test_copy_goes_and_the_proof_stays(self, life: Life) -> None:
        """A week after the end, on the wire still or not: no byte and no word of it is left."""
        number = life.receive(item("a", "Licensed", "Secret words."))
        with life.store.read() as conn:
            was = records.history(conn, life.stories()["a"])[0]
        life.clean(after=37 * DAY)
        assert not life.has_bytes(number), "30 days and 7"
        with life.store.read() as conn:
            row = records.history(conn, life.stories()["a"])[0]
            entry = feeds.entry(conn, row.story_id)
            assert records.withdrawn(conn, [row.story_id]) == {row.story_id}
        assert "Secret" not in str(row)
        assert (row.raw_digest, row.received) == (was.raw_digest, was.received)
        assert row.data["headline"] == "Licensed"
        assert entry is not None
        assert entry.scope == "verbatim"
        # It is known when it comes again, and nothing is new.
        life.receive(item("a", "Licensed", "Secret words."))
        assert [c for t in life.taken for c in t.changes] == []
        assert life.replayed() == []

    def test_words_that_are_gone_are_not_published(self, life: Life, config: ConfigOf) -> None:
        """Even when the term is made longer too late."""
        life.receive(item("a", "Licensed", "Secret words."))
        life.clean(after=40 * DAY)
        life.config = config(wires=[WIRE, {**WIRE, "name": "free"}])
        life.begin()
        life.clean()
        assert all(b"Licensed" not in body for body in life.bodies().values())
        with life.store.read() as conn:
            assert feeds.unrendered(conn) == 0

    def test_an_update_after_the_end_loses_its_words_in_its_time(self, life: Life) -> None:
        life.receive(item("a", "Licensed"))
        life.clean(after=40 * DAY)
        number = life.receive(item("a", "Licensed, updated", "More words."))
        life.clean(after=36 * DAY)
        assert life.has_bytes(number)
        life.clean(after=DAY)
        assert not life.has_bytes(number)
        with life.store.read() as conn:
            history = records.history(conn, life.stories()["a"])
        assert [v.data["body"] for v in history] == ["", ""]

    def test_a_rebuild_is_the_same_at_every_stage(
        self, life: Life, config: ConfigOf, tmp_path: Path
    ) -> None:
        life.receive(item("a", "Licensed"), item("b", "Other"))
        life.receive(item("f", "Free"), wire="free")
        life.receive(item("b", "Other, updated"), after=20 * DAY)
        for stage, after in enumerate((0, 8, 10, 5, 30, 100)):
            life.clean(after=after * DAY)
            with life.rebuilt(f"sqlite:///{tmp_path}/{stage}.sqlite3") as target:
                assert life.bodies(target) == life.bodies()
                assert list(compare(life.store, target, ["w", "free"])) == []

    def test_a_wire_that_leaves_the_configuration_keeps_its_term(
        self, life: Life, config: ConfigOf, tmp_path: Path
    ) -> None:
        """The end of a contract, or of a name: its stories go when they would have gone."""
        free = {**WIRE, "name": "free"}
        # As the channel says itself: without its wire's other rules a replay is to change nothing.
        licensed = {**WIRE, "agency": "A", "expires_after": "30d"}
        life.config = config(wires=[licensed, free])
        life.begin()
        number = life.receive(item("a", "Licensed", "Secret words."))
        story = life.stories()["a"]
        life.receive(item("f", "Free"), wire="free", after=timedelta(hours=1))
        life.config = config(wires=[free])
        life.begin()
        assert all(b"Licensed" in body for body in life.bodies().values()), "its term runs"
        end = START + 31 * DAY
        assert life.clean(after=end - life.now - timedelta(microseconds=1)) == {}
        stages = [(timedelta(microseconds=1), 1), (DAY, 0), (7 * DAY, 0), (30 * DAY, 0)]
        for turn, (after, ended) in enumerate(stages):
            assert life.clean(after=after).get("licences over", 0) == ended
            life.begin()
            _is_gone(life, story)
            with life.rebuilt(f"sqlite:///{tmp_path}/{turn}.sqlite3") as target:
                _is_gone(Life(life.config, target, life.now), story)
                assert life.bodies(target) == life.bodies()
                assert list(compare(life.store, target, ["w", "free"])) == []
            with life.frozen():
                assert replaying.rehearse(life.store, life.config, Selection()).changes == []
            assert life.replayed() == []
        assert not life.has_bytes(number)
        with life.store.read() as conn:
            assert "Secret" not in str(records.history(conn, story))
        assert all(b"Free" in body for body in life.bodies().values())

    def test_what_is_over_stays_out_when_its_wire_leaves(
        self, life: Life, config: ConfigOf
    ) -> None:
        """All is printed anew then; and the rebuilt store knows the term when the wire leaves."""
        life.receive(item("a", "Licensed"))
        story = life.stories()["a"]
        life.clean(after=31 * DAY)
        with life.rebuilt(f"sqlite:///{life.config.data}.sqlite3") as target:
            for store in (life.store, target):
                left = Life(config(wires=[{**WIRE, "name": "free"}]), store, life.now)
                left.begin()
                _is_gone(left, story)

    def test_a_wire_that_comes_back_has_the_term_it_is_given(
        self, life: Life, config: ConfigOf
    ) -> None:
        """And keeps that one when it leaves again, none included."""
        free = {**WIRE, "name": "free"}
        life.receive(item("a", "Licensed"))
        before = _but_for_its_term(life)
        for term, end in (("60d", [str((START + 61 * DAY).date())]), (None, [])):
            life.config = config(wires=[free])
            life.begin()
            life.clean(after=32 * DAY if term else 30 * DAY)
            assert all(b"Licensed" not in body for body in life.bodies().values())
            for back in (config(wires=[{**WIRE, "expires_after": term}, free]), life.config):
                life.config = back
                life.begin()
                life.clean()
                assert _but_for_its_term(life) == before
                for body in life.bodies().values():
                    assert [day.decode() for day in _END.findall(body)] == end

    def test_a_wire_that_never_had_a_term_is_free_when_it_leaves(
        self, life: Life, config: ConfigOf
    ) -> None:
        life.receive(item("f", "Free"), wire="free")
        before = life.bodies()
        life.config = config(wires=[{**WIRE, "expires_after": "30d"}])
        life.begin()
        left = life.bodies()
        life.clean(after=60 * DAY)
        assert life.bodies() == left == before
        assert not any(_END.search(body) for body in left.values())


_END = re.compile(rb'(?:<dcterms:valid>end=|"valid_until":")([0-9-]+)T')
"""The day on which a licence ends, as an entry tells it."""

_ITS_TERM = re.compile(rb'\s*<dcterms:valid>[^<]*</dcterms:valid>|,?"valid_until":"[^"]*"')
"""What an entry tells of its licence."""


def _but_for_its_term(life: Life) -> dict[tuple[str, str], bytes]:
    return {key: _ITS_TERM.sub(b"", body) for key, body in life.bodies().items()}


def _is_gone(life: Life, story: str) -> None:
    """Out of every feed, no copy in its entry, and 410 on its page."""
    assert all(b"Licensed" not in body for body in life.bodies().values())
    with life.frozen(), life.store.read() as conn:
        entry = feeds.entry(conn, story)
        assert story_page(conn, life.config, story) is None
        assert gone(conn, life.config, story)
    assert entry is not None
    assert (entry.digests, entry.packed) == ("", None)


class TestReplay:
    def test_expired_captures_are_passed_over_and_counted(self, life: Life) -> None:
        numbers = [life.receive(item("a", f"Headline {n}")) for n in range(5)]
        life.clean(after=88 * DAY)
        assert replay.plan(life.store, Selection()) == {"w": numbers[2:]}
        assert replay.expired(life.store, Selection()) == 2
        assert replay.expired(life.store, Selection(since=life.now - 50 * DAY)) == 0
        assert life.replayed() == []

    def test_a_rebuild_copies_what_they_brought(self, life: Life, tmp_path: Path) -> None:
        for n in range(5):
            life.receive(item("a", f"Headline {n}"), item(f"n{n}", "News"), item("s", "Stands"))
        life.edit(life.stories()["n1"], "The desk's own")
        life.clean(after=90 * DAY)
        with life.rebuilt(f"sqlite:///{tmp_path}/again.sqlite3") as target:
            assert life.bodies(target) == life.bodies()
            assert list(compare(life.store, target, ["w"])) == []
            with target.read() as conn:
                assert captures.wires_pending(conn) == []
                assert len(captures.ids_taken_in(conn, "w", expired=True)) == 3


class TestSteps:
    def test_what_one_round_leaves_the_next_one_does(
        self, life: Life, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "STEP", 20)
        numbers = [life.receive(item("a", f"Headline {n}")) for n in range(9)]
        life.now += 200 * DAY
        counts = []
        with life.frozen():
            for _ in range(20):
                counts.append(rounds.housekeeping(life.store, life.config, budget=0))
                life.now += timedelta(seconds=30)
        assert [c["captures expired"] for c in counts if "captures expired" in c] == [2, 2, 2, 2]
        assert [life.has_bytes(n) for n in numbers] == [False] * 8 + [True]
        with life.store.read() as conn:
            assert key_value.read(conn, "housekeeping:retained") is not None, "then it rests"

    def test_a_wire_in_a_workers_hands_is_left_alone(self, life: Life) -> None:
        for n in range(5):
            life.receive(item(f"n{n}", "News"))
        life.now += 9999 * DAY
        with life.store.write() as conn:
            outbox.want(conn, "ingest", ["w"], life.now)
            jobs = outbox.claim(conn, "ingest", life.now, 1)
        assert "stories forgotten" not in life.clean()
        with life.store.write() as conn:
            outbox.done(conn, jobs, life.now)
        assert life.clean()["stories forgotten"] == 2

    def test_bytes_that_come_again_are_not_taken_away(self, life: Life) -> None:
        """Housekeeping has chosen them; at that moment the same bytes are received once more."""
        body = feed(item("a", "One"))
        old = life.receive_bytes(body)
        life.receive(item("b", "Two"))
        life.now += 100 * DAY
        if life.store.dialect == "sqlite":  # one writer: there is no such moment
            life.clean()
            new = life.receive_bytes(body)
        else:
            with life.store.write() as receiving:
                new = captures.add(receiving, "w", life.now, "http://x/", [], body)
                with life.store.write() as cleaning:
                    retention.expire(cleaning, life.now - 90 * DAY, life.now, 100)
            with life.store.read() as conn:
                early = captures.get(conn, old)
            assert early is not None
            assert early.expired_at is None, "left for the next round"
        assert life.has_bytes(new)

    def test_the_day_is_told_once(self, life: Life) -> None:
        with life.frozen():
            rounds.housekeeping(life.store, life.config)
            with life.store.read() as conn:
                told = key_value.read(conn, "housekeeping:told")
            life.now += timedelta(hours=23)
            rounds.housekeeping(life.store, life.config)
            with life.store.read() as conn:
                assert key_value.read(conn, "housekeeping:told") == told

    def test_the_database_gives_pages_back(self, life: Life) -> None:
        for n in range(30):
            noise = "".join(chr(0x4E00 + (n * 7919 + i * i * 31) % 20000) for i in range(9000))
            life.receive(item("a", f"Headline {n}", noise))
        before = storage.size(life.store)
        assert before > 300_000
        life.clean(after=200 * DAY)
        if life.store.dialect == "sqlite":  # PostgreSQL does so in its own time
            assert storage.size(life.store) < before


GUIDS = ("a", "b", "c", "", "same", "same2")


def _item(guid: str, content: int) -> str:
    """An item by a guid of its own, by its link alone, or under a guid that others have too."""
    name = guid or "linked"
    if guid == "same2":
        guid = "same"
    return item(guid, f"{name} {content}", f"Words {content} of {name}.", link=f"p/{name}")


_captures = st.tuples(
    st.just("capture"),
    st.lists(
        st.tuples(st.sampled_from(GUIDS), st.integers(0, 2)), max_size=5, unique_by=lambda i: i[0]
    ),
)
_acts = st.one_of(
    _captures,
    _captures,
    _captures,
    st.tuples(st.just("pass"), st.sampled_from([1, 9, 35, 500])),
    st.tuples(st.just("clean"), st.just(None)),
    st.tuples(st.just("clean"), st.just(None)),
    st.tuples(st.just("edit"), st.integers(0, 9)),
    st.tuples(st.just("broken"), st.integers(0, 3)),
    st.tuples(st.just("replay"), st.just(None)),
)


@settings(max_examples=12)
@given(
    acts=st.lists(_acts, min_size=4, max_size=18),
    bytes_for=st.sampled_from(["1d", "10d", "90d"]),
    versions_for=st.sampled_from(["1d", "30d", "400d"]),
    licence=st.sampled_from([None, None, "2d", "20d"]),
    limit=st.sampled_from([1, 3, 50]),
)
@pytest.mark.slow
def test_no_feed_and_no_wire_ever_notices(
    _sqlite_template: Path,  # noqa: PT019 (its value is used)
    acts: list[tuple[str, Any]],
    bytes_for: str,
    versions_for: str,
    licence: str | None,
    limit: int,
) -> None:
    """At any moment of any history: housekeeping changes no feed by a byte (but for licences),
    nothing that stood on the wire all along is new to it, a replay changes nothing, and what is
    rebuilt from what is left is the same."""
    config = Config(
        publisher={"name": "The Daily Test", "url": "https://daily.example"},
        wires=[{**WIRE, "expires_after": licence}],
        feeds=[{"name": "all", "title": "All", "limit": limit}],
        retention={"captures": bytes_for, "versions": versions_for},
    )
    with tempfile.TemporaryDirectory() as folder:
        store = connect(empty_copy(_sqlite_template, Path(folder) / "live.sqlite3"))
        # What a power cut would lose is not the question here.
        event.listen(store.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
        life = Life(config, store)
        life.begin()
        standing: set[str] = set()
        for turn, (act, what) in enumerate(acts):
            if act == "capture":
                life.receive(*(_item(*one) for one in what))
                changes = [c for t in life.taken for c in t.changes]
                assert not {c.story_id for c in changes if c.kind == "new"} & standing
                standing = _standing(store)
            elif act == "broken":
                life.receive_bytes(b"<html>broken %d</html>" % what)
            elif act == "pass":
                life.now += what * DAY
            elif act == "edit":
                ids = sorted(life.stories().values())
                if ids:
                    life.edit(ids[what % len(ids)], f"Desk {turn}")
            elif act == "replay":
                assert life.replayed() == []
            else:
                if licence:  # what the clock has ended is not housekeeping's doing
                    with life.frozen():
                        rounds.end_licences(store, config, life.now)
                        renderer.render_waiting(store, config)
                before = life.bodies()
                life.clean()
                assert life.bodies() == before
        life.clean()
        assert life.replayed() == []
        with life.rebuilt(empty_copy(_sqlite_template, Path(folder) / "two.sqlite3")) as target:
            assert life.bodies(target) == life.bodies()
            assert list(compare(store, target, ["w"])) == []
        store.close()


def _standing(store: Store) -> set[str]:
    """The stories that were in the capture just taken in."""
    with store.read() as conn:
        newest = captures.listing(conn, limit=1)[0]
        query = select(stories.c.id).where(stories.c.last_seen_at == newest.received_at)
        return set(conn.execute(query).scalars())
