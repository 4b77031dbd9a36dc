"""Dates as wires write them; what cannot be read, or in two ways (01/02/2026), is no date.

RFC 822 and 5322 §3.3, ISO 8601 and W3CDTF, seconds since 1970, and what was seen on wires besides,
with the months of some thirty languages. Names of zones come from a table made for news wires: IST
is India. A wire in a zone that itself uses an abbreviation (CST in Asia/Shanghai), or keeps the
time that it means elsewhere (AST in Asia/Riyadh), means its own. Nothing falls back to the present,
and what programs write for "no date" (:func:`unread`) is none.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stories.models import INTAKE_RULE

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
_SEVERAL: dict[str, tuple[float, ...]] = {
    "adt": (-3, 4), "amt": (-4, 4), "ast": (-4, 3), "bst": (1, 6, 11), "cdt": (-5, 10.5, -4),
    "cst": (-6, 8, 9.5, -5), "ect": (-5, -4), "edt": (-4, 11), "est": (-5, 10), "gst": (4, -2),
    "ist": (5.5, 1, 2), "mst": (-7, 8, 6.5), "pst": (-8, 8), "sst": (-11, 8), "wst": (8, 13),
}  # fmt: skip
"""What names of zones mean to others than those for whom the table above was made."""
_LONG = {
    **dict.fromkeys(("india standard time", "indian standard time"), "Asia/Kolkata"),
    **dict.fromkeys(("eastern time", "eastern standard time", "eastern daylight time"),
                    "America/New_York"),
    **dict.fromkeys(("central time", "central standard time", "central daylight time"),
                    "America/Chicago"),
    **dict.fromkeys(("mountain time", "mountain standard time", "mountain daylight time"),
                    "America/Denver"),
    **dict.fromkeys(("pacific time", "pacific standard time", "pacific daylight time"),
                    "America/Los_Angeles"),
    **dict.fromkeys(("greenwich mean time", "coordinated universal time"), "UTC"),
    **dict.fromkeys(("central european time", "central european standard time",
                     "central european summer time"), "Europe/Paris"),
    "british summer time": "Europe/London", "china standard time": "Asia/Shanghai",
    "japan standard time": "Asia/Tokyo", "korea standard time": "Asia/Seoul",
    "pakistan standard time": "Asia/Karachi", "bangladesh standard time": "Asia/Dhaka",
    "nepal time": "Asia/Kathmandu", "sri lanka standard time": "Asia/Colombo",
    "singapore standard time": "Asia/Singapore", "gulf standard time": "Asia/Dubai",
    "arabian standard time": "Asia/Dubai", "arab standard time": "Asia/Riyadh",
    "moscow standard time": "Europe/Moscow", "moscow time": "Europe/Moscow",
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


def first_date(texts: Iterable[str], zone: ZoneInfo, rule: int = INTAKE_RULE) -> datetime | None:
    """The first of *texts* that is a date, in UTC; None if none is.

    *zone* is the wire's own: for dates that name no zone. Years are 1970 to 9998.
    """
    for text in texts:
        if (instant := parse_date(text, zone, rule)) is not None:
            return instant
    return None


def unread(texts: Iterable[str], zone: ZoneInfo) -> str:
    """The first of *texts*, of which none can be read, that states a date all the same; ``""`` for
    none: words and instants that stand for "no date" (null, 0, 0000-00-00, 1970-01-01) state none.
    """
    return next((text for text in texts if not _is_void(text, zone)), "")


def parse_date(text: str, zone: ZoneInfo, rule: int = INTAKE_RULE) -> datetime | None:
    """*text* as an instant in UTC, None if it cannot be read. Never raises."""
    try:
        instant = _where(*_when(text, rule), zone, rule).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if rule >= 2 and abs(instant - _EPOCH) <= _DAY:
        return None
    return instant if 1970 <= instant.year <= 9998 else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_VOID = re.compile(
    r"\W*(?:null|nil|none|n/?a|undefined|never|0000[-/.]00[-/.]00.*|00[-/.]00[-/.]0000.*"
    r"|0+(?:\.0+)?|.*[\s-]-0001\b.*)?\W*",
    re.IGNORECASE,
)
_PLACEHOLDERS = {
    # The least and the most that programs can write, and the first days of their calendars.
    *(date(1, 1, 1), date(1601, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1899, 12, 31)),
    *(date(1900, 1, 1), date(9999, 12, 31)),
}


def _is_void(text: str, zone: ZoneInfo) -> bool:
    if _VOID.fullmatch(text[:LONGEST]):
        return True
    try:
        naive, tail = _when(text, INTAKE_RULE)
        if naive.date() in _PLACEHOLDERS:
            return True
        return abs(_where(naive, tail, zone, INTAKE_RULE) - _EPOCH) <= _DAY
    except (ValueError, OverflowError):
        return False


def _when(text: str, rule: int) -> tuple[datetime, str]:
    """The naive time that *text* says, and what follows it there.

    :raises ValueError: for what is no date.
    """
    if usual := _RFC_5322.fullmatch(text):
        day, month, year, *clock, zone = usual.groups()
        return _instant(year, _MONTHS[month.lower()], day, *clock), zone
    text = unicodedata.normalize("NFC", text[:LONGEST]).replace("\u2212", "-")
    text = " ".join(_NOTE.sub("", text).split())
    if rule >= 2 and not USUAL.fullmatch(text):
        text = _respelt(text)
    iso = None if rule >= 2 and _HALF_DAY.search(text) else _iso(text)
    return iso or _written(text, strictly=rule >= 2)


def _where(naive: datetime, tail: str, zone: ZoneInfo, rule: int) -> datetime:
    found = _called(tail, naive, zone) if rule >= 2 else None
    moment = naive.replace(tzinfo=found or _zone(tail, naive, zone))
    # Of an hour that comes twice, the one that is called so.
    again = moment.replace(fold=1)
    is_again = rule >= 2 and (again.tzname() or "").casefold() in tail.casefold().split()
    return again if is_again else moment


# Since rule 2: other spellings, as those that the rest of the module reads.

_UNSEEN = dict.fromkeys([0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
                         *range(0x2066, 0x206A), 0xFEFF])  # fmt: skip
_SIGNS = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\uff0d", "-") | {"\uff1a": ":"}
    | {"\uff0f": "/", "\uff0e": ".", "\uff0c": ","}
) | _UNSEEN  # fmt: skip
USUAL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT)"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)",
    re.ASCII,
)
_RFC_5322 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2})"
    r" (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d\d):(\d\d):(\d\d)"
    r" ([+-]\d{4}|GMT)",
    re.ASCII,
)
"""What the rest of the module reads so too, at ten times the cost: nearly all dates are such."""
_NUMBER = re.compile(r"(\d{8,14})(?:\.\d+)?")
_MONTHLY = re.compile(r"(\d{4})(?:-(\d{2}))?")
_HOURLY = re.compile(r"(\d{4}-?\d{2}-?\d{2}T\d{2})(?=Z|[+-]|$)", re.IGNORECASE)
_BRACKETED = re.compile(r"(z)?\s*\[!?([A-Za-z][\w/+-]*)\](?:\[!?[a-z][\w-]*=[\w-]*\])*$", re.I)
"""A zone behind an offset, as Java and RFC 9557 write it."""
_WEEKLY = re.compile(r"(\d{4})(-?)W(\d{2})(?:\2([1-7]))?(?=T|$)", re.IGNORECASE)
_ORDINAL = re.compile(r"(\d{4})(?:-(\d{3})(?=T|$)|(\d{3})(?=T))", re.IGNORECASE)
_RUNNING = re.compile(r"\sm=[+-][\d.]+$")  # Go's clock of the process
_HAN = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日号號일]")
_CLOCK = re.compile(r"(\d{1,2})\s?[時时點点시]\s?(?:(\d{1,2})\s?[分분](?:\s?(\d{1,2})\s?[秒초])?)?")
_HALF = re.compile(r"\s*(上午|午前|오전|下午|午後|오후)\s*(\d{1,2}(?::\d{2}){0,2})(?![\d:])")
_BEHIND = re.compile(r"(?<=\d)\s?(?:([ap])\s?\.\s?m\b\.?|([صم])(?!\w))", re.IGNORECASE)
_HALVES = dict.fromkeys(("上午", "午前", "오전", "a", "ص"), "am") | dict.fromkeys(
    ("下午", "午後", "오후", "p", "م"), "pm"
)
_HALF_DAY = re.compile(r"\d\s?[ap]m\b", re.IGNORECASE)
_POINTED = re.compile(r"(\d{4},? )(\d{1,2})\.(\d{2})(?=\s|$)")
_BESIDE = re.compile(
    r"(?<!\w)(?:г|года|року|às|as|a las|alle|ore|om|kl|saat|pukul|jam|horas|heures"
    r"|बजे|টায়|বাজে|بجے|الساعة|في)(?!\w)\.?",
    re.IGNORECASE,
)
_TWO_WORDS = re.compile(r"(كانون|تشرين) (?=الأول|الثاني)")


@cache
def _months() -> dict[str, str]:
    """Names of months in languages that the table above has not, each with its English one."""
    table = json.loads(files("ingest").joinpath("months.json").read_text(encoding="utf-8"))
    return {
        unicodedata.normalize("NFC", name).translate(_UNSEEN).casefold(): english
        for names in table.values()
        for english, of in zip(_ENGLISH, names, strict=True)
        for name in of.split()
    }


_ENGLISH = ("jan", "feb", "march", "apr", "may", "june", "july", "aug", "sept", "oct", "nov", "dec")


def _respelt(text: str) -> str:
    """*text* as the rest of this module reads it.

    :raises ValueError: for a number that can be read in two ways.
    """
    text = _RUNNING.sub("", " ".join(text.translate(_SIGNS).split()))
    if number := _NUMBER.fullmatch(text):
        return _numbered(number[1])
    if short := _MONTHLY.fullmatch(text):
        return f"{short[1]}-{short[2] or '01'}-01"
    if weekly := _WEEKLY.match(text):
        day = date.fromisocalendar(int(weekly[1]), int(weekly[3]), int(weekly[4] or "1"))
        text = f"{day}{text[weekly.end() :]}"
    elif ordinal := _ORDINAL.match(text):
        text = f"{_day(int(ordinal[1]), int(ordinal[2] or ordinal[3]))}{text[ordinal.end() :]}"
    text = _BRACKETED.sub(lambda m: f"{'+00:00' if m[1] else ''} {m[2]}", text)
    text = _HOURLY.sub(r"\1:00", text)
    if _HAN.search(text):
        text = _CLOCK.sub(lambda m: f" {m[1]}:{m[2] or '00'}:{m[3] or '00'}", text)
        text = _HAN.sub(r"\1-\2-\3 ", text)
    text = _HALF.sub(lambda m: f" {m[2]} {_HALVES[m[1]]}", text)
    text = _BEHIND.sub(lambda m: f" {_HALVES[(m[1] or m[2]).lower()]}", text)
    text = _WORD.sub(lambda m: _months().get(m[0].casefold(), m[0]), _TWO_WORDS.sub(r"\1_", text))
    return _POINTED.sub(r"\1\2:\3", " ".join(_BESIDE.sub(" ", text).split()))


def _day(year: int, number: int) -> date:
    """Day *number* of *year*.

    :raises ValueError: when it has none.
    """
    found = date(year, 1, 1) + timedelta(days=number - 1)
    if found.year != year:
        raise ValueError("no such day")
    return found


def _numbered(digits: str) -> str:
    """A number as ISO 8601: a date without its marks, or seconds or milliseconds since 1970.

    :raises ValueError: where it can be both, or neither.
    """
    dated = ""
    if len(digits) in (8, 10, 12, 14):
        try:
            dated = _instant(digits[:4], digits[4:6], digits[6:8], *_clock(digits[8:])).isoformat()
        except ValueError:
            dated = ""
        dated = dated if "1970" <= digits[:4] < "2100" else ""
    seconds = int(digits) if len(digits) in (9, 10) else int(digits) / 1000
    counted = len(digits) in (9, 10, 13)
    if bool(dated) == counted:
        raise ValueError("a number that can be read in two ways, or in none")
    return dated or f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def _clock(digits: str) -> tuple[str, str, str]:
    return digits[:2] or "0", digits[2:4] or "0", digits[4:6] or "0"


_OFFSET_NAMED = re.compile(
    r"((?:UTC|GMT)?\s?[+-]\d{1,2}(?::?\d{2})?)(?::\d{2})?"
    r"(?:\s*[\[(]?([A-Za-z+-][\w/+. -]*?)[\])]?)?",
    re.IGNORECASE,
)


def _called(tail: str, naive: datetime, own: ZoneInfo) -> tzinfo | None:
    """The zone of *tail* in a form that only rule 2 reads; None for all others.

    An offset counts, whatever the zone is called after it.

    :raises ValueError: for a name that means several zones, none of them plainly.
    """
    tail = tail.strip(" ,;")
    if offset := _OFFSET_NAMED.fullmatch(tail):
        _check_name(offset[2] or "", offset[1])
        return _zone(offset[1], naive, own)
    name = tail.casefold()
    if name == "gmt":  # also where the wire's zone is London's, in summer
        return UTC
    if name in _LONG or "/" in name:
        return _area(_LONG.get(name, tail))
    if name in _SEVERAL:
        shift = (naive.replace(tzinfo=own).utcoffset() or timedelta(0)) / timedelta(hours=1)
        if shift in _SEVERAL[name]:
            return own
        if name not in _HOURS:
            raise ValueError("a zone that can be several")
    return None


def _check_name(name: str, offset: str) -> None:
    """Refuse a *name* behind an *offset* that can be none of its zone.

    :raises ValueError: for a name that no zone has.
    """
    folded = name.casefold()
    tables = (_HOURS, _SEVERAL, _LONG, _BY_SEASON)
    if folded not in ("", offset) and not any(folded in table for table in tables):
        _area(name)


def _area(name: str) -> ZoneInfo:
    """The zone of the IANA data with that *name*.

    :raises ValueError: when there is none.
    """
    for spelt in (name, name.title()):
        try:
            return ZoneInfo(spelt.replace(" ", "_"))
        except (ZoneInfoNotFoundError, OSError):
            continue
    raise ValueError("an unknown zone")


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


def _written(text: str, *, strictly: bool) -> tuple[datetime, str]:
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
    year, month, day = _date(rest, strictly=strictly)
    return _instant(year, month, day, hour, minute, second), tail


def _date(text: str, *, strictly: bool) -> tuple[str, int, str]:
    """Year, month and day."""
    if numeric := _NUMERIC.search(text):
        # A word between date and time may say which half of the day is meant.
        behind = _WORD.findall(text, numeric.end())
        if strictly and not all(w.isdigit() or _passes(w) for w in behind):
            raise ValueError("an unknown word behind a date")
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
_WEEKDAY = re.compile(
    r"(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?", re.IGNORECASE
)


def _passes(word: str) -> bool:
    return word.casefold() in _FILLERS or bool(_WEEKDAY.fullmatch(word))


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
