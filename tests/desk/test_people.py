"""``wirecopy people``: who may use the desk, by people with names."""

import json
from pathlib import Path

import pytest

from stories import clock
from stories.db import connect, people
from tests.desk.commands import Run, runner

TOML = """
data = "data"
[publisher]
name = "The Daily Test"
url = "https://daily.example"
[desk]
url = "https://desk.daily.example"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner("people", TOML, tmp_path, monkeypatch, capsys)


def listed(run: Run) -> dict[str, dict[str, object]]:
    code, said, _ = run("list", "--json")
    assert code == 0
    return {each["name"]: each for each in json.loads("\n".join(said))}


def test_a_link_is_printed_once_and_stored_nowhere(run: Run, tmp_path: Path) -> None:
    code, (role, link), _ = run("add", "Priya  Raman", "--role", "editor", "--by", "Asha")
    assert (code, role) == (0, "Priya Raman: editor")
    address, _, token = link.rpartition("/")
    assert address == "https://desk.daily.example/welcome"
    assert len(token) == 43  # 256 bits
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("*.sqlite3*"))
    assert b"Priya Raman" in stored
    assert token.encode() not in stored
    only = listed(run)["Priya Raman"]
    assert (only["role"], only["password"], only["added_by"]) == ("editor", False, "Asha")
    code, again, _ = run("link", "PRIYA RAMAN")
    assert code == 0
    store = connect(tmp_path / "data" / "wirecopy.sqlite3")
    with store.read() as conn:
        assert people.linked(conn, token, clock.now()) is None
        assert people.linked(conn, again[0].rpartition("/")[2], clock.now()) is not None
    store.close()


def test_as_json_what_was_done_is_one_value(run: Run) -> None:
    def done(*arguments: str) -> dict[str, object]:
        code, said, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        found: dict[str, object] = json.loads("\n".join(said))
        return found

    added = done("add", "Priya", "--role", "editor")
    assert (added["name"], added["role"], added["password"]) == ("Priya", "editor", False)
    assert str(added["link"]).startswith("https://desk.daily.example/welcome/")
    assert done("link", "Priya")["link"] not in (None, added["link"])
    changed = done("role", "Priya", "--role", "chief")
    assert (changed["role"], "link" in changed) == ("chief", False)
    assert done("revoke", "Priya", "--by", "Asha")["revoked_by"] == "Asha"


def test_a_role_is_given_and_who_is_revoked_can_be_added_again(run: Run) -> None:
    run("add", "Priya", "--role", "editor")
    assert run("role", "priya", "--role", "chief")[0] == 0
    assert listed(run)["Priya"]["role"] == "chief"
    assert run("revoke", "Priya", "--by", "Asha")[0] == 0
    assert listed(run)["Priya"]["revoked_by"] == "Asha"
    assert run("add", "Priya", "--role", "reader")[0] == 0
    assert (listed(run)["Priya"]["role"], listed(run)["Priya"]["revoked_at"]) == ("reader", None)


REFUSED = [
    (("add", "PRIYA", "--role", "editor"), 1, "Priya: is there already"),
    (("add", "Arjun"), 2, "--role"),
    (("add", "Arjun", "--role", "king"), 2, "reader"),
    (("add", "--role", "reader"), 2, "NAME"),
    (("add", " ", "--role", "reader"), 1, "name is empty"),
    (("add", "Arjun", "--role", "reader", "--by", ""), 1, "name of who does this is empty"),
    (("add", "x" * 101, "--role", "reader"), 1, "100"),
    (("role", "Arjun", "--role", "chief"), 1, "nobody of that name"),
    (("link", "Arjun"), 1, "wirecopy people add"),
    (("revoke", "Arjun"), 1, "nobody of that name"),
    (("revoke", "Priya", "--role", "chief"), 2, "--role"),
    (("list", "Priya"), 2, "list"),
]


def test_what_cannot_be_is_refused(run: Run) -> None:
    run("add", "Priya", "--role", "editor")
    before = listed(run)
    for arguments, code, told in REFUSED:
        ended, _, err = run(*arguments)
        assert (ended, told in err) == (code, True), (arguments, err)
        assert listed(run) == before, arguments


def test_with_a_proxy_nobody_needs_a_link(run: Run, tmp_path: Path) -> None:
    proxy = 'login = "header:X-Remote-User"\ntrusted = ["127.0.0.1"]\n'
    (tmp_path / "wirecopy.toml").write_text(TOML + proxy, encoding="utf-8")
    code, said, _ = run("add", "Priya", "--role", "editor")
    assert (code, any("welcome" in line for line in said)) == (0, False)
    assert "header:X-Remote-User" in said[-1]
