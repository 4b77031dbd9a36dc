"""``wirecopy subscribers``: tokens given, listed, renewed and taken back by people with names."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stories.db import subscribers
from tests.desk.commands import Run, runner

TOML = """
data = "data"
[publisher]
name = "The Daily Test"
url = "https://daily.example"
[site]
url = "https://feeds.daily.example"
[[wires]]
name = "pti"
agency = "Press Trust of India"
code = "PTI"
url = "https://agency.example/f"
[[feeds]]
name = "india"
title = "India"
[[feeds]]
name = "partners"
title = "Partners"
private = true
[[feeds]]
name = "sport"
title = "Sport"
private = true
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner("subscribers", TOML, tmp_path, monkeypatch, capsys)


def test_a_token_is_printed_once_and_stored_nowhere(run: Run, tmp_path: Path) -> None:
    code, (token, *addresses), _ = run(
        *("add", "Dawn Radio", "--feed", "partners", "--agencies", "pti", "--by", "Asha")
    )
    assert code == 0
    assert len(token) >= 22  # 128 bits
    assert {urlsplit(each).path for each in addresses} == {
        f"/feeds/partners.{format}" for format in ("rss", "atom", "json")
    }
    assert all(parse_qs(urlsplit(each).query) == {"token": [token]} for each in addresses)
    code, said, _ = run("list", "--json")
    (only,) = json.loads("\n".join(said))
    assert (code, only["name"], only["added_by"]) == (0, "Dawn Radio", "Asha")
    assert (only["feeds"], only["wires"], only["agencies"]) == (["partners"], [], ["pti"])
    assert only["lead"] == 0
    assert token not in "".join(said)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("*.sqlite3*"))
    assert token.encode() not in stored
    assert subscribers.digest_of(token).encode() in stored


def test_renewed_and_revoked_it_stays_on_record(run: Run) -> None:
    first = run("add", "Dawn", "--wires", "pti", "--lead", "1h30m", "--by", "Asha")[1][0]
    code, (second, *addresses), _ = run("renew", "Dawn", "--by", "Meera")
    assert (code, len(addresses), second == first) == (0, 6, False)
    assert run("revoke", "Dawn", "--by", "Ravi")[0] == 0
    listed = json.loads("\n".join(run("--json")[1]))
    acts = [(each["added_by"], each["revoked_by"], each["wires"]) for each in listed]
    assert acts == [("Asha", "Meera", ["pti"]), ("Meera", "Ravi", ["pti"])]
    assert [each["lead"] for each in listed] == [5400, 5400]
    assert "1:30:00" in "".join(run("list")[1])
    assert run("add", "Dawn", "--by", "Asha")[0] == 0  # the name is free again


REFUSED = [
    (("add", "Dawn"), 1, "has a token; renew"),
    (("add", "Dusk", "--feed", "india"), 1, "is not private"),
    (("add", "Dusk", "--feed", "none"), 1, "known: india, partners, sport"),
    (("add", "Dusk", "--wires", "ani"), 1, "known: pti"),
    (("add", "Dusk", "--agencies", "ANI"), 1, "no wire is configured as its"),
    (("add", " "), 1, "empty"),
    (("add", "Dusk", "--by", ""), 1, "name of who does this is empty"),
    (("add", "D" * 101), 2, "longer than 100"),
    (("add",), 2, "takes a NAME"),
    (("revoke", "Dusk"), 1, "has no token"),
    (("renew", "Dusk"), 1, "has no token"),
    (("revoke", "Dawn", "--wires", "pti"), 2, "goes with add"),
    (("renew", "Dawn", "--lead", "2h"), 2, "goes with add"),
    (("add", "Dusk", "--lead", "soon"), 2, "not a duration"),
    (("add", "Dusk", "--lead", "31d"), 2, "at most 30d"),
    (("list", "Dawn"), 2, "takes neither"),
]


def test_what_is_refused(run: Run) -> None:
    run("add", "Dawn")
    before = run("list", "--json")
    for arguments, code, told in REFUSED:
        ended, said, err = run(*arguments)
        assert (ended, said) == (code, []), arguments
        assert told in err, arguments
        assert run("list", "--json") == before, arguments
