"""The life of a story, row by row, and whatever the order of what agency and desk do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk import hiding as desk
from ingest.life import TABLE, Before
from stories.db import Store
from stories.db import stories as records
from stories.models import STATUS_AFTER, Act, ActKind, Status, hiding
from tests.conftest import ConfigOf
from tests.differences import compare
from tests.ingest.formats.test_news_formats import RAIN
from tests.ingest.newswires import WRITERS, Block
from tests.living import Life, item

PAGE = Path(__file__).parents[2] / "docs" / "life.md"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
STATUSES: tuple[Status, ...] = ("usable", "withheld", "canceled")
BEFORE: tuple[Before, ...] = ("unknown", "usable", "withheld", "killed")


def printed() -> str:
    rows = ["| an item that is | of a story that is | does |", "|---|---|---|"]
    rows += [f"| {status} | {before} | {TABLE[status, before].told} |" for status, before in TABLE]
    return "\n".join(rows)


def test_the_page_prints_the_table() -> None:
    said = PAGE.read_text(encoding="utf-8").partition("<!-- table -->\n")[2]
    assert said.partition("\n<!-- /table -->")[0].strip() == printed()


def test_the_table_has_every_row_once() -> None:
    assert set(TABLE) == {(status, before) for status in STATUSES for before in BEFORE}


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    lived = Life(config(wires=[wire], feeds=[{"name": "all", "title": "All"}]), store)
    lived.begin()
    return lived


def send(life: Life, status: str, note: str = "", format: str = "g2 xhtml", guid: str = "") -> None:
    words = [Block("p", [[[("", f"Words of it {note}")]]])]
    said = replace(RAIN, blocks=words, status=status, guid=guid or RAIN.guid)
    life.receive_bytes(WRITERS[format](said), after=timedelta(minutes=1))


def desks(life: Life, kind: ActKind) -> None:
    life.now += timedelta(minutes=1)
    (story,) = life.stories().values()
    with life.frozen():
        desk.act(life.store, life.config, story, kind, "Asha", "so it is")


def status_of(life: Life) -> str:
    (story,) = life.stories().values()
    with life.store.read() as conn:
        found = records.one(conn, story)
    assert found is not None
    shown = life.bodies()["all", "json"]
    assert (b"Words of it" in shown) == (found.status == "usable")
    assert (b"withdrawn" in shown) == (found.status == "killed")
    return found.status


def problems(life: Life) -> list[str]:
    return [problem.state for taken in life.taken for problem in taken.problems]


REACH: dict[Before, Sequence[str]] = {
    "unknown": (),
    "usable": ("usable",),
    "withheld": ("usable", "withheld"),
    "killed": ("usable", "canceled"),
}


@pytest.mark.parametrize(("status", "before"), TABLE)
def test_each_row_does_what_it_says(life: Life, status: Status, before: Before) -> None:
    for each in REACH[before]:
        send(life, each)
    send(life, status, "anew")
    ruling = TABLE[status, before]
    assert problems(life) == ([f"item-{status}"] if ruling.waits else [])
    if before == "unknown" and not ruling.taken:
        assert life.stories() == {}
        return
    then = "usable" if before == "unknown" else before
    assert status_of(life) == (STATUS_AFTER[ruling.act] if ruling.act else then)
    (story,) = life.stories().values()
    with life.store.read() as conn:
        newest = records.history(conn, story)[-1]
        acts = records.acts_of(conn, [story]).get(story, [])
    assert ("anew" in newest.data["body"]) == ruling.taken
    if ruling.act:
        assert (acts[-1].kind, acts[-1].by, acts[-1].at) == (ruling.act, "Agency", life.now)


@pytest.mark.parametrize("format", WRITERS)
def test_every_format_of_agencies_kills(life: Life, format: str) -> None:
    send(life, "usable", format=format)
    assert status_of(life) == "usable"
    send(life, "canceled", format=format)
    assert (status_of(life), problems(life)) == ("killed", [])


def test_a_kill_under_another_id_kills_nothing(life: Life) -> None:
    send(life, "usable")
    send(life, "canceled", guid="urn:newsml:agency.example:20261122:other")
    assert (status_of(life), problems(life)) == ("usable", ["item-canceled"])


def test_a_headline_alone_kills_nothing(life: Life) -> None:
    life.receive(item("a", "Rain", "Words of it."))
    life.receive(item("a", "KILL: Rain", "Words of it."))
    assert status_of(life) == "usable"


def test_what_the_desk_released_stays_so_while_the_agency_repeats_itself(life: Life) -> None:
    send(life, "usable")
    send(life, "canceled")
    desks(life, "release")
    send(life, "canceled")
    assert (status_of(life), problems(life)) == ("usable", [])
    send(life, "canceled", "and again")
    assert status_of(life) == "killed"


def test_agency_and_desk_each_hide_it_for_themselves(life: Life) -> None:
    send(life, "usable")
    desks(life, "hold")
    send(life, "withheld")
    send(life, "usable", "lifted")
    assert status_of(life) == "withheld"
    desks(life, "release")
    assert status_of(life) == "usable"


SAID = {"by": "x", "reason": ""}
STEPS = st.sampled_from(["usable", "withheld", "canceled", "kill", "hold", "release"])


@given(st.lists(STEPS, max_size=8))
def test_a_killed_story_comes_back_by_the_desk_alone(steps: list[str]) -> None:
    """By the rules of the table alone, without a store."""
    acts: list[Act] = []
    for n, step in enumerate(steps):
        before = hiding(acts)
        agencys = step in STATUSES
        kind = TABLE[step, before.agency].act if agencys else step  # type: ignore[index]
        if kind is None:
            continue
        at, capture = NOON + timedelta(seconds=n), n if agencys else None
        acts.append(Act.model_validate({**SAID, "kind": kind, "at": at, "capture_id": capture}))
        after = hiding(acts)
        if before.status == "killed" and after.status != "killed":
            assert step == "release"
        if step == "release":
            assert after.status == after.agency == "usable"
        if before.status != after.status:
            assert after.at == at


def test_replay_and_rebuild_find_the_same(life: Life, tmp_path: Path) -> None:
    for status, note in (("usable", "first"), ("withheld", ""), ("usable", "lifted")):
        send(life, status, note)
    desks(life, "hold")
    desks(life, "release")
    send(life, "canceled")
    before = life.bodies()
    assert status_of(life) == "killed"
    assert life.replayed() == []
    assert life.bodies() == before
    with life.rebuilt(f"sqlite:///{tmp_path}/rebuilt.sqlite3") as target:
        assert list(compare(life.store, target, ["w"])) == []
        assert life.bodies(target) == before
        ids = life.stories().values()
        with life.store.read() as old, target.read() as new:
            assert records.acts_of(new, ids) == records.acts_of(old, ids)
