"""Figures: counted by many processes, added up in the broker, told as Prometheus wants them."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from workers.address import client
from workers.metrics import KEY, TASK_SECONDS, Collected, Counter, Histogram, Tally, families

POLLS = Counter("wirecopy_polls", "Polls, by outcome.", ("outcome",))
LAG = Histogram("wirecopy_lag_seconds", "Lag.", buckets=(0.1, 1, 10))


def told(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What a scrape finds, as an independent parser reads it."""
    registry = CollectorRegistry()
    registry.register(Collected(client(url), (POLLS, LAG)))
    text = generate_latest(registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_two_processes_counted_is_added_up(redis_url: str) -> None:
    for _ in range(2):
        tally = Tally()
        tally.count(POLLS, "not-modified", amount=3)
        tally.count(POLLS, "new")
        tally.observe(LAG, seconds=0.5)
        tally.flush(client(redis_url))
        tally.flush(client(redis_url))  # nothing is left to hand over
    found = told(redis_url)
    assert found["wirecopy_polls_total", (("outcome", "not-modified"),)] == 6
    assert found["wirecopy_polls_total", (("outcome", "new"),)] == 2
    assert found["wirecopy_lag_seconds_count", ()] == 2
    assert found["wirecopy_lag_seconds_sum", ()] == 1
    bounds = ("0.1", "1.0", "10.0", "+Inf")
    buckets = [found["wirecopy_lag_seconds_bucket", (("le", bound),)] for bound in bounds]
    assert buckets == [0, 2, 2, 2]


@given(st.lists(st.floats(min_value=0, max_value=1000) | st.sampled_from(LAG.buckets)))
def test_buckets_hold_what_was_observed(observed: list[float]) -> None:
    amounts: dict[str, float] = {}
    tally = Tally()
    for seconds in observed:
        tally.observe(LAG, seconds=seconds)
    amounts.update(tally._amounts)
    samples = {
        s.labels["le"]: s.value
        for family in families([LAG], amounts)
        for s in family.samples
        if s.name.endswith("_bucket")
    }
    for bound, value in samples.items():
        limit = math.inf if bound == "+Inf" else float(bound)
        assert value == sum(1 for seconds in observed if seconds <= limit)
    if observed:
        assert list(samples.values()) == sorted(samples.values())
        assert samples["+Inf"] == len(observed)


def test_without_a_broker_nothing_is_told_and_nothing_lost(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "redis+socket:///nowhere/at/all.sock"
    tally = Tally()
    tally.count(POLLS, "new")
    tally.flush(client(nowhere))
    assert told(nowhere) == {}
    tally.count(POLLS, "new")
    tally.flush(client(redis_url))  # too early: a broker just away is not asked by every task
    assert told(redis_url) == {}
    monkeypatch.setattr("workers.metrics.time.monotonic", lambda: math.inf)
    tally.flush(client(redis_url))
    assert told(redis_url)["wirecopy_polls_total", (("outcome", "new"),)] == 2


def test_labels_must_be_those_declared() -> None:
    with pytest.raises(ValueError, match="wirecopy_task_seconds has the labels"):
        Tally().observe(TASK_SECONDS, "poll", seconds=1)


def test_figures_of_another_version_are_left_out(redis_url: str) -> None:
    broker = client(redis_url)
    broker.hset(KEY, '["wirecopy_of_the_past", ["x"], "total"]', "7")
    assert told(redis_url) == {}


def test_threads_share_a_tally_and_nothing_is_counted_twice_or_lost(redis_url: str) -> None:
    tally, broker = Tally(), client(redis_url)
    before = told(redis_url).get(("wirecopy_polls_total", (("outcome", "shared"),)), 0)

    def count(_: int) -> None:
        for _ in range(200):
            tally.count(POLLS, "shared")
        tally.flush(broker)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(40)))
    tally.flush(broker)
    found = told(redis_url)["wirecopy_polls_total", (("outcome", "shared"),)]
    assert found - before == 40 * 200


def test_what_could_not_be_handed_over_is_kept() -> None:
    tally = Tally()
    tally.count(POLLS, "kept")
    tally.flush(client("redis://127.0.0.1:1/0", timeout=1))
    tally.count(POLLS, "kept")
    assert list(tally._amounts.values()) == [2]
