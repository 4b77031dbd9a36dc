"""The connection to PostgreSQL is cut while an act is committed: before it is, or after, and nobody
says which."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk import hiding
from desk.cli import hiding as command
from desk.cli.app import main
from desk.headline import HeadlineError, rewrite
from desk.hiding import HidingError
from stories.db import connect
from stories.db import stories as records
from stories.errors import UnknownOutcomeError
from tests.conftest import ConfigOf, database
from tests.living import Life, item
from tests.relay import Relay, relayed

both = pytest.mark.parametrize("done", [False, True])


@pytest.fixture
def lived(postgres_url: str, config: ConfigOf) -> Iterator[tuple[Life, Relay]]:
    """A story of one wire, on a database behind a relay."""
    with database(postgres_url) as url, relayed(url) as (relay, through):
        store = connect(through)
        store.migrate()
        wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
        feed = {"name": "all", "title": "All"}
        life = Life(config(wires=[wire], feeds=[feed], database_url=through), store)
        life.begin()
        life.receive(item("a", "Libel", "He stole it."))
        yield life, relay
        store.close()


def cut(relay: Relay, *, done: bool) -> None:
    """Cut connections at a commit from now on, after it was *done* or before."""
    relay.cut_at, relay.late = b"COMMIT\0", done  # and no READ COMMITTED


@both
def test_an_act_is_not_acknowledged_and_may_be_done_again(
    lived: tuple[Life, Relay], done: bool
) -> None:
    life, relay = lived
    story = life.stories()["a"]

    def kill() -> None:
        hiding.act(life.store, life.config, story, "kill", "Asha", "libel")

    cut(relay, done=done)
    with pytest.raises(UnknownOutcomeError, match=r"not known whether.*look, or do it again"):
        kill()
    relay.cut_at = None
    if done:
        with pytest.raises(HidingError, match="is killed"):
            kill()
    else:
        kill()
    with life.store.read() as conn:
        found = records.one(conn, story)
        assert found is not None
        assert found.status == "killed"
        assert len(records.acts_of(conn, [story])[story]) == 1


@both
def test_so_is_a_headline(lived: tuple[Life, Relay], done: bool) -> None:
    life, relay = lived
    story = life.stories()["a"]
    cut(relay, done=done)
    with pytest.raises(UnknownOutcomeError):
        rewrite(life.store, story, "Written", "Asha")
    relay.cut_at = None
    if done:
        with pytest.raises(HeadlineError, match="has this headline"):
            rewrite(life.store, story, "Written", "Asha")
    else:
        rewrite(life.store, story, "Written", "Asha")
    with life.store.read() as conn:
        found = records.one(conn, story)
        assert found is not None
        assert [edit.text for edit in found.edits] == ["Written"]


@both
def test_a_command_ends_with_1_and_one_line(
    lived: tuple[Life, Relay],
    done: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life, relay = lived
    story = life.stories()["a"]
    file = tmp_path / "wirecopy.toml"
    file.write_text(
        f'database_url = "{life.config.database}"\ndata = "{life.config.data}"\n'
        '[publisher]\nname = "The Daily Test"\nurl = "https://daily.example"\n'
        '[[wires]]\nname = "w"\nagency = "Agency"\nurl = "https://agency.example/f"\n'
        '[[feeds]]\nname = "all"\ntitle = "All"\n'
    )

    def act(*args: Any, **keys: Any) -> Any:
        cut(relay, done=done)  # now: what was read before is read
        return hiding.act(*args, **keys)

    monkeypatch.setattr(command, "act", act)
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(file), "hold", story, "--by", "Asha", "--reason", "checks"])
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "not known whether this was done" in line


def test_a_transaction_that_was_refused_is_known_not_to_be_done(lived: tuple[Life, Relay]) -> None:
    life, relay = lived
    cut(relay, done=False)
    relay.cut_at = b"INSERT"
    with pytest.raises(Exception, match="connection") as raised:
        rewrite(life.store, life.stories()["a"], "Written", "Asha")
    assert not isinstance(raised.value, UnknownOutcomeError)
