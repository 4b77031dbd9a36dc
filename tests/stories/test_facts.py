import pytest

from stories.facts import differing


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("12 boats lost in gale", "21 boats lost in gale", "a number"),
        ("Twelve boats lost", "Twenty boats lost", "a number"),
        ("Boats lost in gale", "12 boats lost in gale", "a number"),
        ("१२ नावें डूबीं", "२१ नावें डूबीं", "a number"),
        ("१२ नावें डूबीं", "12 नावें डूबीं", ""),
        ("1,200 boats wait", "1200 boats wait", ""),
        ("1,20,000 boats wait", "120000 boats wait", ""),
        ("1,2 percent up", "12 percent up", "a number"),
        ("12 boats lost, 3 found", "3 boats lost, 12 found", "a number"),
        ("2 lost, 2 found", "2 lost", "a number"),
        ("٢١ قاربا", "12 قاربا", "a number"),
        ("Паром пойдёт", "Паром не пойдёт", "a negation"),
        ("De boot vaart", "De boot vaart niet", "a negation"),
        ("船は正午に出る", "船は正午に出ない", "a negation"),
        ("渡轮中午开航", "渡轮中午不开航", "a negation"),
        ("Harbour master admits the error", "Harbour master denies the error", "a negation"),
        ("Ferry will sail at noon", "Ferry will not sail at noon", "a negation"),
        ("Ferry will sail at noon", "Ferry won’t sail at noon", "a negation"),
        ("नाव चलेगी", "नाव नहीं चलेगी", "a negation"),
        ("Pilot Anand leaves the port", "Pilot Banerji leaves the port", "a name"),
        ("Gale strikes near Heron Bay", "Gale strikes near Egret Bay", "a name"),
        ("Ferry leaves for Heron", "Heron's ferry leaves", ""),
        ("Ferry leaves late", "Late ferry leaves", ""),
        ("Gale Strikes The Coast Tonight", "Gale Hits The Coast Tonight", ""),
        ("Gale strikes", "Storm strikes", ""),
        ("", "", ""),
    ],
)
def test_what_differs(before: str, after: str, what: str) -> None:
    assert differing(before, after) == what
    assert differing(after, before) == what
