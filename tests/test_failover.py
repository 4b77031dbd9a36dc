"""PostgreSQL fails over to a standby that had not received what was committed last."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from stories import clock
from stories.db import alerts, connect
from stories.pdeathsig import bound_to_parent
from tests import hostile, servers
from tests.living import feed, item
from tests.processes import until
from tests.test_restored import LINES, command
from workers.alerts import tell_failover


@contextmanager
def standby_of(primary: servers.Server, folder: Path) -> Iterator[str]:
    """A streaming standby of *primary*, in *folder*; yields the folder of its socket."""
    assert primary.cwd is not None
    home = folder / "pg"
    home.mkdir(mode=0o700)
    if primary.user:
        folder.chmod(0o711)
        shutil.chown(home, *primary.user)
    program, data = Path(primary.command[0]), str(home / "data")
    copy = [str(program.with_name("pg_basebackup")), "-h", str(primary.cwd), "-U", "wirecopy"]
    made = subprocess.run(
        bound_to_parent([*copy, "-D", data, "-R", "-c", "fast", "--no-sync"], primary.user),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    wanted = tuple(word.replace(str(primary.cwd), str(home)) for word in primary.command)

    def answers() -> bool:
        psycopg.connect(f"host={home} user=wirecopy dbname=postgres", connect_timeout=5).close()
        return True

    log = folder / "postgres.log"
    server = replace(primary, command=wanted, log=log, cwd=home, answers=answers)
    with servers.running(server):
        yield str(home)


def tell(home: str, *statements: str) -> None:
    where = f"host={home} user=wirecopy dbname=postgres"
    with psycopg.connect(where, autocommit=True) as conn:
        for each in statements:
            conn.execute(each.encode())


def count(home: str, question: str) -> int:
    with psycopg.connect(f"host={home} user=wirecopy dbname=postgres") as conn:
        row = conn.execute(question.encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(
    not servers.postgres_programs().joinpath("pg_basebackup").exists(), reason="no pg_basebackup"
)
def test_what_it_lacks_is_named_and_comes_again(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(hostile.serve())
        folders = [stack.enter_context(servers.throwaway()) for _ in range(2)]
        settings = {**servers.POSTGRES_SETTINGS, "synchronous_commit": "on"}
        primary = servers.postgres_server(folders[0], settings)
        living = stack.enter_context(servers.running(primary))
        standby = stack.enter_context(standby_of(primary, folders[1]))
        url = f"postgresql://wirecopy@/postgres?host={primary.cwd},{standby}"
        wire = f'name = "w"\nagency = "A"\nurl = "{server.url}/f"\nallow_private = true'
        feeds = '[[feeds]]\nname = "all"\ntitle = "All"\n'
        tmp_path.joinpath("wirecopy.toml").write_text(f"{LINES[0]}[[wires]]\n{wire}\n{feeds}")

        def run(*words: str) -> "subprocess.CompletedProcess[str]":
            return command(tmp_path, *words, WIRECOPY_DATABASE_URL=url)

        def ids() -> dict[str, str]:
            return {s["headline"]: s["id"] for s in json.loads(run("stories", "--json").stdout)}

        server.answer("/f", feed(item("a", "Rain")))
        began = clock.now() - timedelta(seconds=1)  # the alert's seconds are whole
        assert run("poll").returncode == 0
        store = connect(url)
        stack.callback(store.close)
        assert [tell_failover(store, began) for _ in range(2)] == [0, 0]
        noted = "SELECT count(*) FROM notes WHERE key = 'timeline'"
        until(lambda: count(standby, noted) == 1)
        tell(standby, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
        until(lambda: count(standby, "SELECT count(*) FROM pg_stat_wal_receiver") == 0)
        had = clock.now()
        server.answer("/f", feed(item("b", "Floods"), item("a", "Rain")))
        assert run("poll").returncode == 0
        before = ids()
        assert before.keys() == {"Rain", "Floods"}

        living.kill()
        living.wait()
        tell(standby, "SELECT pg_promote()")
        assert ids().keys() == {"Rain"}
        assert run("poll").returncode == 0
        assert ids() == before
        told = run("status", "--check")
        assert told.returncode == 1
        assert "lost 1 receipts, from place 1 on" in told.stdout + told.stderr
        assert "A b. The log " in told.stdout + told.stderr
        assert tell_failover(store, had) == 0  # whoever started first has told it
        with store.read() as conn:
            (alert,) = alerts.standing(conn, kind="failover")
        until_then = re.match(r"it had what was committed until (\S+ \S+)Z\.", alert.message)
        assert alert.subject == "timeline 2"
        assert until_then
        assert began < datetime.fromisoformat(until_then[1]).replace(tzinfo=UTC) <= had
        assert f"PostgreSQL failed over to timeline 2: {alert.message}" in run("status").stdout
        server.answer("/f", feed(item("c", "Wind"), item("b", "Floods"), item("a", "Rain")))
        assert run("poll").returncode == 0
        assert ids().keys() == {"Rain", "Floods", "Wind"}
