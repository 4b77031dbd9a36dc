from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import first_date, parse_date

INDIA = ZoneInfo("Asia/Kolkata")
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9998, 12, 30, tzinfo=UTC)
INSTANTS = st.integers(0, int((LAST - FIRST).total_seconds())).map(
    lambda seconds: FIRST + timedelta(seconds=seconds)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # RFC 822 and RFC 5322, and zones by name
        ("Mon, 01 Jan 2024 00:00:00 GMT", "2024-01-01T00:00:00"),
        ("Mon, 1 Jan 24 10:00 IST", "2024-01-01T04:30:00"),
        ("Sun, 22 Nov 2026 06:00:00 +0530", "2026-11-22T00:30:00"),
        ("Sun, 22 Nov 2026 06:00:00 -0000", "2026-11-22T06:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 UT", "2026-11-22T06:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 BST", "2026-11-22T05:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 CET", "2026-11-22T05:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 CEST", "2026-11-22T04:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 EET", "2026-11-22T04:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 JST", "2026-11-21T21:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 KST", "2026-11-21T21:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 AEST", "2026-11-21T20:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 AEDT", "2026-11-21T19:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 SGT", "2026-11-21T22:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 HKT", "2026-11-21T22:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 PKT", "2026-11-22T01:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 NPT", "2026-11-22T00:15:00"),
        ("Sun, 22 Nov 2026 06:00:00 EST", "2026-11-22T11:00:00"),
        ("Wed, 22 Jul 2026 06:00:00 EDT", "2026-07-22T10:00:00"),
        ("Wed, 22 Jul 2026 06:00:00 ET", "2026-07-22T10:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 ET", "2026-11-22T11:00:00"),
        ("Sun, 22 Nov 2026 24:00:00 GMT", "2026-11-23T00:00:00"),
        ("Sun, 22 Nov 2026 23:59:60 GMT", "2026-11-23T00:00:00"),
        ("Sun, 22 Nov 2026 06:00:00 +0000 (UTC)", "2026-11-22T06:00:00"),
        # ISO 8601 and W3CDTF
        ("2026-11-22T06:00:00+05:30", "2026-11-22T00:30:00"),
        ("2026-11-22T06:00:00.123Z", "2026-11-22T06:00:00"),
        ("20261122T060000Z", "2026-11-22T06:00:00"),
        ("2026-11-22T06:00Z", "2026-11-22T06:00:00"),
        ("2026-11-22 06:00:00", "2026-11-22T00:30:00"),
        ("2026-11-22 06:00 IST", "2026-11-22T00:30:00"),
        ("2026-11-22T24:00:00Z", "2026-11-23T00:00:00"),
        ("2026-11-22", "2026-11-21T18:30:00"),
        ("2026/11/22 06:00:00", "2026-11-22T00:30:00"),
        # as seen on wires
        ("June 27, 2021 01:34 PM", "2021-06-27T08:04:00"),
        ("Sunday, June 27, 2021 02:56 PM +0530", "2021-06-27T09:26:00"),
        ("November 22, 2026 6:00 am", "2026-11-22T00:30:00"),
        ("Nov. 22, 2026, 6:00 p.m. EST", "2026-11-22T23:00:00"),
        ("Nov 22, 2026 | 6 AM", "2026-11-22T00:30:00"),
        ("14 Sept 2025 12:05am", "2025-09-13T18:35:00"),
        ("Thu,28 Jul 2022 4:35:5 GMT+9", "2022-07-27T19:35:05"),
        ("Sun Nov 22 06:00:00 2026", "2026-11-22T00:30:00"),
        ("Sun Nov 22 06:00:00 IST 2026", "2026-11-22T00:30:00"),
        ("Sun Nov 22 2026 06:00:00 GMT+0530 (India Standard Time)", "2026-11-22T00:30:00"),
        ("22-NOV-26 06:00 PM", "2026-11-22T12:30:00"),
        ("22nd November 2026 at 10:00 GMT", "2026-11-22T10:00:00"),
        ("06:00 GMT, 22 November 2026", "2026-11-22T06:00:00"),
        ("Updated: November 22, 2026 10:05 IST", "2026-11-22T04:35:00"),
        # other languages
        ("So, 22 Nov 2026 06:00:00 +0100", "2026-11-22T05:00:00"),
        ("Sonntag, 22. November 2026, 14:30 Uhr MEZ", "2026-11-22T13:30:00"),
        ("22. März 2026 14.30 Uhr", "2026-03-22T09:00:00"),
        ("22.11.2026 14:30", "2026-11-22T09:00:00"),
        ("dimanche 22 novembre 2026 à 14h30 CET", "2026-11-22T13:30:00"),
        ("mar. 24 févr. 2026 10:00", "2026-02-24T04:30:00"),
        ("22 mar 2026", "2026-03-21T18:30:00"),
        ("रविवार, 22 नवंबर 2026 06:00", "2026-11-22T00:30:00"),
        ("२२ फ़रवरी २०२६ 06:00", "2026-02-22T00:30:00"),
        # numbers alone, where they can be told apart
        ("22/11/2026 10:00", "2026-11-22T04:30:00"),
        ("11/22/2026 10:00 AM", "2026-11-22T04:30:00"),
        ("05/05/2026", "2026-05-04T18:30:00"),
    ],
)
def test_dates_are_read(text: str, expected: str) -> None:
    assert parse_date(text, INDIA) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "today", "12:00", "2026", "2026-11", "2026-W47-7", "1700000000", "01/02/2026",
        "31 Feb 2026", "Sun, 22 Nov 2026 25:00:00 GMT", "Sun, 22 Nov 2026 06:00:00 XYZ",
        "Sun, 22 Nov 2026 13:00 PM", "Sun, 22 Nov 2026 06:00:00 +2500", "22 Nov", "Nov 2026",
        "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "9998-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00", "22 Nov 2026 or 23 Nov 2026", "22 of some month 2026",
    ],
)  # fmt: skip
def test_what_is_no_one_instant_is_none(text: str) -> None:
    assert parse_date(text, INDIA) is None


def test_a_wire_means_its_own_zone_by_a_name_it_uses() -> None:
    text = "Sun, 22 Nov 2026 06:00:00 {}"
    assert parse_date(text.format("CST"), INDIA) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    shanghai = parse_date(text.format("CST"), ZoneInfo("Asia/Shanghai"))
    assert shanghai == datetime(2026, 11, 21, 22, tzinfo=UTC)
    jerusalem = parse_date(text.format("IST"), ZoneInfo("Asia/Jerusalem"))
    assert jerusalem == datetime(2026, 11, 22, 4, tzinfo=UTC)


def test_zoneless_dates_are_the_wires_summer_and_winter() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_date("22 Nov 2026 12:00", berlin) == datetime(2026, 11, 22, 11, tzinfo=UTC)
    assert parse_date("22 Jul 2026 12:00", berlin) == datetime(2026, 7, 22, 10, tzinfo=UTC)


def test_the_first_that_can_be_read_counts() -> None:
    dates = ["01/02/2026", "22 Nov 2026 06:00 GMT", "23 Nov 2026 06:00 GMT"]
    assert first_date(dates, INDIA) == datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert first_date([], INDIA) is None


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_standard_forms_come_back(instant: datetime, minutes: int) -> None:
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_date(local.isoformat(), INDIA) == instant
    assert parse_date(format_datetime(local), INDIA) == instant


PARTS = [
    *(
        "22",
        "Nov",
        "2026",
        "06:00",
        ":",
        "+",
        "-",
        "GMT",
        "IST",
        "pm",
        ",",
        "/",
        ".",
        "T",
        "٣",
        "²",
    ),
    *("\x00", "(", ")", "99", "24:60:61", " ", "मई", "mar"),
]


@given(
    st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PARTS), max_size=30).map(" ".join))
)
def test_reading_is_total(text: str) -> None:
    instant = parse_date(text, INDIA)
    assert instant is None or (instant.tzinfo is UTC and 1970 <= instant.year <= 9998)


@pytest.mark.parametrize("piece", ["1", "1:", "a", "Nov ", "(", " ", "+", "22 Nov 2026 06:00:00 "])
def test_hostile_length_is_cut(piece: str) -> None:
    assert parse_date(piece * 500_000, INDIA) is None
