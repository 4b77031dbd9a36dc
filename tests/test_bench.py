"""The bench runs and prints every row. How fast anything is, no test says."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

import pytest

from bench import history, push, series, window
from bench.sides import missing
from bench.table import Table, figure
from tests.load.load import Load, versions_served
from workers.metrics import POLL_LAG, TASK_SECONDS

KINDS = (
    "changed, 1 new of 30",
    "200, only its date moved",
    "200, the same bytes",
    "304",
    "first fetch of 30",
)
ROWS = {
    "poll": {f"{format}: {kind}" for format in ("RSS", "Atom") for kind in KINDS},
    "read": {"RSS", "Atom"},
    "headline": {
        "Wirecopy, SQLite",
        "Wirecopy, PostgreSQL",
        "feedgen",
        "feedgen and gzip",
    },
    "live": {
        "received → in the served feed: p50, s",
        "received → in the served feed: p99, s",
        "stories received",
        "due → polled: p50, s",
        "due → polled: p99, s",
        "cores used meanwhile",
        "up at rest: memory, MB",
        "up → first poll, a new folder: s",
        "up → first poll, again: s",
        "wirecopy --help: CPU, s",
    },
    "push": set(push.ROWS),
    "growth": {"received", "archive", "archive, of received", "database"},
    "history": set(history.WORK),
    "serve": {"Wirecopy", "Starlette StaticFiles on granian"},
}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_row_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json", str(file)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tables = {t["name"]: t for t in json.loads(file.read_text())["tables"]}
    assert {name: {row[0] for row in t["rows"]} for name, t in tables.items()} == ROWS
    for table in tables.values():
        assert table["title"] in done.stdout
        for row in table["rows"]:
            assert len(row) == len(table["columns"]), row
            assert not {None, "-"} & set(row[1:]), row
            assert all(cell >= 0 for cell in row[1:] if not isinstance(cell, str)), row
            assert any(line.startswith(row[0]) for line in done.stdout.splitlines())


def test_what_is_not_named_is_not_measured(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "nothing"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "poll, read, headline, live, push, growth, history, serve" in done.stderr.replace(
        "'", ""
    ).replace("\n", " ")


def test_a_missing_module_is_told() -> None:
    assert missing("json") is None
    assert missing("no_such_module") == (
        "not measured: no_such_module is not installed (make bench installs it)"
    )


def test_a_row_that_ends_early_tells_why() -> None:
    table = Table("t", "Title", ("", "first", "second"), ("A note.",))
    table.rows += [("one", 1.0, None), ("two", "not measured: it is not there")]
    assert table.text().splitlines() == [
        "Title",
        "",
        "     first  second",
        "---  -----  ------",
        "one   1.00       -",
        "two  not measured: it is not there",
        "",
        "A note.",
    ]


@pytest.mark.parametrize(
    ("cell", "printed"),
    [
        (None, "-"),
        ("99 %", "99 %"),
        (7, "7"),
        (0.01234, "0.0123"),
        (1.2345, "1.23"),
        (99.99, "99.99"),
        (12345.6, "12,346"),
    ],
)
def test_figures_are_short(cell: float | str | None, printed: str) -> None:
    assert figure(cell) == printed


class TestWindow:
    """What a run of many wires may say of a window of so many seconds."""

    @pytest.mark.parametrize(
        ("wires", "rate", "comes"),
        [
            (100, 60, 60),
            (1_000, 60, 60),
            (10_000, 60, 60),
            (100_000, 60, 60),
            (7, 3, 3),
            (100, 1, 1),
            (30, 60, 30 / 1.05),  # once a second each, which is the least, and the jitter
        ],
    )
    def test_intervals_of_whole_seconds_come_to_the_rate(
        self, wires: int, rate: float, comes: float
    ) -> None:
        every = window.intervals(wires, rate)
        assert len(every) == wires
        assert min(every) >= 1
        assert max(every) - min(every) <= 1
        assert window.offered(every) == pytest.approx(comes, rel=0.03)

    def test_both_intervals_stand_among_any_wires_in_a_row(self) -> None:
        every = window.intervals(100, 60)
        assert set(every) == {1, 2}
        assert all(sum(every[n : n + 20]) in (33, 34, 35, 36) for n in range(80))

    @pytest.mark.parametrize(("wires", "says"), [(100, True), (1_000, True), (10_000, False)])
    def test_a_window_shorter_than_the_interval_says_nothing(self, wires: int, says: bool) -> None:
        every = window.intervals(wires, 60)
        watch = window.watched(every, 45)
        assert bool(watch) is says
        assert not watch or window.longest(every) < watch < 45

    def test_what_came_is_what_the_agency_says_came(self) -> None:
        load = Load(wires=3, novelty_per_minute=2.0, update_share=0.3)
        came = window.arrivals(load, 100.0, 400.0)
        ledger = [s for w in range(3) for s in versions_served(load, w, 100.0, 400.0)]
        firsts = {s.item.guid: s.since for s in ledger if s.item.edition == 1 and s.since > 100}
        assert came == firsts
        assert len(came) > 20

    def test_what_has_not_come_through_counts_as_longer_than_all_that_has(self) -> None:
        at = datetime(2026, 11, 22, tzinfo=UTC)
        came = {f"s{n}": at for n in range(10)}
        rendered = {f"s{n}": at + timedelta(seconds=n) for n in range(10)}
        assert window.waits(came, rendered, set()) == (5, 9)
        del rendered["s3"]
        assert window.waits(came, rendered, set()) == (6, inf)
        assert window.waits(came, rendered, {"s3"}) == (5, 9)
        assert window.waits(came, {}, set()) == (inf, inf)
        assert window.waits({}, rendered, set()) is None
        assert window.told((6, inf), 26.0) == "6.0 / >26"
        assert window.told(None, 26.0) == "–"


class TestTheSeries:
    @staticmethod
    def sample(at: float, polls: int, lags: dict[int, int], size: int) -> series.Sample:
        told = {
            **{(POLL_LAG.name, "", str(bucket)): float(n) for bucket, n in lags.items()},
            (POLL_LAG.name, "", "sum"): 99.0,
            (TASK_SECONDS.name, "workers.tasks.poll", "0"): float(polls),
            (TASK_SECONDS.name, "workers.tasks.poll", "sum"): polls / 4,
        }
        return series.Sample(at, polls, told, size, {"beat": polls / 100}, {"beat": size})

    def test_each_part_says_what_came_in_it_and_what_there_was_at_its_end(self) -> None:
        looks = [self.sample(10 + 5.0 * n, n * n, {0: n * n}, n * 10**6) for n in range(9)]
        rows = {row[0]: row[1:] for row in series.table(looks).rows}
        assert rows["polls a second"] == (0.4, 1.2, 2.0, 2.8)
        assert rows["database, MB"] == rows["beat: MB"] == (2, 4, 6, 8)
        assert rows["beat: cores"] == pytest.approx((0.004, 0.012, 0.02, 0.028))
        assert rows["beat: µs a poll"] == pytest.approx((10_000,) * 4)

    def test_a_lag_lies_between_the_bounds_of_its_bucket(self) -> None:
        before = self.sample(0, 0, {0: 50, 1: 1}, 0).told
        after = self.sample(1, 0, {0: 50, 1: 100, 3: 1}, 0).told
        between = series.since(before, after)
        assert 0.1 < series.lag(between, 0.5) < 0.25
        assert 0.1 < series.lag(between, 0.99) <= 0.25
        assert series.lag(between, 1.0) == 0.75
        assert series.lag(series.since(after, after), 0.5) == 0

    def test_of_tasks_it_says_how_many_there_were_and_how_long_one_took(self) -> None:
        assert series.tasks(self.sample(0, 8, {}, 0).told) == {"poll": (8, 250.0)}
