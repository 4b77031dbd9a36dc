"""What goes by age and by licence, what must stay, and the figures: on both databases."""

from datetime import UTC, date, datetime, timedelta

from stories.db import Store, captures, retention
from stories.db import stories as records
from stories.db.stories import VersionRow

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def version(story: str, capture_id: int, number: int = 1, at: datetime = NOW) -> VersionRow:
    return VersionRow(story, capture_id, number, 0, 0, 0, None, f"{number:064}", at, {}, {})


class TestStorageByDay:
    def test_every_day_with_what_came_and_what_is_kept(self, store: Store) -> None:
        body = bytes(range(256)) * 40
        with store.write() as conn:
            captures.add(conn, "a", NOW - 9 * DAY, "http://x/", [], b"long ago")
            first = captures.add(conn, "a", NOW - 2 * DAY, "http://x/", [], body)
            captures.add(conn, "b", NOW - 2 * DAY, "http://y/", [], body)
            # A moment before midnight, and midnight itself.
            midnight = NOW.replace(hour=0)
            captures.add(conn, "a", midnight - timedelta(microseconds=1), "http://x/", [], b"x")
            captures.add(conn, "a", midnight, "http://x/", [], b"yy")
            records.put_versions(conn, [version("s", first)])
            records.put_versions(conn, [version("t", first)])
            days = retention.storage_by_day(conn, NOW, 4)
        assert [d.day for d in days] == [date(2026, 11, n) for n in (19, 20, 21, 22)]
        assert [d.captures for d in days] == [0, 2, 1, 1]
        assert [d.received for d in days] == [0, 2 * len(body), 1, 2]
        assert [d.versions for d in days] == [0, 2, 0, 0]
        assert days[0].kept == 0
        assert 0 < days[1].kept < len(body), "packed, and once"

    def test_an_empty_store(self, store: Store) -> None:
        with store.read() as conn:
            days = retention.storage_by_day(conn, NOW, 2)
        assert [(d.captures, d.received, d.kept, d.versions) for d in days] == [(0, 0, 0, 0)] * 2
