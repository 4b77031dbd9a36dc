"""Wires polled by hand: each when politeness lets it start, whoever else is under way."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from desk.cli.poll import in_turn
from ingest import poll
from net.client import Client
from stories import clock
from stories.config import Config
from stories.db import Store, wires
from stories.models import WireState
from tests import hostile
from tests.conftest import ConfigOf

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def configured(of: ConfigOf, store: Store, count: int, url: str, **politeness: object) -> Config:
    """*count* wires of one agency at *url*, on record and long since polled."""
    named = [{"name": f"w{n:02}", "url": url, "allow_private": True} for n in range(count)]
    config = of(wires=[{**wire, "agency": "A"} for wire in named], politeness=politeness)
    with store.write() as conn:
        wires.sync(conn, config.wires, NOW)
    return config


def name(state: WireState | None) -> str | None:
    return state.name if state is not None else None


def test_no_host_is_asked_more_often_at_once_than_politeness_allows(
    config: ConfigOf, store: Store
) -> None:
    with hostile.serve() as server:
        lock, inside, most = threading.Lock(), 0, 0

        def busy(exchange: hostile.Exchange) -> None:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            exchange.pause(0.05)
            with lock:
                inside -= 1
            exchange.reply(200, {}, hostile.FEED)

        server.route("/busy", busy)
        conf = configured(config, store, 12, f"{server.url}/busy", per_host=2, gap="0s")
        asked = in_turn(store, conf, [w.name for w in conf.wires], resume=False)
        with Client() as http:
            polled = list(poll.poll(store, conf, http, asked))
        assert sorted(p.wire for p in polled) == [w.name for w in conf.wires]
        assert {p.state for p in polled} == {"ok"}
        assert most <= 2


def test_the_gap_is_kept_between_starts(config: ConfigOf, store: Store) -> None:
    conf = configured(config, store, 2, "https://agency.example/w", per_host=2, gap="1s")
    now = NOW
    with clock.reading(lambda: now):
        asked = in_turn(store, conf, ["w01", "w00"], resume=False)
        assert [name(next(asked)) for _ in range(3)] == ["w00", None, None]
        now += SECOND / 2
        assert next(asked) is None
        now += SECOND / 2
        assert [name(state) for state in asked] == ["w01"]


def test_what_a_worker_has_under_way_counts(config: ConfigOf, store: Store) -> None:
    conf = configured(config, store, 2, "https://agency.example/w", per_host=1, gap="0s")
    with store.write() as conn:
        assert wires.lease(conn, "a worker's", ["w00"], NOW, NOW + 9 * SECOND) == {"w00"}
    with clock.reading(lambda: NOW):
        asked = in_turn(store, conf, ["w01"], resume=False)
        assert [name(next(asked)) for _ in range(2)] == [None, None]
        with store.write() as conn:
            assert wires.finish_polls(conn, {"w00": ("a worker's", {})})
        assert [name(state) for state in asked] == ["w01"]


@pytest.mark.parametrize("resume", [True, False])
def test_a_paused_wire_waits_until_it_is_asked_for_by_name(
    config: ConfigOf, store: Store, resume: bool
) -> None:
    conf = configured(config, store, 2, "https://agency.example/w", per_host=2, gap="0s")
    with store.write() as conn:
        (one,) = wires.take(conn, ["w00"], NOW)
        assert wires.finish_polls(conn, {"w00": (one.lease or "", {"paused_at": NOW})})
    with clock.reading(lambda: NOW + SECOND):
        asked = [s.name for s in in_turn(store, conf, ["w00", "w01", "x"], resume=resume) if s]
    assert asked == (["w00", "w01"] if resume else ["w01"])
