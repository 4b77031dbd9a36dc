"""Places in a log against the times of its leaves: those of an honest log always pass."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wirecopy.trusted_state import LeafTime, misplaced

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@st.composite
def logs(draw: st.DrawFn) -> list[LeafTime]:
    """All leaves of an honest log, some of them logged at once."""
    steps = draw(st.lists(st.integers(0, 3), min_size=2, max_size=30))
    return [LeafTime(n, NOON + sum(steps[: n + 1]) * MICROSECOND) for n in range(len(steps))]


@given(logs(), st.data())
def test_an_honest_log_has_no_fault(log: list[LeafTime], data: st.DataObject) -> None:
    seen = data.draw(st.permutations(log)).copy()
    del seen[data.draw(st.integers(1, len(log))) :]
    newest = data.draw(st.sampled_from([None, *log]))
    assert misplaced(seen, newest) == {}


@given(logs(), st.data())
def test_a_leaf_dated_before_one_that_stands_before_it(
    log: list[LeafTime], data: st.DataObject
) -> None:
    behind = data.draw(st.integers(1, len(log) - 1))
    known = log[data.draw(st.integers(0, behind - 1))]
    early = LeafTime(behind, known.logged_at - data.draw(st.integers(1, 9)) * MICROSECOND)
    others = [place for place in log if place not in (known, log[behind])]
    others = data.draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    assert early in misplaced([*others, early, known], None)  # both in the feed
    assert early in misplaced([*others, early], known)  # one remembered
    assert known not in misplaced([*others, early, known], None)


@given(logs(), st.data())
def test_a_leaf_dated_after_one_that_stands_behind_it(
    log: list[LeafTime], data: st.DataObject
) -> None:
    before = data.draw(st.integers(0, len(log) - 2))
    known = log[data.draw(st.integers(before + 1, len(log) - 1))]
    late = LeafTime(before, known.logged_at + data.draw(st.integers(1, 9)) * MICROSECOND)
    assert late in misplaced([late], known)
    assert known in misplaced([late, known], None)
