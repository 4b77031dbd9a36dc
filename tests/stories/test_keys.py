"""The keys in use: one first key however many start, rotation, revocation; on both databases."""

import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stories import clock
from stories.config import Config
from stories.db import Store, connect, proofs
from stories.db.proofs import KeyRow, LogHead
from stories.errors import SigningError, UnknownNameError
from stories.keys import (
    current_signer,
    ensure_keys,
    key_file,
    key_set,
    log_key,
    revoke_key,
    rotate_key,
)
from tests.conftest import ConfigOf, Time, postgresql_first

NOON = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
DAY = timedelta(days=1)


def rows(store: Store) -> list[KeyRow]:
    with store.read() as conn:
        return proofs.keys(conn)


def log_of(store: Store) -> LogHead:
    with store.read() as conn:
        found = proofs.log_head(conn)
    assert found is not None
    return found


def published(store: Store) -> dict[str, Any]:
    with store.read() as conn:
        found = key_set(conn)
    assert found is not None
    return found


def signs(store: Store, conf: Config) -> str:
    ensure_keys(store, conf)
    return current_signer(conf, rows(store)).kid


def test_nothing_is_published_before_the_first_key(store: Store) -> None:
    with store.read() as conn:
        assert key_set(conn) is None


def test_the_first_key_and_the_log(store: Store, config: ConfigOf, time: Time) -> None:
    conf = config()
    kid = signs(store, conf)
    found = published(store)
    [key] = found["keys"]
    assert key == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": rows(store)[0].x,
        "kid": kid,
        "alg": "EdDSA",
        "use": "sig",
        "nbf": int(NOON.timestamp()),
    }
    assert found["wirecopy_log"].startswith("127.0.0.1:8080/log+")
    assert sorted(p.name for p in conf.keys_folder.iterdir()) == sorted([f"{kid}.pem", "log.pem"])
    with store.read() as conn:
        head = proofs.log_head(conn)
    assert head is not None
    assert head.checkpoint.startswith(
        "127.0.0.1:8080/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
    )
    ensure_keys(store, conf)
    assert published(store) == found


def _start(url: str, conf: Config, gate: Any, kids: Any) -> None:
    store = connect(url)
    gate.wait()
    kids.put(signs(store, conf))
    store.close()


@postgresql_first
@pytest.mark.slow
def test_many_processes_at_their_first_start_agree(store: Store, config: ConfigOf) -> None:
    conf = config()
    context = multiprocessing.get_context("spawn")
    count = 4
    gate, answers = context.Barrier(count), context.Queue()
    url = store.engine.url.render_as_string(hide_password=False)
    processes = [
        context.Process(target=_start, args=(url, conf, gate, answers)) for _ in range(count)
    ]
    for process in processes:
        process.start()
    kids = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(kids) == 1
    assert [row.kid for row in rows(store)] == list(kids)
    names = {p.name for p in conf.keys_folder.iterdir()}
    assert names == {f"{kids.pop()}.pem", "log.pem"}


def test_the_second_turns_while_the_first_key_is_made(store: Store, config: ConfigOf) -> None:
    """Whoever asked just before must not find that no key has begun."""
    turning = iter(NOON + timedelta(milliseconds=400 * n) for n in range(1000))
    with clock.reading(lambda: next(turning)):
        kid = signs(store, config())
        assert rows(store)[0].kid == kid
        assert rows(store)[0].not_before <= clock.now()


def test_a_folder_that_cannot_be_written_leaves_no_key_on_record(
    store: Store, config: ConfigOf, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    conf = config(signing={"keys": tmp_path / "file" / "keys"})
    with pytest.raises(SigningError, match=r"file/keys/.*cannot be written"):
        ensure_keys(store, conf)
    assert rows(store) == []


def test_a_second_machine_without_the_files_says_so(
    store: Store, config: ConfigOf, tmp_path: Path
) -> None:
    ensure_keys(store, config())
    other = config(signing={"keys": tmp_path / "elsewhere"})
    with pytest.raises(SigningError, match=r"elsewhere/.*is not there; .*copy it from"):
        signs(store, other)
    with pytest.raises(SigningError, match=r"elsewhere/log\.pem"):
        log_key(other, log_of(store))


def test_another_key_in_the_file(store: Store, config: ConfigOf) -> None:
    conf = config()
    path = key_file(conf, signs(store, conf))
    log_file = conf.keys_folder / "log.pem"
    swapped = log_file.read_bytes()
    log_file.write_bytes(path.read_bytes())
    path.write_bytes(swapped)
    with pytest.raises(SigningError, match="holds another key"):
        signs(store, conf)
    with pytest.raises(SigningError, match=r"log\.pem: holds another key than the log began"):
        log_key(conf, log_of(store))


def test_a_log_key_from_before_goes_on_serving(store: Store, config: ConfigOf) -> None:
    """A start that ended between file and commit, or a database that was lost."""
    conf = config()
    other = connect(f"sqlite:///{conf.data}/other.sqlite3")
    other.migrate()
    ensure_keys(other, conf)
    before = published(other)["wirecopy_log"]
    other.close()
    ensure_keys(store, conf)
    assert published(store)["wirecopy_log"] == before


def test_rotation_publishes_waits_signs_and_ends(
    store: Store, config: ConfigOf, time: Time
) -> None:
    conf = config(signing={"overlap": "2d"})
    old = signs(store, conf)
    new = rotate_key(store, conf).kid
    assert signs(store, conf) == old
    assert [k["kid"] for k in published(store)["keys"]] == [old, new]
    begins = rows(store)[1].not_before
    assert begins - NOON >= 2 * DAY
    assert begins.microsecond == 0
    assert rows(store)[0].not_after == begins + DAY
    with pytest.raises(SigningError, match=f"{new}: waits already"):
        rotate_key(store, conf)
    time.now = begins - timedelta(microseconds=1)
    assert signs(store, conf) == old
    time.now = begins
    assert signs(store, conf) == new
    # What either signed is within what is published of it.
    first, second = published(store)["keys"]
    assert first["exp"] == int((begins + DAY).timestamp())
    assert second["nbf"] == int(begins.timestamp())
    assert "exp" not in second


def test_rotation_at_once(store: Store, config: ConfigOf, time: Time) -> None:
    conf = config()
    old = signs(store, conf)
    key_file(conf, old).unlink()  # it is what one does when a key is lost
    with pytest.raises(SigningError, match="is not there"):
        signs(store, conf)
    new = rotate_key(store, conf, at_once=True).kid
    time.now += timedelta(seconds=1)
    assert signs(store, conf) == new != old


def test_a_key_that_waits_is_given_its_turn(store: Store, config: ConfigOf, time: Time) -> None:
    conf = config()
    old = signs(store, conf)
    new = rotate_key(store, conf).kid
    time.now += timedelta(seconds=2)
    assert rotate_key(store, conf, at_once=True).kid == new
    assert signs(store, conf) == new
    assert len(rows(store)) == 2
    assert rows(store)[0].kid == old
    assert rows(store)[0].not_after == time.now.replace(microsecond=0) + DAY


def test_revoking_the_only_key_makes_another(store: Store, config: ConfigOf, time: Time) -> None:
    conf = config()
    old = signs(store, conf)
    assert revoke_key(store, conf, old, "found in a bucket") == []
    new = signs(store, conf)
    assert new != old
    found = {k["kid"]: k for k in published(store)["keys"]}
    assert found[old]["revoked"] == {
        "revoked_at": int(NOON.timestamp()),
        "reason": "found in a bucket",
    }
    assert "revoked" not in found[new]
    with pytest.raises(SigningError, match="revoked already, for: found in a bucket"):
        revoke_key(store, conf, old, "again")
    with pytest.raises(UnknownNameError, match="there is none"):
        revoke_key(store, conf, "nobody", "x")


def test_revoking_lets_the_next_one_begin(store: Store, config: ConfigOf, time: Time) -> None:
    conf = config()
    old = signs(store, conf)
    new = rotate_key(store, conf).kid
    revoke_key(store, conf, old, "lost")
    assert signs(store, conf) == new
    assert len(rows(store)) == 2


def test_revoking_the_next_one_leaves_no_gap(store: Store, config: ConfigOf, time: Time) -> None:
    conf = config()
    signs(store, conf)
    new = rotate_key(store, conf).kid
    revoke_key(store, conf, new, "lost before its time")
    time.now += 400 * DAY
    assert signs(store, conf) not in (new,)


def test_revoking_the_new_one_within_a_day_leaves_no_gap(
    store: Store, config: ConfigOf, time: Time
) -> None:
    conf = config()
    old = signs(store, conf)
    new = rotate_key(store, conf, at_once=True).kid
    revoke_key(store, conf, new, "lost")
    time.now += 400 * DAY
    assert signs(store, conf) not in (old, new)
