import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.agencies import byline, credited, dateline, find, recognise, tail
from ingest.item import Item


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("PTI", "PTI"),
        ("pti", "PTI"),
        ("Press Trust of India", "PTI"),
        ("press trust of india", "PTI"),
        ("भाषा", "PTI"),
        ("AP", "AP"),
        ("ap", None),
        ("Ap", None),
        ("The Associated Press", "AP"),
        ("REUTERS", "RTRS"),
        ("uni", None),
        ("UNI", "UNI"),
        ("dpa", "DPA"),
        ("By Reuters", "RTRS"),
        ("Reuters/ANI", "RTRS"),
        ("Jane Doe, AP", "AP"),
        ("By JANE DOE Associated Press", "AP"),
        ("newsroom@pti.example (PTI)", "PTI"),
        ("PTI, New Delhi", "PTI"),
        ("Capital", None),
        ("Apple", None),
        ("John Reuters Smith", None),
        ("Staff Reporter", None),
        ("Agencies", None),
        ("With inputs from PTI", None),
        ("With inputs from PTI, ANI", None),
        ("Inputs: PTI", None),
        ("", None),
    ],
)
def test_whole_names_and_codes_are_recognised(line: str, code: str | None) -> None:
    found = credited(line)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("NEW DELHI, Nov 22 (PTI) — The rains", "NEW DELHI, Nov 22 (PTI)", "PTI"),
        ("New Delhi, Nov 22 (PTI) The rains", "New Delhi, Nov 22 (PTI)", "PTI"),
        (
            "New Delhi [India], November 22 (ANI): The",
            "New Delhi [India], November 22 (ANI)",
            "ANI",
        ),
        ("(Reuters) - Oil rose", "(Reuters)", "RTRS"),
        ("PARIS (AFP) – France", "PARIS (AFP)", "AFP"),
        ("BEIJING, Nov. 22 (Xinhua) -- China", "BEIJING, Nov. 22 (Xinhua)", "XINHUA"),
        ("MOSCOW, November 22. /TASS/. Russia", "MOSCOW, November 22. /TASS/", "TASS"),
        ("Berlin (dpa) - Der Bund", "Berlin (dpa)", "DPA"),
        ("ROMA, 22 NOV (ANSA) - Il", "ROMA, 22 NOV (ANSA)", "ANSA"),
        ("St. Petersburg, Nov 22 (AP) Ships", "St. Petersburg, Nov 22 (AP)", "AP"),
        ("Geneva, 22 November (AP/PTI) Talks", "Geneva, 22 November (AP/PTI)", "AP"),
        ("नई दिल्ली, 22 नवंबर (भाषा) प्रधान", "नई दिल्ली, 22 नवंबर (भाषा)", "PTI"),
        ("MUMBAI, Nov 22: The bank", "MUMBAI, Nov 22", None),
        ("LONDON, 22 November 2026 — The bank", "LONDON, 22 November 2026", None),
        # a party, a share, a person: no datelines
        ("Pakistan Tehreek (PTI) chief said", "", None),
        ("The minister (PTI) said", "", None),
        ("Shares of Apple (AAPL) rose", "", None),
        ("BREAKING: The bank", "", None),
        ("NEW DELHI: The bank", "", None),
        ("DELHI (With inputs from PTI) - The", "", None),
        ("", "", None),
    ],
)
def test_datelines_are_recorded(text: str, line: str, code: str | None) -> None:
    assert dateline(text) == line
    agency, found, where = recognise(Item(0), text, "Own", None)
    assert (found, where) == ((code, "dateline") if code else (None, "wire"))
    assert agency


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("He said. PTI SJK HVA", "PTI"),
        ("He said.PTI SKL", "PTI"),
        ("He said.\n--IANS", "IANS"),
        ("He said.\n--IANS\nrs/vd", "IANS"),
        ("--IANS rs/vd", "IANS"),
        ("He said. (ANI)", "ANI"),
        ("He said.\n- PTI", "PTI"),
        (
            "He said.\nPTI ABC\n(Except for the headline, nothing was edited by Portal staff.)",
            "PTI",
        ),
        ("उन्होंने कहा। (भाषा)", "PTI"),
        ("He leads the Pakistan Tehreek-e-Insaf (PTI).", None),
        ("He leads the Communist Party (CP)", None),
        ("He said. (With inputs from PTI)", None),
        ("He works at AP", None),
        ("He was from the UNI", None),
        ("(This story is auto-generated from PTI)", None),
        ("A.\nB.\nC.\nD. (ANI)\nE.\nF.\nG.", None),
        ("", None),
    ],
)
def test_tails_are_recognised(text: str, code: str | None) -> None:
    found = tail(text)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("item", "text", "expected"),
    [
        (Item(0, sources=("PTI",), authors=("ANI",)), "", ("PTI", "source")),
        (Item(0, sources=("Portal",), authors=("ANI",)), "", ("ANI", "author")),
        (Item(0, authors=("Jo",), creators=("Reuters",)), "", ("RTRS", "creator")),
        (Item(0, credits=("AFP",)), "PARIS (AP) — x", ("AFP", "credit")),
        (Item(0, dateline="DELHI, Nov 22 (UNI)"), "x --IANS", ("UNI", "dateline")),
        (Item(0), "PARIS (AP) — x. PTI AB CD", ("AP", "dateline")),
        (Item(0), "x. PTI AB CD", ("PTI", "tail")),
        (Item(0, sources=("Sim Press",)), "", ("SIM", "source")),
        (Item(0, sources=("SIM",)), "", ("SIM", "source")),
        (Item(0, sources=("sim",)), "", ("SIM", "wire")),
        (Item(0), "LAB, Nov 22 (SIM) — x", ("SIM", "dateline")),
    ],
)
def test_places_are_tried_in_order(item: Item, text: str, expected: tuple[str, str]) -> None:
    _, code, where = recognise(item, text, "Sim Press", "SIM")
    assert (code, where) == expected


def test_the_wire_stands_where_nothing_is_recognised() -> None:
    assert recognise(Item(0), "x", "Reuters", None) == ("Reuters", "RTRS", "wire")
    assert recognise(Item(0), "x", "Some Wire", "SW") == ("Some Wire", "SW", "wire")
    assert recognise(Item(0), "x", None, None) == ("", None, "wire")


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("By Priya Sharma", "Priya Sharma"),
        ("Priya Sharma, Anil Rao", "Priya Sharma, Anil Rao"),
        ("p.sharma@x.example (Priya Sharma)", "Priya Sharma"),
        ("Jane Doe, AP", "Jane Doe"),
        ("By JANE DOE Associated Press", "JANE DOE"),
        ("Priya Sharma | Portal", "Priya Sharma"),
        ("Alma Reyes (now), Ben Okri and Cara Doyle (earlier)",) * 2,
        ("Alma Reyes (Lagos) | Ben Okri (Accra)",) * 2,
        ("Jean-Luc Martin – Berlin",) * 2,
        ("Reporting by Alma Reyes; Editing by Ben Okri",) * 2,
        ("Smith, John",) * 2,
        ("Dr. Alma Reyes, PhD",) * 2,
        ("Alma Reyes (Reuters), Ben Okri", "Alma Reyes, Ben Okri"),
        ("Alma Reyes (now), Ben Okri, PTI", "Alma Reyes (now), Ben Okri"),
        ("Alma Reyes, Special Correspondent, Lagos", "Alma Reyes, Lagos"),
        ("Alma Reyes - Web Desk", "Alma Reyes"),
        ("Alma Reyes, a.reyes@x.example", "Alma Reyes"),
        ("Reuters, London", None),
        ("PTI", None),
        ("Portal", None),
        ("Web Desk", None),
        ("Express News Service", None),
        ("editor@x.example", None),
        ("With inputs from PTI", None),
        ("", None),
    ],
)
def test_bylines_are_persons(author: str, name: str | None) -> None:
    assert byline(Item(0, authors=(author,)), "Portal") == name
    assert byline(Item(0, creators=(author,)), "Portal") == name


@pytest.mark.parametrize(
    ("authors", "creators", "named"),
    [
        (("Alma Reyes", "Ben Okri"), (), "Alma Reyes, Ben Okri"),
        ((), ("Alma Reyes", "Ben Okri", "Cara Doyle"), "Alma Reyes, Ben Okri, Cara Doyle"),
        (("Reyes, Alma", "Okri, Ben"), (), "Reyes, Alma; Okri, Ben"),
        (("a.reyes@x.example (Alma Reyes)",), ("Alma Reyes",), "Alma Reyes"),
        (("ALMA REYES",), ("Alma Reyes",), "ALMA REYES"),
        (("Alma Reyes", "Ben Okri"), ("Alma Reyes and Ben Okri",), "Alma Reyes and Ben Okri"),
        (("PTI", "Alma Reyes"), ("Web Desk", "Ben Okri"), "Alma Reyes, Ben Okri"),
        (("Li", "Alice Li-Wu"), (), "Alice Li-Wu"),
        (("Ann", "Joanna"), (), "Ann, Joanna"),
        (("PTI",), ("Portal",), None),
    ],
)
def test_all_authors_are_named_and_each_once(
    authors: tuple[str, ...], creators: tuple[str, ...], named: str | None
) -> None:
    item = Item(0, authors=authors, creators=creators)
    assert byline(item, "Portal") == named


def test_release_0_1_named_the_first_author() -> None:
    item = Item(0, creators=("Alma Reyes (now), Ben Okri", "Cara Doyle"))
    assert byline(item, "Portal", rule=1) == "Alma Reyes, now, Ben Okri"


def test_every_row_of_the_table_finds_itself() -> None:
    import json
    from importlib.resources import files

    rows = json.loads(files("ingest").joinpath("agencies.json").read_text(encoding="utf-8"))
    spelled: dict[str, str] = {}
    for row in rows:
        for text in [row["code"], row["name"], *row.get("codes", ()), *row["names"]]:
            found = find(text)
            assert found is not None
            assert found.name == row["name"], text
            assert spelled.setdefault(text, row["name"]) == row["name"]


@given(st.text(max_size=300), st.text(max_size=60))
def test_recognition_is_total(text: str, line: str) -> None:
    item = Item(0, authors=(line,), creators=(line,), dateline=line)
    assert recognise(item, text, "Own", "OWN")[0]
    byline(item, "Own")
    assert dateline(text).strip() in " ".join([text, ""]) or dateline(text) == ""


@pytest.mark.parametrize(
    "piece", ["A", "A ", "a(", "(PTI)", "--", "Nov 22 ", "PTI AB ", "ab/", "—A"]
)
def test_hostile_length_is_cut(piece: str) -> None:
    text = piece * 300_000
    tail(text)
    assert len(dateline(text)) < 200
    byline(Item(0, authors=(text,)))


def test_copy_says_in_any_letters_that_it_is_compiled() -> None:
    for said in (
        "With inputs from",
        "agency input",
        "contributed",
        "COMPILED by",
        "Agencies",
        "इनपुट",
    ):
        # To a pattern that ignores case these are letters, too.
        spelt = [said, said.upper(), *(re.sub("[iI]", i, said) for i in "ıİ")]
        spelt += [re.sub("[sS]", "ſ", said)]
        for line in spelt:
            assert credited(f"{line}, PTI") is None
