"""The full-text index finds the newest that has the words, however it is asked."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from stories.db import Store, search, tables
from stories.db.search import Indexed
from stories.models import Term

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
GAPS = (timedelta(0), timedelta(minutes=7), timedelta(hours=9), timedelta(days=40))


@pytest.mark.parametrize("most_spans", [2, 30])
def test_the_newest_are_found_of_any_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, most_spans: int
) -> None:
    monkeypatch.setattr("stories.db.search.LATELY", (3, 20))
    monkeypatch.setattr("stories.db.search.MOST_SPANS", most_spans)
    rng, at = random.Random(1), BEGAN
    rows = []
    for number in range(120):
        at += rng.choices(GAPS, (4, 8, 4, 1))[0]
        # Once common and then rare, rare throughout, in all.
        said = ["all", "early" if number < 60 else "late", *(["rare"] if number % 41 == 0 else [])]
        rows.append(Indexed(f"story{number:08}", at, said + rng.sample("abcdefgh", 3)))
    with store.write() as conn:
        search.put(conn, rows)
        conn.execute(
            insert(tables.placements),
            [
                {"feed": "shown", "story_id": row.story_id, "changed_at": row.placed_at}
                | {"position": 0}
                for row in rows[::2]
            ],
        )
    with store.read() as conn:
        every = [each.number for each in search.find(conn, [Term(("all",))], ["shown"], None, 99)]
        assert len(every) == 60
        for asked in ("all", "early", "late", "rare", "a b", "rare a", "early c d", "nowhere"):
            terms = [Term((word,)) for word in asked.split()]
            fitting = [row for row in rows[::2][::-1] if {*asked.split()} <= {*row.words}]
            for before in (None, *every[::13], 1, 10**18):
                found = search.find(conn, terms, ["shown"], before, 5)
                end = before or 10**18
                older = [row for row in fitting if every[_place(rows, row)] < end]
                assert [each.story_id for each in found] == [row.story_id for row in older[:5]]
                assert [each.number for each in found] == [
                    every[_place(rows, r)] for r in older[:5]
                ]


def test_a_word_that_none_of_the_newest_has_is_looked_for_among_all_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: each further look takes as long as the first."""
    monkeypatch.setattr("stories.db.search.LATELY", (3, 20))
    days = (BEGAN + timedelta(days=number) for number in range(40))
    rows = [Indexed(f"story{n:08}", at, ["all", f"n{n}"]) for n, at in enumerate(days)]
    looks: list[str] = []
    with store.write() as conn:
        search.put(conn, rows)
        event.listen(conn, "before_cursor_execute", lambda *told: looks.append(told[2]))
        assert search.find(conn, [Term(("n0",))], ["shown"], None, 5) == []  # in no feed
    assert sum("search_words" in look for look in looks) in (1, 2)


def _place(rows: list[Indexed], row: Indexed) -> int:
    """Where *row* stands among those that are shown, the newest first."""
    return 59 - rows.index(row) // 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_looks_by_its_index_of_words_alone(store: Store) -> None:
    """Of two million stories it would rather read all words than those of forty hours."""
    hours = (BEGAN + timedelta(minutes=9 * number) for number in range(400))
    rows = [Indexed(f"story{n:08}", at, ["all", f"n{n}"]) for n, at in enumerate(hours)]
    with store.write() as conn:
        search.put(conn, rows)
    with store.engine.connect() as plain:
        plain.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    asked: list[tuple[str, Any]] = []
    with store.write() as conn:
        event.listen(conn, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        assert search.find(conn, [Term(("all",))], None, None, 5)
        [(statement, given)] = [each for each in asked if "search_words" in each[0]]
        plan = conn.exec_driver_sql(f"EXPLAIN {statement}", given).scalars().all()
    of_words = [line for line in plan if "search_words" in line and " Scan " in line]
    assert [line.strip(" ->").partition("  ")[0] for line in of_words] == [
        "Bitmap Heap Scan on search_words",
        "Bitmap Index Scan on ix_search_words_words",
    ]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_has_no_words_waiting_that_each_search_would_read(store: Store) -> None:
    with store.write() as conn:
        search.put(conn, [Indexed("story", BEGAN, ["all"])])
    with store.write() as conn:
        pages = "SELECT gin_clean_pending_list('ix_search_words_words')"
        assert conn.exec_driver_sql(pages).scalar_one() == 0
