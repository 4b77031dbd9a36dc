"""Opening a database: of any folder, kept to ourselves, asked what it is."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from desk.supervisor import alone
from stories import clock, folders
from stories.config import Wire
from stories.db import Store, connect, engine, wires
from stories.db.tables import metadata
from stories.errors import StoreError, WirecopyError
from tests import servers
from tests.conftest import database
from tests.relay import relayed
from tests.serving import free_port

WIRE = Wire(name="a", url="https://agency.example/w.rss")


def used(store: Store) -> bool:
    """True when a wire was written to *store* and read again."""
    with store.write() as conn:
        wires.sync(conn, [WIRE], clock.now())
    with store.read() as conn:
        return [w.name for w in wires.every(conn)] == ["a"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Paths.


@pytest.mark.parametrize(
    "odd",
    [
        "what now? drafts",
        "a?mode=memory",
        "50%25",
        "100% wire",
        "a#b",
        "with a space",
        "semi;colon&amp",
        "file:x",
        "'quoted\"",
        "हिन्दी",
        "user:pw@host",
        "new\nline",
        os.fsdecode(b"no-utf8-\xff"),
    ],
)
def test_a_store_lies_in_its_folder_whatever_that_is_called(tmp_path: Path, odd: str) -> None:
    store = connect(tmp_path / odd / "wirecopy.sqlite3")
    store.migrate()
    assert used(store)
    assert store.file == tmp_path / odd / "wirecopy.sqlite3"
    store.close()
    assert [p.name for p in tmp_path.iterdir()] == [odd]
    assert {p.name for p in (tmp_path / odd).iterdir()} <= {
        f"wirecopy.sqlite3{end}" for end in ("", "-wal", "-shm")
    }


@pytest.mark.parametrize("odd", ["100% wire", "%(here)s", "%%"])
def test_migrations_are_found_wherever_this_is_installed(
    tmp_path: Path, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / odd
    shutil.copytree(Path(engine.__file__).parent / "migrations", there / "migrations")
    monkeypatch.setattr(engine, "__file__", str(there / "engine.py"))
    store = connect(tmp_path / "data/wirecopy.sqlite3")
    with store.write() as conn:  # a new one would get its tables at once
        conn.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    store.migrate()
    assert used(store)
    store.close()


# Privacy.


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_folder_and_files_are_private_whoever_made_them(tmp_path: Path, umask: int) -> None:
    made = tmp_path / "made"
    made.mkdir()
    made.chmod(0o755)
    (made / "wirecopy.sqlite3").touch()
    (made / "wirecopy.sqlite3").chmod(0o644)
    before = os.umask(umask)
    try:
        for folder in (made, tmp_path / "new/deep"):
            store = connect(folder / "wirecopy.sqlite3")
            store.migrate()
            assert used(store)
            assert mode(folder) == 0o700
            assert {mode(p) for p in folder.iterdir()} == {0o600}
            store.close()
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == 0o700


def test_a_folder_of_other_things_stays_open_and_our_file_in_it_is_closed(tmp_path: Path) -> None:
    (tmp_path / "wirecopy.toml").touch()
    tmp_path.chmod(0o755)
    connect(tmp_path / "wirecopy.sqlite3").close()
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "wirecopy.sqlite3") == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_that_a_group_shares_is_left_to_it(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    tmp_path.chmod(0o2775)
    folders.make_private(tmp_path)
    assert mode(tmp_path) == 0o2775


# What cannot be used, in one line.


def test_a_folder_of_somebody_else_names_both_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    with pytest.raises(StoreError) as caught:
        connect(tmp_path / "wirecopy.sqlite3")
    said = str(caught.value)
    assert "\n" not in said
    for word in (str(tmp_path), "belongs to", "chown", "data ="):
        assert word in said


@pytest.mark.parametrize(
    ("flags", "free", "told"),
    [(os.ST_RDONLY, 1 << 30, "read-only; mount"), (0, 4096, "full; make room"), (0, 1 << 30, None)],
)
def test_what_writes_meet_on_a_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int, free: int, told: str | None
) -> None:
    store = connect(tmp_path / "wirecopy.sqlite3")
    found = os.statvfs(tmp_path)
    fields = list(found)
    fields[1], fields[4], fields[8] = 1, free, flags
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    monkeypatch.setattr(os, "access", lambda *_: not flags)
    refused = store.writes_refused()
    assert refused is None if told is None else told in (refused or "")
    assert flags or connect(tmp_path / "wirecopy.sqlite3"), "on a full disk feeds are still served"
    store.close()


@pytest.mark.parametrize("revision", ["ae1027a6acf", "0003", "5"])
def test_a_database_of_another_program_is_not_touched(store: Store, revision: str) -> None:
    with store.write() as conn:
        for name in reversed(metadata.sorted_tables):
            conn.execute(text(f"DROP TABLE {name}"))
        conn.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    with pytest.raises(StoreError, match=f"alembic_version {revision} of another program.*own"):
        store.migrate()


def test_tables_that_stand_in_our_way_are_not_touched(store: Store) -> None:
    with store.write() as conn:
        conn.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(StoreError, match=r"a table named .* of another program"):
        store.migrate()


# PostgreSQL.


@contextmanager
def encoded(postgres_url: str, encoding: str) -> Iterator[str]:
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    name = f"wirecopy_test_{encoding.lower()}_{os.getpid()}"
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            " TEMPLATE template0"
        )
    try:
        yield make_url(postgres_url).set(database=name).render_as_string(False)
    finally:
        with psycopg.connect(plain, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1251", "EUC_JP"])
def test_a_database_that_cannot_hold_every_language_is_refused(
    postgres_url: str, encoding: str
) -> None:
    with encoded(postgres_url, encoding) as url:
        store = connect(url)
        with pytest.raises(StoreError) as caught:
            store.migrate()
        store.close()
    said = str(caught.value)
    assert "\n" not in said
    for word in (encoding, "CREATE DATABASE", "ENCODING 'UTF8'"):
        assert word in said


def test_sessions_speak_utf8_whatever_is_set_for_them(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with database(postgres_url) as url:
        name = make_url(url).database
        plain = make_url(url).set(drivername="postgresql").render_as_string(False)
        with psycopg.connect(plain, autocommit=True, client_encoding="utf8") as admin:
            admin.execute(f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'")
        store = connect(url)
        store.migrate()
        with store.read() as conn:
            assert conn.execute(text("SELECT '“हिन्दी” — नमस्ते'")).scalar() == "“हिन्दी” — नमस्ते"
        store.close()


@pytest.mark.parametrize("pooled", [False, True])
def test_statements_are_prepared_on_direct_connections_only(
    postgres_url: str, pooled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool names processes of its own making, as here this test does."""
    if pooled:
        monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", property(lambda _: 12345))
    with database(postgres_url) as url:
        store = connect(url)
        store.migrate()
        for _ in range(12):
            assert used(store)
        with store.read() as conn:
            prepared = conn.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar()
        assert bool(prepared) is not pooled
        store.close()


@pytest.mark.skipif(not shutil.which("pgbouncer"), reason="needs PgBouncer")
def test_a_pool_that_lends_a_connection_for_one_transaction(postgres_url: str) -> None:
    with servers.throwaway() as folder, database(postgres_url) as url:
        parts, user = make_url(url), servers.unprivileged()
        port, file = free_port(), folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host={parts.query['host']}\n[pgbouncer]\nlisten_addr=\n"
            f"listen_port={port}\nunix_socket_dir={folder}\nauth_type=any\npool_mode=transaction\n"
            "default_pool_size=3\nignore_startup_parameters=extra_float_digits\n"
        )
        file.chmod(0o644)
        folder.chmod(0o777)
        # Its "any" logs everybody in as one user.
        file.write_text(file.read_text().replace("* = ", f"* = user={parts.username} "))
        pooled = f"postgresql://{parts.username}@/{parts.database}?host={folder}&port={port}"

        def answers() -> bool:
            psycopg.connect(pooled, connect_timeout=5).close()
            return True

        command = (shutil.which("pgbouncer") or "", str(file))
        log = folder / "pgbouncer.log"
        server = servers.Server(command, pooled, log, answers, user, folder)
        with servers.running(server):
            stores = [connect(pooled) for _ in range(4)]
            for one in stores:
                one.migrate()
            for _ in range(10):  # sessions take turns on the three connections
                assert all(map(used, stores))
            for one in stores:
                one.close()


@pytest.mark.parametrize("form", ["{dead},{live}", "{live},{dead}", "[::1]:1,{live}"])
def test_several_hosts_are_tried_until_one_takes_writes(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def connecting(**keys: Any) -> None:
        asked.update(keys)
        raise psycopg.OperationalError("nobody")

    hosts = form.format(dead="db1:1", live="db2:5433")
    store = connect(f"postgresql://me:s3/cret@{hosts}/wire")
    monkeypatch.setattr(store.engine.dialect.dbapi, "connect", connecting)
    with pytest.raises(StoreError) as caught:
        store.migrate()
    assert "s3" not in str(caught.value)
    assert asked["host"] == hosts.replace(":1,", ",").replace(":5433", "").removesuffix(
        ":1"
    ).replace("[", "").replace("]", "")
    assert sorted(asked["port"].split(",")) == ["1", "5433"]
    assert (asked["password"], asked["dbname"]) == ("s3/cret", "wire")
    assert asked["target_session_attrs"] == "read-write"


def test_a_dead_host_before_a_living_one(postgres_url: str) -> None:
    with database(postgres_url) as url:
        parts = make_url(url)
        several = (
            f"postgresql://{parts.username}@/{parts.database}?host=/nowhere,{parts.query['host']}"
        )
        store = connect(several)
        store.migrate()
        assert used(store)
        store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://wire:p@ss@db/wire",
        "postgresql://wire:p@@ss@db:5432/wire",
        "postgresql://wire:@p@ss@db/wire",
    ],
)
def test_an_address_with_two_at_signs_says_how_to_write_it(url: str) -> None:
    with pytest.raises(StoreError, match=r"%40.*PGPASSWORD") as caught:
        connect(url)
    assert "ss@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://wire:s3cret@db/wire", "postgresql://wire@db/wire"),
        ("postgres://wire:p%40ss@db:5433/wire", "postgresql://wire@db:5433/wire"),
        ("postgresql://db/wire?password=s3cret", "postgresql://db/wire"),
        ("postgresql://w:s3cret@/wire?host=/run/pg", "postgresql://w@/run/pg/wire"),
        ("postgresql://w:s3cret@a:1,b:2/wire", "postgresql://w@a,b/wire"),
    ],
)
def test_of_an_address_user_host_and_name_are_shown(url: str, shown: str) -> None:
    assert connect(url).name == shown


def test_a_standby_or_a_read_only_database_is_known(postgres_url: str) -> None:
    with database(postgres_url) as url:
        store = connect(url)
        store.migrate()
        assert store.writes_refused() is None
        name = make_url(url).database
        with store.engine.connect() as conn:
            conn.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
            conn.commit()
        store.engine.dispose()
        assert store.writes_refused() == "default_transaction_read_only is on; set that off"
        store.close()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("database or disk is full", "make room on its disk"),
        ("attempt to write a readonly database", "see who owns"),
        ("cannot execute UPDATE in a read-only transaction", "name the one that takes writes"),
        ('could not extend file "base/1": No space left on device', "make room on its server"),
        ("database is locked", "database is locked"),
    ],
)
def test_what_a_database_refuses_comes_with_a_remedy(said: str, remedy: str) -> None:
    error = OperationalError("UPDATE secrets", {}, Exception(f"{said}\nDETAIL: more"))
    assert engine.why(error).startswith(said)
    assert engine.why(error).endswith(remedy) or remedy in engine.why(error)
    assert "\n" not in engine.why(error)


MOUNTS = os.getuid() == 0 and shutil.which("mount")


@pytest.mark.slow
@pytest.mark.skipif(not MOUNTS, reason="needs a file system of its own")
@pytest.mark.parametrize(("state", "told"), [("full", "make room"), ("read-only", "mount it")])
def test_a_disk_that_takes_nothing_is_named_with_the_remedy(
    tmp_path: Path, state: str, told: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        store = connect(disk / "data/wirecopy.sqlite3")
        store.migrate()
        store.close()
        if state == "full":
            with suppress(OSError):
                (disk / "fill").write_bytes(b"x" * (4 << 20))
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(WirecopyError) as caught:
            connect(disk / "data/wirecopy.sqlite3").migrate()
        assert told in str(caught.value)
        assert "\n" not in str(caught.value)
        with pytest.raises(WirecopyError, match=told), alone(disk / "data"):
            pass
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_address_that_is_a_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "shared"
    there.mkdir()
    there.chmod(0o1777)
    with pytest.raises(StoreError, match="cannot be opened"):
        connect(f"sqlite:///{there}").migrate()
    assert mode(there) == 0o1777


# Hosts that come and go.


def session(store: Store) -> Any:
    with store.read() as conn:
        return conn.execute(text("SELECT pg_backend_pid()")).scalar()


def test_a_server_that_takes_no_more_writes_is_left_for_the_one_that_does(
    postgres_url: str,
) -> None:
    with database(postgres_url) as url:
        home = make_url(url).query["host"]
        store = connect(
            make_url(url).update_query_dict({"host": f"/nowhere,{home}"}).render_as_string(False)
        )
        store.migrate()
        before = session(store)
        with store.write() as conn:  # as an old primary that has become a standby
            conn.execute(text("SET SESSION default_transaction_read_only = on"))
        assert session(store) != before
        with store.write() as conn:
            conn.execute(text("CREATE TABLE written ()"))
        store.close()


def test_after_a_refused_write_no_connection_is_used_again(postgres_url: str) -> None:
    with database(postgres_url) as url:
        store = connect(url)
        before = session(store)
        refused = text("SET TRANSACTION READ ONLY; CREATE TABLE written ()")
        with pytest.raises(SQLAlchemyError, match="read-only"), store.write() as conn:
            conn.execute(refused)
        assert session(store) != before
        store.close()


def test_who_hurries_waits_no_longer_for_a_host_that_is_silent(postgres_url: str) -> None:
    """Its kernel answers, or what stands between; so no keepalive shows it."""
    with database(postgres_url) as url, relayed(url) as (relay, through):
        store = connect(through).hurry(0.5)
        before = session(store)
        relay.frozen.set()
        with pytest.raises((StoreError, SQLAlchemyError)):
            session(store)
        relay.frozen.clear()
        assert session(store) != before
        with pytest.raises(SQLAlchemyError, match="no answer within"), store.read() as conn:
            conn.execute(text("SELECT pg_sleep(30)"))
        assert session(store)
        store.close()


def test_the_server_lets_go_of_what_a_host_that_has_gone_had_locked(postgres_url: str) -> None:
    with database(postgres_url) as url, relayed(url) as (_, through):
        store = connect(through)
        member = connect(through).hurry(5)
        for one, idle in ((store, "0"), (member, "1min")):
            with one.read() as conn:
                found = conn.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()
                waits = conn.execute(text("SHOW client_connection_check_interval")).scalar()
            assert found == idle
            assert waits == "10s"
            one.close()


def test_a_silent_host_that_is_one_of_several_takes_seconds(postgres_url: str) -> None:
    with database(postgres_url) as url, relayed(url) as (relay, _):
        relay.frozen.set()
        other = make_url(url).query["host"]
        store = connect(
            f"postgresql://wirecopy@/{make_url(url).database}"
            f"?host=127.0.0.1,{other}&port={relay.port},5432&connect_timeout=2"
        )
        assert session(store)
        assert relay.taken
        store.close()
