import json
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dates import first_date, parse_date, unread

INDIA = ZoneInfo("Asia/Kolkata")
FIRST, LAST = datetime(1970, 1, 3, tzinfo=UTC), datetime(9998, 12, 30, tzinfo=UTC)
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
        ("2026-W07-5T17:05Z", "2026-02-13T17:05:00"),
        ("2026W075T170500+0100", "2026-02-13T16:05:00"),
        ("2026-W07-5", "2026-02-12T18:30:00"),
        ("2026-W01", "2025-12-28T18:30:00"),
        ("2026-W53-7T00:00:00Z", "2027-01-03T00:00:00"),
        ("2026-044T17:05Z", "2026-02-13T17:05:00"),
        ("2026044T170500Z", "2026-02-13T17:05:00"),
        ("2028-366", "2028-12-30T18:30:00"),
        ("2026-02-13T17:05Z[UTC]", "2026-02-13T17:05:00"),
        ("2026-02-13T17:05:00Z[Europe/Berlin]", "2026-02-13T17:05:00"),
        ("2026-02-13T17:05:00+01:00[!Europe/Berlin][u-ca=gregory]", "2026-02-13T16:05:00"),
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
        ("14 নভেম্বর 2026, ২০:২১", "2026-11-14T14:51:00"),
        ("14 நவம்பர் 2026 20:21", "2026-11-14T14:51:00"),
        ("14 నవంబర్ 2026 20:21", "2026-11-14T14:51:00"),
        ("14 नोव्हेंबर 2026 20:21", "2026-11-14T14:51:00"),
        ("14 نومبر 2026 20:21", "2026-11-14T14:51:00"),
        ("14 نوفمبر 2026 08:21 م", "2026-11-14T14:51:00"),
        ("١٤ تشرين الثاني ٢٠٢٦ ٢٠:٢١", "2026-11-14T14:51:00"),
        ("14 ноября 2026 г., 20:21 MSK", "2026-11-14T17:21:00"),
        ("14 de novembro de 2026 às 20h21", "2026-11-14T14:51:00"),
        ("14 de noviembre de 2026 a las 20:21", "2026-11-14T14:51:00"),
        ("14 nov. 2026 8:21 p. m.", "2026-11-14T14:51:00"),
        ("14 novembre 2026 alle ore 20:21", "2026-11-14T14:51:00"),
        ("14. november 2026 kl. 20.21", "2026-11-14T14:51:00"),
        ("14 Kasım 2026 20:21", "2026-11-14T14:51:00"),
        ("14 November 2026 pukul 20.21 WIB", "2026-11-14T13:21:00"),
        ("2026年11月14日20時21分", "2026-11-14T14:51:00"),
        ("2026年11月14日 下午8:21", "2026-11-14T14:51:00"),
        ("2026년 11월 14일 오후 8시 21분", "2026-11-14T14:51:00"),
        # zones named twice, and in full
        ("Sat, 14 Nov 2026 20:21:00 +0530 IST", "2026-11-14T14:51:00"),
        ("Sat, 14 Nov 2026 20:21:00 +0000 IST", "2026-11-14T20:21:00"),
        ("Sat, 14 Nov 2026 20:21:00 Asia/Kolkata", "2026-11-14T14:51:00"),
        ("Tue, 14 Jul 2026 20:21:00 America/Los_Angeles", "2026-07-15T03:21:00"),
        ("2026-11-14T20:21:00+05:30[Asia/Kolkata]", "2026-11-14T14:51:00"),
        ("2026-11-14T20:21:00[Europe/Paris]", "2026-11-14T19:21:00"),
        ("14 Nov 2026 20:21 Eastern Standard Time", "2026-11-15T01:21:00"),
        ("14 Nov 2026 20:21 UTC+05:30", "2026-11-14T14:51:00"),
        ("2026-11-14 20:21:00.000000 +0530 IST m=+0.001", "2026-11-14T14:51:00"),
        # W3CDTF, short and long, and ISO 8601 without marks
        ("2026", "2025-12-31T18:30:00"),
        ("2026-11", "2026-10-31T18:30:00"),
        ("2026-11-14T20Z", "2026-11-14T20:00:00"),
        ("2026-11-14t20:21:00,123z", "2026-11-14T20:21:00"),
        ("2026‑11‑14 20:21", "2026-11-14T14:51:00"),
        ("2026-11-14 08:21 PM", "2026-11-14T14:51:00"),
        ("20261114202100", "2026-11-14T14:51:00"),
        # seconds and milliseconds since 1970
        ("1763131000", "2025-11-14T14:36:40"),
        ("1763131000.5", "2025-11-14T14:36:40"),
        ("1763131000123", "2025-11-14T14:36:40"),
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
        "", "now", "today", "12:00", "2026112206", "2026-W47-8", "99999", "01/02/2026",
        "31 Feb 2026", "Sun, 22 Nov 2026 25:00:00 GMT", "Sun, 22 Nov 2026 06:00:00 XYZ",
        "Sun, 22 Nov 2026 13:00 PM", "Sun, 22 Nov 2026 06:00:00 +2500", "22 Nov", "Nov 2026",
        "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "9998-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00", "22 Nov 2026 or 23 Nov 2026", "22 of some month 2026",
    ],
)  # fmt: skip
def test_what_is_no_one_instant_is_none(text: str) -> None:
    assert parse_date(text, INDIA) is None


@pytest.mark.parametrize(
    "text",
    [
        *("2026-W54-1", "2025-W53-1", "2026-W07-8", "2026-W00-1", "2026-000", "2026-366"),
        *("2026-400T10:00", "2026044", "2026-02-13T17:05Z[Nowhere/Town]"),
    ],
)
def test_days_that_are_none_are_no_date(text: str) -> None:
    assert parse_date(text, INDIA) is None


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("25 Oct 2026 02:30 CET", "Europe/Berlin", "2026-10-25T01:30:00"),
        ("Sun, 25 Oct 2026 02:30:00 CEST", "Europe/Berlin", "2026-10-25T00:30:00"),
        ("25 Oct 2026 02:30", "Europe/Berlin", "2026-10-25T00:30:00"),
        ("25 Oct 2026 02:30 MEZ", "Europe/Berlin", "2026-10-25T01:30:00"),
        ("2026-11-01 01:30 EST", "America/New_York", "2026-11-01T06:30:00"),
        ("2026-11-01 01:30 EDT", "America/New_York", "2026-11-01T05:30:00"),
        ("2026-04-05 02:30 AEST", "Australia/Sydney", "2026-04-04T16:30:00"),
        ("Sun, 25 Oct 2026 01:30:00 GMT", "Europe/London", "2026-10-25T01:30:00"),
        ("Sun, 25 Oct 2026 01:30:00 BST", "Europe/London", "2026-10-25T00:30:00"),
        ("Wed, 01 Jul 2026 12:00:00 GMT", "Europe/London", "2026-07-01T12:00:00"),
        ("Wed, 01 Jul 2026 12:00:00 GMT", "Europe/Dublin", "2026-07-01T12:00:00"),
        ("29 Mar 2026 02:30 CEST", "Europe/Berlin", "2026-03-29T00:30:00"),
        # What many write all the year round is the wire's own time.
        ("1 Jul 2026 12:00 CET", "Europe/Berlin", "2026-07-01T10:00:00"),
        ("1 Jul 2026 12:00 EST", "America/New_York", "2026-07-01T16:00:00"),
    ],
)
def test_a_zone_that_is_named_counts(text: str, zone: str, expected: str) -> None:
    found = parse_date(text, ZoneInfo(zone))
    assert found is not None
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_wire_means_its_own_zone_by_a_name_it_uses() -> None:
    text = "Sun, 22 Nov 2026 06:00:00 {}"
    assert parse_date(text.format("CST"), INDIA) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    shanghai = parse_date(text.format("CST"), ZoneInfo("Asia/Shanghai"))
    assert shanghai == datetime(2026, 11, 21, 22, tzinfo=UTC)
    jerusalem = parse_date(text.format("IST"), ZoneInfo("Asia/Jerusalem"))
    assert jerusalem == datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "zone", "hours"),
    [
        ("EST", "Australia/Brisbane", 10),
        ("EST", "Asia/Kolkata", -5),
        ("AST", "Asia/Riyadh", 3),
        ("BST", "Asia/Dhaka", 6),
        ("IST", "Europe/Dublin", 0),
        ("AMT", "Asia/Yerevan", 4),
    ],
)
def test_a_name_of_several_zones_is_the_wires_if_it_can_be(
    name: str, zone: str, hours: int
) -> None:
    found = parse_date(f"Sun, 22 Nov 2026 12:00:00 {name}", ZoneInfo(zone))
    assert found == datetime(2026, 11, 22, 12, tzinfo=UTC) - timedelta(hours=hours)


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "null", "N/A", "0", "0000-00-00 00:00:00", "0000-00-00T00:00:00+05:30",
        "1970-01-01", "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 05:30:00 +0530",
        "Wed, 31 Dec 1969 19:00:00 -0500", "0001-01-01T00:00:00Z", "Mon, 01 Jan 0001 00:00:00 GMT",
        "Wed, 30 Nov -0001 00:00:00 +0000", "1900-01-01", "9999-12-31T23:59:59Z",
    ],
)  # fmt: skip
def test_zero_is_no_date(text: str) -> None:
    assert parse_date(text, INDIA) is None
    assert unread([text], INDIA) == ""


@pytest.mark.parametrize(
    "text",
    [
        "01/02/2026", "2026112206", "Invalid Date", "yesterday", "1955-05-01", "22 Nov",
        # Buddhist years, and a word that may say which half of the day is meant
        "14 พ.ย. 2569 20:21", "14.11.2026 abends 8:00", "14 Nov 2026 20:21 AMT",
        # November in Polish, October in Croatian
        "22 listopada 2026",
    ],
)  # fmt: skip
def test_a_stated_date_that_cannot_be_read_is_told(text: str) -> None:
    assert parse_date(text, INDIA) is None
    assert unread(["0", text], INDIA) == text


def test_captures_of_before_are_read_as_they_were() -> None:
    assert parse_date("2026-11-14T20:21:00+05:30[Asia/Kolkata]", INDIA, 1) is None
    assert parse_date("1700000000", INDIA, 1) is None
    assert parse_date("1970-01-01T00:00:00Z", INDIA, 1) == datetime(1970, 1, 1, tzinfo=UTC)


def test_no_month_is_another_in_another_language() -> None:
    months = json.loads(files("ingest").joinpath("months.json").read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    for names in months.values():
        assert len(names) == 12
        for number, those in enumerate(names):
            for name in those.split():
                assert found.setdefault(name, number) == number


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
