"""Dates as wires write them; what cannot be read, or in two ways (01/02/2026), is no date.

RFC 822 and 5322 §3.3, ISO 8601 and W3CDTF, and what was seen on wires besides. Names of zones come
from a table made for news wires: IST is India. A wire in a zone that itself uses an abbreviation
(CST in Asia/Shanghai) means its own. Nothing falls back to the present.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

LONGEST = 120
"""Characters of a date that are looked at. The longest seen on a wire has 58."""

_HOURS = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "met": 1,
    "mez": 1, "cest": 2, "mest": 2, "mesz": 2, "eet": 2, "sast": 2, "cat": 2, "eest": 3, "msk": 3,
    "eat": 3, "trt": 3, "gst": 4, "irst": 3.5, "aft": 4.5, "pkt": 5, "ist": 5.5, "slst": 5.5,
    "npt": 5.75, "bdt": 6, "mmt": 6.5, "ict": 7, "wib": 7, "wit": 9, "wita": 8, "sgt": 8,
    "myt": 8, "hkt": 8, "pht": 8, "phst": 8, "awst": 8, "jst": 9, "kst": 9, "acst": 9.5,
    "aest": 10, "acdt": 10.5, "aedt": 11, "nzst": 12, "nzdt": 13, "est": -5, "edt": -4,
    "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8,
    "hst": -10, "ast": -4, "adt": -3, "nst": -3.5, "ndt": -2.5, "brt": -3, "art": -3, "clt": -4,
}  # fmt: skip
_BY_SEASON = {"et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver",
              "pt": "America/Los_Angeles"}  # fmt: skip
_MONTHS = {
    unicodedata.normalize("NFC", name): number
    for number, names in enumerate(
        (
            "january jan januar jänner jän janvier janv enero ene gennaio gen janeiro januari"
            " जनवरी",
            "february feb februar feber février fevrier févr fév febrero febbraio fevereiro fev"
            " februari फ़रवरी फरवरी",
            "march mar märz maerz mär mrz mars marzo março maart mrt मार्च",
            "april apr avril avr abril abr aprile अप्रैल",
            "may mai mayo maggio mag maio mei मई",
            "june jun juni juin junio giugno giu junho जून",
            "july jul juli juillet juil julio luglio lug julho जुलाई",
            "august aug août aout agosto ago augustus अगस्त",
            "september sep sept septembre septiembre setiembre settembre set setembro सितंबर सितम्बर",
            "october oct oktober okt octobre octubre ottobre ott outubro out अक्टूबर अक्तूबर",
            "november nov novembre noviembre novembro नवंबर नवम्बर",
            "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro"
            " दिसंबर दिसम्बर",
        ),
        1,
    )
    for name in names.split()
}
_FILLERS = frozenset(
    ["at", "um", "uhr", "à", "le", "den", "der", "de", "del", "of", "on", "the", "h", "hrs", "t"]
)
_ISO = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})"
    r"(?:(?:\s*T\s*|[\s_]+)(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d+)?)?\s*(.*))?",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![\d:.+-])(\d{1,2})(?:[:h](\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?\s*([ap])?\.?(?(4)m\b\.?)"
    r"|\s*([ap])\.?m\b\.?|\.(\d{2})(?=\s*(?:Uhr|hrs)))",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?:[a-z]{1,5}\s*)?([+-])\s?(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_NUMERIC = re.compile(r"(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{1,4})")
_WORD = re.compile(r"\d+|[^\s\d,.;:/()|+-]+")
_FIRST_ZONE = re.compile(r"([A-Za-z]{1,5}|[+-]\d{1,2}:?\d{2})[\s,|]+")
_NOTE = re.compile(r"\s*\([^()]*\)\s*$")


def first_date(texts: Iterable[str], zone: ZoneInfo) -> datetime | None:
    """The first of *texts* that is a date, in UTC; None if none is.

    *zone* is the wire's own: for dates that name no zone. Years are 1970 to 9998.
    """
    for text in texts:
        if (instant := parse_date(text, zone)) is not None:
            return instant
    return None


def parse_date(text: str, zone: ZoneInfo) -> datetime | None:
    """*text* as an instant in UTC, None if it cannot be read. Never raises."""
    text = unicodedata.normalize("NFC", text[:LONGEST]).replace("\u2212", "-")
    text = " ".join(_NOTE.sub("", text).split())
    try:
        naive, tail = _iso(text) or _written(text)
        where = _zone(tail, naive, zone)
        instant = naive.replace(tzinfo=where).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if 1970 <= instant.year <= 9998 else None


def _iso(text: str) -> tuple[datetime, str] | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, tail = match.groups()
    return _instant(year, month, day, hour or "0", minute or "0", second or "0"), tail or ""


def _instant(
    year: str, month: str | int, day: str, hour: str, minute: str, second: str
) -> datetime:
    """Raises ValueError for what is no date. 24:00 is the next day's 0:00; :60 a leap second."""
    hours = int(hour)
    if hours > 24 or (hours == 24 and int(minute) + int(second)):
        raise ValueError("no such hour")
    leap = int(second) == 60
    date = datetime(  # noqa: DTZ001  its zone is added by the caller
        int(year), int(month), int(day), hours % 24, int(minute), 0 if leap else int(second)
    )
    return date + timedelta(days=hours // 24, minutes=leap)


def _written(text: str) -> tuple[datetime, str]:
    """A date in words or numbers: the naive time, and what follows the time of day."""
    time = _TIME.search(text)
    hour = minute = second = "0"
    rest, tail = text, ""
    if time:
        hour, minute, second = time[1], time[2] or time[6] or "0", time[3] or "0"
        half = (time[4] or time[5] or "").lower()
        if half:
            if not 1 <= int(hour) <= 12:
                raise ValueError("no such hour")
            hour = str(int(hour) % 12 + (12 if half == "p" else 0))
        rest, tail = text[: time.start()], text[time.end() :].strip()
        if not any(character.isdigit() for character in rest):
            # "06:00 GMT, 22 November 2026": the date follows the time and its zone.
            first = _FIRST_ZONE.match(tail)
            zoned = first and (first[1][0] in "+-" or first[1].casefold() in _HOURS)
            rest, tail = (tail[first.end() :], first[1]) if first and zoned else (tail, "")
        elif trailing := re.search(r"(?:^|\s)(\d{4})$", tail):
            # asctime and date(1): the year stands last, the zone before it.
            rest, tail = f"{rest} {trailing[1]}", tail[: trailing.start()].strip()
    year, month, day = _date(rest)
    return _instant(year, month, day, hour, minute, second), tail


def _date(text: str) -> tuple[str, int, str]:
    """Year, month and day."""
    if numeric := _NUMERIC.search(text):
        return _numeric(numeric[1], numeric[2], numeric[3], numeric[4])
    month = 0
    numbers: list[str] = []
    month_at = 0
    weekday = False
    for word in _WORD.findall(text):
        if word[0].isdigit():
            numbers.append(word)
        elif word.casefold() in _MONTHS and (not month or weekday):
            weekday = word.casefold() == "mar"  # March, or mardi, martes, martedì
            month, month_at = _MONTHS[word.casefold()], len(numbers)
        elif numbers and word.casefold() not in _FILLERS and word.casefold() not in _ORDINALS:
            raise ValueError("an unknown word inside a date")
    if not month or len(numbers) != 2:
        raise ValueError("no date")
    first, second = numbers
    if len(first) == 4 and month_at == 1:
        return first, month, second
    if len(first) > 2 or month_at == 2:
        raise ValueError("no date")
    return _year(second), month, first


_ORDINALS = frozenset(["st", "nd", "rd", "th", "er", "º", "ª", "का", "को"])


def _year(text: str) -> str:
    """A year; two digits as RFC 5322 §4.3 reads them."""
    if len(text) == 4:
        return text
    if len(text) != 2:
        raise ValueError("no year")
    return str(int(text) + (2000 if int(text) < 50 else 1900))


def _numeric(one: str, mark: str, two: str, three: str) -> tuple[str, int, str]:
    if len(one) == 4:
        return one, int(two), three
    if len(three) != 4:
        raise ValueError("no year")
    first, second = int(one), int(two)
    # Dots are continental and put the day first; with others only the numbers themselves can tell.
    if mark == "." or first > 12 or first == second:
        return three, second, one
    if second > 12:
        return three, first, two
    raise ValueError("day and month cannot be told apart")


def _zone(tail: str, naive: datetime, own: ZoneInfo) -> tzinfo:
    """The zone that *tail*, what follows the time of day, names; *own* if it names none."""
    words = tail.replace(",", " ").split()
    tail = " ".join(w for w in words if w.casefold() not in (*_FILLERS, "-", "|")).strip(".;")
    if not tail:
        return own
    if offset := _OFFSET.fullmatch(tail):
        hours, minutes = offset[2], offset[3] or "0"
        if int(hours) > 15 or int(minutes) > 59:
            raise ValueError("no such offset")
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(shift if offset[1] == "+" else -shift)
    name = tail.casefold()
    if any(
        (naive.replace(month=month, day=1, tzinfo=own).tzname() or "").casefold() == name
        for month in (1, 7)
    ):
        return own
    if name in _BY_SEASON:
        return ZoneInfo(_BY_SEASON[name])
    if name in _HOURS:
        return timezone(timedelta(hours=_HOURS[name]))
    raise ValueError("an unknown zone")
