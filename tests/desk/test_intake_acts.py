"""``wirecopy pause``, ``resume``, ``accept``, ``leave`` and ``settle``: what the desk can do, at a
prompt."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from desk.cli.app import main
from stories.config import load
from stories.db import connect, feeds, log, queues
from stories.db import stories as records
from stories.db import wires as states
from stories.models import WireState
from tests.living import Life, item
from workers.start import start

Run = Callable[..., tuple[int, str, str]]

TOML = """
data = "data"
[publisher]
name = "The Daily Test"
url = "https://daily.example"
[[wires]]
name = "w"
agency = "Agency"
url = "https://agency.example/f"
[[feeds]]
name = "all"
title = "All"
"""
PROSE = "The harbour office said on Sunday that the ferries would run again from Monday. " * 3
LOST = (
    "<item><guid>lossy</guid><title>Ferries run again</title><description>Ferries will run."
    f"</description><dispatch>{PROSE}</dispatch></item>"
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder whose store has received two items, one of them lossy."""
    (tmp_path / "wirecopy.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    config = load(None)
    store = start(config)
    life = Life(config, store)
    life.begin()
    life.receive(LOST, item("good", "Rain stops play"))
    store.close()

    def ran(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return int(ended.value.code or 0), *capsys.readouterr()

    return ran


def state() -> WireState:
    with (store := connect(load(None).database)).read() as conn:
        found = states.get(conn, "w")
    store.close()
    assert found is not None
    return found


def logged() -> list[tuple[str, str]]:
    """What was done, the last first, and by whom."""
    with (store := connect(load(None).database)).read() as conn:
        found = [(each.kind, each.by) for each in log.newest(conn, None, None, 99)]
    store.close()
    return found


def test_a_wire_is_paused_and_resumed(run: Run) -> None:
    assert run("pause", "w", "--by", "Asha")[0] == 0
    assert state().paused_at is not None
    code, _, err = run("pause", "w", "--by", "Asha")
    assert (code, "paused already" in err) == (1, True)
    said = run("wires", "w", "--explain")[1]
    assert "paused by Asha" in said
    assert "`wirecopy resume w`" in said
    assert run("resume", "w", "--by", "Ravi")[0] == 0
    assert (state().paused_at, state().due_because) == (None, "resumed by Ravi")
    assert run("resume", "w")[0] == 1
    assert run("pause", "nowhere")[0] == 1
    assert logged() == [("resume", "Ravi"), ("pause", "Asha")]


def test_what_lost_words_is_taken_in_without_a_claim(run: Run) -> None:
    assert "item 1: text was lost" in run("captures", "1")[1]
    assert re.search(r"\b1 +1 .* text-lost +text was lost", run("status")[1])
    assert run("leave", "1", "1", "--by", "Asha")[0] == 0
    assert run("accept", "1", "1", "--by", "Ravi")[0] == 0
    with (store := connect(load(None).database)).read() as conn:
        taken = next(s for s in records.newest(conn, limit=9) if s.headline == "Ferries run again")
        entry = feeds.entry(conn, taken.id)
        assert feeds.feeds_of(conn, taken.id) == ["all"]
    store.close()
    assert entry is not None
    assert (entry.scope, entry.disclosure) == ("unknown", "")
    assert logged() == [("accept", "Ravi"), ("leave", "Asha")]
    code, _, err = run("accept", "1", "1")
    assert (code, "is not in quarantine; nothing of it is" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("accept", "1", "2"), "item 2 of capture 1"),
        (("leave", "1"), "capture 1 as a whole"),
        (("leave", "1", str(2**40)), "`wirecopy captures 1` says what of it is"),
        (("leave", "7", "1"), "capture 7: there is none"),
        (("accept", str(2**63 - 1), str(2**40)), f"capture {2**63 - 1}: there is none"),
        (("leave", "1", "1", "--by", " "), "name of who does this"),
        (("pause", "w", "--by", ""), "name of who does this is empty"),
    ],
)
def test_what_is_not_there_is_named(run: Run, arguments: tuple[str, ...], told: str) -> None:
    code, _, err = run(*arguments)
    assert (code, told in err) == (1, True), err
    assert logged() == []


def test_what_was_left_is_left_once(run: Run) -> None:
    assert run("leave", "1", "1", "--by", "Asha")[0] == 0
    code, _, err = run("leave", "1", "1", "--by", "Ravi")
    assert (code, "Asha has left that already" in err) == (1, True)


def test_a_story_is_settled_and_waits_again(run: Run) -> None:
    with (store := connect(load(None).database)).read() as conn:
        (story,) = records.newest(conn, limit=9)
    store.close()

    def settled() -> str | None:
        with (store := connect(load(None).database)).read() as conn:
            found = queues.about(conn, [story.id], story.changed_at)[story.id].settled
        store.close()
        return found

    assert run("settle", story.id[:6], "--by", "Asha")[0] == 0
    assert settled() == "Asha"
    assert run("settle", story.id, "--undo", "--by", "Ravi")[0] == 0
    assert settled() is None
    assert run("settle", story.id, "--undo")[0] == 1
    assert logged() == [("unsettle", "Ravi"), ("settle", "Asha")]


@pytest.mark.parametrize("hide", ["hold", "kill"])
def test_of_what_is_hidden_nothing_is_measured(run: Run, hide: str) -> None:
    with (store := connect(load(None).database)).read() as conn:
        (story,) = records.newest(conn, limit=9)
    store.close()
    assert run(hide, story.id, "--by", "Asha", "--reason", "asked")[0] == 0
    code, said, _ = run("headline", story.id, "Rain, again", "--by", "Asha")
    assert code == 1
    assert re.search(r"edit scope +not rendered", said)
    assert "not rendered" in run("stories")[1]
