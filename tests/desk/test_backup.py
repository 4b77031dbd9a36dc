"""Backups and what is restored from them, on both databases."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from sqlalchemy import func, insert, select

from desk import backup
from desk import status as standing
from desk.backup import BackupError, told
from publish.served import served
from publish.web.proofs import chain_of
from stories import clock, keys, transparency
from stories.config import Config, load
from stories.db import Store, connect, people, pictures, proofs, subscribers
from stories.db import backup as copies
from stories.db import stories as records
from stories.db import tables as t
from stories.db.engine import HEAD
from stories.db.pictures import Size
from stories.errors import SigningError
from stories.keys import key_set, revoke_key, rotate_key
from tests import kept
from tests.conftest import ConfigOf, Time, database
from tests.publish.samples import english, hindi, urdu
from tests.publish.shelf import publish
from tests.stories.proving import chained
from wirecopy import verify
from workers.start import start

NOON = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


pytestmark = pytest.mark.usefixtures("time")


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    return config(feeds=[{"name": "all", "title": "All"}])


@pytest.fixture
def saved(store: Store, conf: Config, tmp_path: Path) -> Path:
    """A backup of a store with two stories."""
    publish(store, conf, english(), hindi())
    place = tmp_path / "backups" / "today"
    backup.write(store, conf, place, with_keys=True)
    return place


@pytest.fixture
def elsewhere(conf: Config, tmp_path: Path) -> Config:
    """The same newsroom on another machine: nothing but its configuration."""
    return conf.model_copy(update={"data": tmp_path / "elsewhere"})


def rows(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables, as they are kept."""
    with store.read() as conn:
        return {
            each.name: sorted(map(repr, conn.execute(select(copies._plain(each))).all()))
            for each in t.metadata.sorted_tables
        }


def opened(config: Config) -> Store:
    store = connect(config.database)
    store.migrate()
    return store


def test_all_that_was_there_is_there_again(
    store: Store, conf: Config, saved: Path, elsewhere: Config
) -> None:
    with store.read() as conn:
        before = served(conn, conf, "all", "rss")
    made, begun = backup.restore(elsewhere, saved, moved=True)
    assert begun is None
    again = opened(elsewhere)
    assert rows(again) == rows(store)
    assert made.rows == sum(map(len, rows(store).values()))
    with again.read() as conn:
        after = served(conn, elsewhere, "all", "rss")
    assert before is not None
    assert after is not None
    assert (after.body, after.etag) == (before.body, before.etag)
    names = {path.name for path in conf.keys_folder.glob("*.pem")}
    assert {path.name for path in elsewhere.keys_folder.iterdir()} == names
    again.close()


def test_a_backup_of_either_database_restores_into_the_other(
    store: Store, conf: Config, tmp_path: Path, other_database: str
) -> None:
    publish(store, conf, english(), hindi())
    given(store, "Dawn")
    saved = tmp_path / "backups" / "today"
    backup.write(store, conf, saved, with_keys=True)
    there = conf.model_copy(
        update={"data": tmp_path / "there", "database_url": SecretStr(other_database)}
    )
    backup.restore(there, saved, moved=True)
    again = opened(there)
    assert again.dialect != store.dialect
    assert rows(again) == rows(store)
    publish(again, there, urdu())  # numbers of captures and others go on
    given(again, "Dusk")
    again.close()


def test_nobody_is_signed_in_at_a_store_that_was_restored(
    store: Store, conf: Config, tmp_path: Path, elsewhere: Config
) -> None:
    publish(store, conf, english())
    with store.write() as conn:
        people.add(conn, "Meera", "editor", "Asha", NOON)
        people.begin(conn, people.key_of("Meera"), "token", NOON, NOON + HOUR)
    saved = tmp_path / "today"
    backup.write(store, conf, saved, with_keys=True)
    backup.restore(elsewhere, saved, moved=True)
    for one, there in ((store, "Meera"), (again := opened(elsewhere), None)):
        with one.read() as conn:
            [person] = people.every(conn)
            assert person.name == "Meera"
            found = people.in_session(conn, "token", NOON)
            assert (found and found.name) == there
    again.close()


def given(store: Store, name: str) -> None:
    """A row in tables that are numbered and that a story has nothing in."""
    with store.write() as conn:
        subscribers.add(conn, name, name, ((), (), ()), "Asha", NOON)
        pictures.put(conn, "d" * 64, [(Size(1, 1), b"picture")])
        pictures.note(conn, name, 1, {"https://a.example/1": ("d" * 64, None)}, NOON)
        act = {"story_id": name, "kind": "kill", "by": "Asha", "reason": "so", "at": NOON}
        conn.execute(insert(t.acts).values(act))


@pytest.fixture
def other_database(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the other kind than the test's."""
    if store.dialect == "postgresql":
        yield f"sqlite:///{tmp_path}/other.sqlite3"
        return
    with database(request.getfixturevalue("postgres_url")) as url:
        yield url


def test_only_its_owner_may_read_it(saved: Path) -> None:
    found = [saved, *saved.rglob("*")]
    assert len(found) == 6  # manifest, store, keys/ and two keys
    assert [path for path in found if path.stat().st_mode & 0o077] == []
    assert [path.name for path in saved.parent.iterdir()] == ["today"]


def test_keys_may_be_left_out(
    store: Store, conf: Config, elsewhere: Config, tmp_path: Path
) -> None:
    publish(store, conf, english())
    made = backup.write(store, conf, tmp_path / "b", with_keys=False)
    assert sorted(made.files) == [backup.STORE]
    with pytest.raises(SigningError, match=r"no key of before.*put the keys back.*--unvouched"):
        backup.restore(elsewhere, tmp_path / "b")
    assert rows(opened(elsewhere))["stories"] == []
    _, begun = backup.restore(elsewhere, tmp_path / "b", unvouched=True)
    assert begun is not None
    assert begun.vouchers == ()
    assert "nobody vouches for it" in told(begun)[1]
    again = opened(elsewhere)
    publish(again, elsewhere, urdu())  # by keys that were made anew
    again.close()


def test_keys_that_are_there_already_vouch(
    store: Store, conf: Config, elsewhere: Config, tmp_path: Path
) -> None:
    publish(store, conf, english())
    backup.write(store, conf, tmp_path / "b", with_keys=False)
    there = elsewhere.model_copy(
        update={"signing": elsewhere.signing.model_copy(update={"keys": conf.keys_folder})}
    )
    _, begun = backup.restore(there, tmp_path / "b")
    assert begun is not None
    assert sorted(begun.vouchers) == sorted(path.name for path in conf.keys_folder.glob("*.pem"))


def test_another_key_in_the_way_stops_it_before_anything_is_done(
    saved: Path, elsewhere: Config, store: Store, conf: Config, tmp_path: Path
) -> None:
    keys.write_key_file(elsewhere.keys_folder / "log.pem", Ed25519PrivateKey.generate())
    with pytest.raises(BackupError, match=r"log\.pem: another key is there already"):
        backup.restore(elsewhere, saved)
    assert rows(opened(elsewhere))["stories"] == []
    assert len(list(elsewhere.keys_folder.iterdir())) == 1


def test_nothing_is_overwritten(store: Store, conf: Config, saved: Path) -> None:
    before = rows(store)
    url = store.engine.url.render_as_string(hide_password=False)
    same = conf.model_copy(update={"database_url": SecretStr(url)})
    with pytest.raises(BackupError, match=r"holds stories already; restore into an empty one"):
        backup.restore(same, saved)
    with pytest.raises(BackupError, match=r"is there already; name a folder that is not"):
        backup.write(store, conf, saved, with_keys=True)
    assert rows(store) == before


def test_a_store_that_was_opened_and_never_used_is_empty(saved: Path, elsewhere: Config) -> None:
    start(elsewhere).close()
    _, begun = backup.restore(elsewhere, saved)
    assert begun is not None


@pytest.mark.parametrize("name", [backup.STORE, "keys/log.pem", backup.MANIFEST])
def test_damage_is_found(saved: Path, elsewhere: Config, name: str) -> None:
    backup.read(saved)
    file = saved / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(BackupError, match=r"differs|cannot be read|not of the backup"):
        backup.restore(elsewhere, saved)
    assert not (elsewhere.data / "wirecopy.sqlite3").exists()


def test_a_file_that_is_missing_or_strange_is_found(saved: Path) -> None:
    (saved / "keys" / "more.pem").write_text("x")
    with pytest.raises(BackupError, match=r"not of the backup: keys/more\.pem"):
        backup.read(saved)
    (saved / "keys" / "more.pem").unlink()
    (saved / backup.STORE).unlink()
    with pytest.raises(BackupError, match=r"missing.*store\.sqlite3"):
        backup.read(saved)
    with pytest.raises(BackupError, match=r"is no backup: it has no manifest\.json"):
        backup.read(saved.parent)


def test_one_of_a_newer_release_is_refused_in_one_line(saved: Path) -> None:
    manifest = json.loads((saved / backup.MANIFEST).read_text())
    newer = {**manifest, "store": f"{int(HEAD) + 1:04}"}
    (saved / backup.MANIFEST).write_text(json.dumps(newer))
    with pytest.raises(BackupError, match="is newer than this Wirecopy") as error:
        backup.read(saved)
    assert "\n" not in str(error.value)
    (saved / backup.MANIFEST).write_text(json.dumps({**manifest, "type": "wirecopy-backup-2"}))
    with pytest.raises(BackupError, match=r"cannot be read \(type\).*upgrade Wirecopy"):
        backup.read(saved)


def test_one_that_fails_leaves_nothing(store: Store, conf: Config, tmp_path: Path) -> None:
    publish(store, conf, english())
    (conf.keys_folder / "log.pem").unlink()
    with pytest.raises(BackupError, match=r"log\.pem: is not there.*--without-keys"):
        backup.write(store, conf, tmp_path / "b" / "today", with_keys=True)
    assert list((tmp_path / "b").iterdir()) == []


def test_it_is_of_one_moment_while_others_write(
    store: Store, conf: Config, elsewhere: Config, tmp_path: Path
) -> None:
    """A writer goes on, and each of its transactions writes two rows: both are there, or none."""
    publish(store, conf, english())
    ended, wrote = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            with store.write() as conn:
                conn.execute(insert(t.notes).values(key=f"one {number}", value=1))
                conn.execute(insert(t.notes).values(key=f"two {number}", value=1))
            wrote.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert wrote.wait(60)
        backup.write(store, conf, tmp_path / "b", with_keys=True)
        wrote.clear()
        assert wrote.wait(60)  # nor is the writer held up
    finally:
        ended.set()
        writer.join()
    backup.restore(elsewhere, tmp_path / "b", moved=True)
    again = opened(elsewhere)
    with again.read() as conn:
        counts = [
            conn.execute(
                select(func.count()).select_from(t.notes).where(t.notes.c.key.like(f"{name} %"))
            ).scalar_one()
            for name in ("one", "two")
        ]
    assert counts[0] == counts[1] > 0
    again.close()


def test_numbers_of_captures_are_not_used_again(
    store: Store, conf: Config, elsewhere: Config, tmp_path: Path
) -> None:
    publish(store, conf, english())
    with store.write() as conn:
        values = {
            "wire": "pti",
            "received_at": NOON,
            "url": "",
            "headers": [],
            "digest": "x",
            "size": 1,
        }
        last = conn.execute(insert(t.captures).values(values)).inserted_primary_key
        assert last is not None
        conn.execute(t.captures.delete().where(t.captures.c.id == last[0]))
    backup.write(store, conf, tmp_path / "b", with_keys=True)
    backup.restore(elsewhere, tmp_path / "b")
    again = opened(elsewhere)
    with again.write() as conn:
        following = conn.execute(insert(t.captures).values(values)).inserted_primary_key
    assert following is not None
    assert following[0] > last[0]
    again.close()


def test_a_backup_of_an_earlier_release_is_migrated_where_there_is_no_data_folder_yet(
    tmp_path: Path,
) -> None:
    """As on a new machine whose store is on PostgreSQL."""
    file = kept.unpack(tmp_path / "then")
    with copies.opened(file, tmp_path / "new" / "data") as conn:
        assert records.counts(conn)[0] == 17


def test_a_backup_of_an_earlier_release_is_migrated(tmp_path: Path) -> None:
    """The store that release 0.1 wrote, as if it had known how."""
    there = kept.unpack(tmp_path / "then").parent.parent
    file = tmp_path / "saved" / backup.STORE
    file.parent.mkdir()
    (there / "wirecopy-data" / "wirecopy.sqlite3").rename(file)
    found = {backup.STORE: backup._looked_at(file)}
    made = backup.Manifest(
        at=NOON, wirecopy="0.1.0", store=kept.REVISION, keys=False, rows=1, files=found
    )
    (file.parent / backup.MANIFEST).write_text(made.model_dump_json())
    config = load(there / "wirecopy.toml")
    _, begun = backup.restore(config, file.parent)
    assert begun is not None
    assert "log.pem" in begun.vouchers
    with opened(config).read() as conn:
        assert records.counts(conn)[0] == 17
    assert backup.read(file.parent)  # as it was
    assert not [p for p in config.data.iterdir() if p.name.startswith("rehearsal-")]
    assert sorted(p.name for p in file.parent.iterdir()) == ["manifest.json", "store.sqlite3"]


# The log that begins


def jwks(store: Store) -> dict[str, Any]:
    with store.read() as conn:
        found = key_set(conn)
    assert found is not None
    return found


def test_another_log_begins_and_names_the_one_before(
    store: Store, conf: Config, saved: Path, elsewhere: Config, time: Time
) -> None:
    before = jwks(store)
    with store.read() as conn:
        head = proofs.log_head(conn)
    assert head is not None
    time.now += 3 * HOUR
    _, begun = backup.restore(elsewhere, saved)
    again = opened(elsewhere)
    found = jwks(again)
    assert found["keys"] == before["keys"]
    assert found["wirecopy_log"].startswith(f"{head.origin}/20261122170000+")
    [restored] = found["wirecopy_restores"]
    assert restored["payload"] == {
        "type": "wirecopy-restore-1",
        "former": before["wirecopy_log"],
        "checkpoint": head.checkpoint,
        "log": found["wirecopy_log"],
        "known_until": "2026-11-22T14:00:00.000000Z",
        "begun_at": "2026-11-22T17:00:00.000000Z",
    }
    assert len(restored["signatures"]) == 2  # by the key of the log, and by that of statements
    assert begun is not None
    assert (begun.former, begun.size) == (head.origin, 2)
    # What is published then has its receipt there, and all before it in the log of before.
    publish(again, elsewhere, urdu())
    with again.read() as conn:
        logs = proofs.logs(conn)
        [first, *rest] = proofs.leaves(conn, logs[1].first, 10)
        documents = [chain_of(conn, each.id) for each in (english(), hindi(), urdu())]
        shown = [served(conn, elsewhere, "all", form) for form in ("rss", "json")]
    assert json.loads(first) == restored
    assert len(rest) == logs[1].size - 1 == 1
    assert [one.id for one in logs] == [1, 2]
    assert logs[0] == head
    for document, vkey in zip(
        documents, (*[before["wirecopy_log"]] * 2, found["wirecopy_log"]), strict=True
    ):
        assert document is not None
        assert chained(json.loads(document), {**found, "wirecopy_log": vkey})
    # One feed has statements of both logs, and a proof for each.
    for feed in shown:
        assert feed is not None
        assert feed.body.count(b"wirecopy-proof-1") == 2
        report = verify(feed.body, json.dumps(found).encode())
        receipts = [
            check for entry in report.entries for check in entry.checks if check.name == "receipt"
        ]
        assert [check.state for check in receipts] == ["ok"] * 3, receipts
    again.close()


def test_two_restores_of_one_backup_begin_logs_of_different_names(
    saved: Path, elsewhere: Config, tmp_path: Path, time: Time
) -> None:
    names = []
    for folder in ("one", "two"):
        time.now += timedelta(seconds=1)
        there = elsewhere.model_copy(update={"data": tmp_path / folder})
        _, begun = backup.restore(there, saved)
        assert begun is not None
        names.append(begun.origin)
    assert len(set(names)) == 2


def test_a_lost_key_of_the_log_has_a_way_out(store: Store, conf: Config, time: Time) -> None:
    publish(store, conf, english())
    log = conf.keys_folder / "log.pem"
    log.unlink()
    with store.read() as conn:
        [fault] = keys.faults(conn, conf, clock.now())
    assert "log.pem: is not there" in fault
    assert "if it is lost, begin a new log: wirecopy keys --new-log" in fault
    time.now += HOUR
    with store.write() as conn:
        begun = transparency.begin_anew(conn, conf)
    assert len(begun.vouchers) == 1
    publish(store, conf, urdu())
    with store.read() as conn:
        assert keys.faults(conn, conf, clock.now()) == []
        head = proofs.log_head(conn)
    assert head is not None
    assert (head.id, head.size, head.origin) == (2, 2, begun.origin)
    [told_] = jwks(store)["wirecopy_restores"]
    assert told_["payload"]["known_until"] == told_["payload"]["begun_at"]


def test_a_lost_key_of_statements_is_replaced_when_a_log_begins(
    store: Store, conf: Config, time: Time
) -> None:
    publish(store, conf, english())
    [first] = jwks(store)["keys"]
    (conf.keys_folder / f"{first['kid']}.pem").unlink()
    time.now += HOUR
    with store.write() as conn:
        begun = transparency.begin_anew(conn, conf)
    assert begun.vouchers == ("log.pem",)
    publish(store, conf, urdu())
    assert len(jwks(store)["keys"]) == 2
    with store.read() as conn:
        assert keys.faults(conn, conf, clock.now()) == []


def test_a_revoked_key_vouches_for_nothing(store: Store, conf: Config, time: Time) -> None:
    publish(store, conf, english())
    [first] = jwks(store)["keys"]
    revoke_key(store, conf, first["kid"], "stolen")
    with store.write() as conn:
        begun = transparency.begin_anew(conn, conf)
    assert f"{first['kid']}.pem" not in begun.vouchers
    assert len(begun.vouchers) == 2


def test_status_names_every_key_that_is_needed_and_unfit(
    store: Store, conf: Config, redis_url: str, time: Time
) -> None:
    publish(store, conf, english())
    conf = conf.model_copy(update={"redis_url": SecretStr(redis_url)})

    def needs() -> list[str]:
        found = standing.needs(standing.gather(conf, store, clock.now()))
        return [one for one in found if "key file" in one]

    assert needs() == []
    waiting = rotate_key(store, conf)
    for path in conf.keys_folder.iterdir():
        path.chmod(0o644)
    assert len(standing.gather(conf, store, clock.now()).key_faults) == 3
    for path in conf.keys_folder.iterdir():
        path.unlink()
    found = needs()
    assert len(found) == 3
    assert f"{waiting.kid}.pem" in found[2]
