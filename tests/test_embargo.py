"""Nothing of an embargoed story leaves before its time, in any form; then it leaves by itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk import hiding
from desk.headline import rewrite, unseen
from publish import renderer
from publish.web.app import create
from stories import transparency
from stories.db import Store, connect, proofs
from stories.keys import key_set
from stories.models import ActKind
from tests.conftest import ConfigOf
from tests.differences import compare
from tests.ingest.formats.test_news_formats import RAIN
from tests.ingest.newswires import WRITERS, Block
from tests.living import Life, item
from tests.serving import served
from wirecopy import Evidence, verify
from wirecopy.feed import read_feed

HOUR = timedelta(hours=1)
WIRE: dict[str, Any] = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
OTHER = {"name": "o", "agency": "Agency", "url": "https://agency.example/o"}


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    """A story of another wire, in the feed of all."""
    lived = Life(config(wires=[WIRE, OTHER], feeds=[{"name": "all", "title": "All"}]), store)
    lived.begin()
    lived.receive(item("x", "Good news", "It rained."), wire="o")
    return lived


def send(
    life: Life, until: datetime | None, headline: str = "Secret", format: str = "nitf"
) -> None:
    """A version of the one story of the wire."""
    life.receive_bytes(written(until, headline, format), after=timedelta(minutes=1))


def written(until: datetime | None, headline: str, format: str) -> bytes:
    said = f"{until:%Y-%m-%dT%H:%M:%SZ}" if until else ""
    words = [Block("p", [[[("", f"{headline} words of it")]]])]
    return WRITERS[format](replace(RAIN, headline=headline, blocks=words, embargo=said))


@contextmanager
def at(life: Life, moment: datetime) -> Iterator[None]:
    """At that *moment*, when whoever renders has been there; nothing was polled."""
    life.now = moment
    with life.frozen():
        renderer.render_waiting(life.store, life.config)
        yield


def story_of(life: Life) -> str:
    (found,) = (name for guid, name in life.stories().items() if guid != "x")
    return found


def everything(life: Life) -> bytes:
    """All that anybody can ask the site for, and the whole log."""
    app = create(life.config, life.store, ready=dict, metrics=lambda: b"")
    story = story_of(life)
    beside = ("", "/statements", "/ninjs", "/newsml-g2")
    asked = ("/", "/feeds/all", *(f"/stories/{story}{end}" for end in beside))
    with life.frozen(), served(app) as port:
        found = [port.ask(path).body for path in asked]
        found += [port.ask(f"/feeds/all.{kind}").body for kind in ("rss", "atom", "json")]
        transparency.append(life.store, life.config)  # as whoever takes captures in does
    with life.store.read() as conn:
        head = proofs.log_head(conn)
        found += proofs.leaves(conn, 0, head.size if head else 0)
    return b"\n".join(found)


def titles(life: Life, format: str = "atom") -> list[str]:
    return [each.headline for each in read_feed(life.bodies()["all", format])]


@pytest.mark.parametrize("format", WRITERS)
def test_it_leaves_at_its_time_and_not_before(life: Life, format: str) -> None:
    until = life.now + 5 * HOUR
    send(life, until, format=format)
    story = story_of(life)
    for moment in (life.now, until - timedelta(microseconds=1)):
        with at(life, moment):
            assert b"Secret" not in everything(life)
            assert b"urn:newsml:agency.example" not in everything(life), "nor its id"
            assert titles(life) == ["Good news"]
            with life.store.read() as conn:
                assert "under embargo until" in unseen(conn, life.config, _one(life, story))
    with at(life, until):
        assert (
            titles(life) == titles(life, "rss") == titles(life, "json") == ["Secret", "Good news"]
        )
        entry = read_feed(life.bodies()["all", "atom"])[0]
        assert entry.updated == (f"{until:%Y-%m-%dT%H:%M:%SZ}",)
        assert everything(life).count(b"Secret words of it") >= 4
        with life.store.read() as conn:
            keys = json.dumps(key_set(conn)).encode()
    report = verify(life.bodies()["all", "atom"], keys, Evidence(now=life.now))
    assert [each.verdict for each in report.entries] == ["verified", "verified"]


def test_the_agency_lifts_it_and_moves_it(life: Life) -> None:
    until = life.now + 5 * HOUR
    send(life, until)
    send(life, until + HOUR)
    with at(life, until):
        assert titles(life) == ["Good news"]
    send(life, None)
    assert titles(life) == ["Secret", "Good news"]
    send(life, life.now + HOUR, "Secret, again")
    assert titles(life) == ["Good news"], "it is one story: what came before goes, too"
    with at(life, life.now + HOUR):
        assert titles(life) == ["Secret, again", "Good news"]


def test_the_desk_may_work_on_it_before(life: Life) -> None:
    until = life.now + 5 * HOUR
    send(life, until)
    with life.frozen():
        rewrite(life.store, story_of(life), "Secret of the desk", "Asha")
    with at(life, until - HOUR):
        assert b"Secret" not in everything(life)
        hide(life, "kill")
        assert titles(life) == ["Good news"]
        assert b"ithdrawn" not in life.bodies()["all", "rss"], "nobody has seen it"
    with at(life, until + HOUR):
        assert titles(life) == ["Good news"]
        hide(life, "release")
        assert titles(life) == ["Secret of the desk", "Good news"]


def hide(life: Life, kind: ActKind) -> None:
    hiding.act(life.store, life.config, story_of(life), kind, "Asha", "so it is")


def test_a_rebuild_gives_every_feed_again_before_and_after(life: Life, tmp_path: Path) -> None:
    until = life.now + 5 * HOUR
    send(life, until)
    for moment in (until - HOUR, until, until + HOUR):
        with at(life, moment):
            before = life.bodies()
        with life.rebuilt(f"sqlite:///{tmp_path}/{moment:%H}.sqlite3") as target:
            assert list(compare(life.store, target, ["w", "o"])) == []
            assert life.bodies(target) == before
        assert life.replayed() == []
        assert life.bodies() == before


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "wait", "kill", "hold", "release", "edit"]), st.integers(-2, 4)
    ),
    min_size=2,
    max_size=7,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_order_of_events_shows_an_embargoed_or_a_hidden_word(
    config: ConfigOf, tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("life")
    store = connect(f"sqlite:///{folder}/w.sqlite3")
    store.migrate()
    life = Life(config(wires=[WIRE], feeds=[{"name": "all", "title": "All"}]), store)
    life.begin()
    until, status, n = None, "usable", 0
    send(life, None, "Secret 0")
    for what, hours in steps:
        if what == "send":
            n += 1
            until = life.now + hours * HOUR
            send(life, until, f"Secret {n}")
        elif what == "wait":
            life.now += abs(hours) * HOUR
        elif what == "edit":
            with life.frozen():
                rewrite(store, story_of(life), f"Desk {n} {life.now}", "Asha")
            life.now += timedelta(seconds=1)
        else:
            wanted = {"kill": "killed", "hold": "withheld", "release": "usable"}[what]
            with life.frozen():
                try:
                    hide(life, what)  # type: ignore[arg-type]
                    status = wanted
                except hiding.HidingError:
                    pass
            life.now += timedelta(seconds=1)
        with at(life, life.now):
            shown = life.bodies()["all", "json"]
        hidden = status != "usable" or (until is not None and until > life.now)
        assert (b"words of it" in shown) == (not hidden), (what, hours)
        if not hidden:
            assert f"Secret {n} words of it".encode() in shown
    store.close()


def _one(life: Life, story: str) -> Any:
    from stories.db import stories as records

    with life.store.read() as conn:
        return records.one(conn, story)
