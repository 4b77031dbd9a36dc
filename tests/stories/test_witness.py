"""A database that has lost what was committed last: a standby was promoted that lacked it."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from stories import transparency
from stories.config import Config
from stories.db import Store, alerts, connect, proofs
from stories.db import stories as records
from stories.db.key_value import identity
from stories.db.proofs import Receipt
from stories.db.tables import acts, headlines, receipts, tiles, translog
from stories.keys import key_set
from stories.models import Act, HeadlineEdit
from tests.conftest import ConfigOf, Time
from wirecopy.encoding import canonical
from wirecopy.restore import Restore, read_restores
from wirecopy.tlog import leaf_hash

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOGGED = (receipts, tiles, translog, headlines, acts)


def log(store: Store, config: Config, *names: str) -> None:
    """Log a receipt of each name."""
    found = []
    for number, name in enumerate(names):
        leaf = canonical({"agency": "PTI", "agency_id": name, "received": {}})
        found.append(Receipt(leaf_hash(leaf), "story", 1, number, leaf))
    with store.write() as conn:
        proofs.add_receipts(conn, found)
    assert transparency.append(store, config) == len(names)


@pytest.fixture
def promoted(store: Store) -> Callable[[], Callable[[], None]]:
    """From now on the standby lacks what is logged; what is returned promotes it."""

    def lagging() -> Callable[[], None]:
        with store.read() as conn:
            kept = {table: conn.execute(select(table)).mappings().all() for table in LOGGED}

        def promote() -> None:
            with store.write() as conn:
                for table, rows in kept.items():
                    conn.execute(delete(table))
                    if rows:
                        conn.execute(insert(table), [dict(row) for row in rows])

        return promote

    return lagging


def restores(store: Store) -> tuple[Restore, ...]:
    with store.read() as conn:
        found = key_set(conn)
    assert found is not None
    return read_restores(found.get("wirecopy_restores", []), found["wirecopy_log"])


def said(store: Store) -> list[str]:
    with store.read() as conn:
        return [each.message for each in alerts.standing(conn, kind="log")]


def sizes(store: Store) -> list[int]:
    with store.read() as conn:
        return [each.size for each in proofs.logs(conn)]


def elsewhere(config: Config, folder: Path) -> Config:
    """The same on another machine, whose copy of the keys is from before anything was logged."""
    shutil.copytree(config.keys_folder, folder, ignore=shutil.ignore_patterns("log.seen"))
    signing = config.signing.model_copy(update={"keys": folder})
    return config.model_copy(update={"signing": signing})


def test_another_log_begins_which_says_so(
    store: Store, config: ConfigOf, promoted: Callable[[], Callable[[], None]], time: Time
) -> None:
    conf = config()
    log(store, conf, "a", "b", "c")
    promote = promoted()
    time.now += MINUTE
    log(store, conf, "d")
    log(store, conf, "e", "f")
    promote()
    time.now += MINUTE
    log(store, conf, "g")
    assert sizes(store) == [3, 2]  # the first leaf of the other is the restore
    [restore] = restores(store)
    assert restore.head.size == 3
    assert (restore.known_until, restore.begun_at) == (NOON, NOON + 2 * MINUTE)
    [message] = said(store)
    assert message.startswith(
        "3 receipts, from place 3 on, logged after 2026-11-23 12:00:00Z: PTI d, PTI e, PTI f."
    )
    log(store, conf, "h")
    assert sizes(store) == [3, 3]
    assert len(said(store)) == 1


def test_so_it_does_when_a_machine_that_did_not_know_has_gone_on(
    store: Store,
    config: ConfigOf,
    promoted: Callable[[], Callable[[], None]],
    time: Time,
    tmp_path: Path,
) -> None:
    conf = config()
    log(store, conf, "a", "b", "c")
    other = elsewhere(conf, tmp_path / "other")
    promote = promoted()
    log(store, conf, "d")
    promote()
    time.now += MINUTE
    log(store, other, "e", "f")
    assert len(sizes(store)) == 1
    log(store, conf, "g")
    assert sizes(store) == [5, 2]
    assert ": PTI d." in said(store)[0]
    assert restores(store)[0].known_until == NOON


def test_what_the_desk_did_is_named_as_far_as_it_is_known(
    store: Store, config: ConfigOf, promoted: Callable[[], Callable[[], None]], time: Time
) -> None:
    conf = config()

    def write(story: str, by: str) -> None:
        with store.write() as conn:
            edit = HeadlineEdit(text="Rain", by=by, at=time.now, against=1)
            records.add_edit(conn, story, edit)

    def kill(by: str, capture: int | None = None) -> None:
        with store.write() as conn:
            act = Act(kind="kill", by=by, reason="wrong", at=time.now, capture_id=capture)
            records.add_acts(conn, [("story-2", act)])

    write("story-1", "Asha")
    log(store, conf, "a")
    time.now += MINUTE
    write("story-1", "Bala")
    promote = promoted()
    write("story-2", "Chitra")
    log(store, conf, "b")
    time.now += MINUTE
    kill("The agency", capture=1)
    kill("Dev")
    log(store, conf, "c")
    write("story-1", "Esha")  # nothing was logged after that
    promote()
    time.now += MINUTE
    write("story-1", "Fatima")
    log(store, conf, "d")
    [message] = said(store)
    assert message.partition("; of what ")[2] == (
        "the desk did this is lost: headline of story story-2 by Chitra at 2026-11-23 12:01:00Z;"
        " kill of story story-2 by Dev at 2026-11-23 12:02:00Z. All that people did after"
        " 2026-11-23 12:00:00Z has to be done again where the desk lacks it"
    )


def test_a_database_is_known_by_whatever_address_it_is_reached(
    store: Store,
    config: ConfigOf,
    promoted: Callable[[], Callable[[], None]],
    time: Time,
) -> None:
    """As by way of a pool, by members that share the keys."""
    identity(store)  # every member asks for it when it starts
    conf = config()
    log(store, conf, "a")
    promote = promoted()
    log(store, conf, "b")
    promote()
    time.now += MINUTE
    url = store.engine.url
    if store.file is not None:
        url = url.set(database=f"{store.file.parent}/./{store.file.name}")
    else:
        url = url.update_query_dict({"host": f"{url.query['host']},{url.query['host']}"})
    other = connect(url.render_as_string(hide_password=False))
    assert other.name != store.name
    log(other, conf, "c")
    other.close()
    assert sizes(store) == [1, 2]


def test_machines_that_take_turns_lose_nothing(
    store: Store, config: ConfigOf, time: Time, tmp_path: Path
) -> None:
    conf = config()
    log(store, conf, "0")
    other = elsewhere(conf, tmp_path / "other")
    for number in range(1, 8):
        log(store, conf if number % 3 else other, *(f"{number}-{n}" for n in range(number)))
    assert (len(sizes(store)), said(store)) == (1, [])


def test_when_the_beginning_is_lost_too_another_one_begins(
    store: Store, config: ConfigOf, promoted: Callable[[], Callable[[], None]], time: Time
) -> None:
    conf = config()
    log(store, conf, "a")
    promote = promoted()
    log(store, conf, "b")
    promote()
    time.now += MINUTE
    log(store, conf, "c")
    promote()
    time.now += MINUTE
    log(store, conf, "d")
    assert sizes(store) == [1, 2]
    assert len(restores(store)) == 1


def test_what_is_remembered_of_another_database_is_no_loss(
    store: Store, other_url: str, config: ConfigOf
) -> None:
    conf = config()
    log(store, conf, "a", "b", "c")
    other = connect(other_url)
    log(other, conf, "x")
    log(store, conf, "d")
    log(other, conf, "y")
    assert (sizes(store), sizes(other)) == ([4], [2])
    other.close()


def test_a_memory_that_cannot_be_read_or_written_stops_nothing(
    store: Store, config: ConfigOf
) -> None:
    conf = config()
    log(store, conf, "a")
    seen = conf.keys_folder / "log.seen"
    seen.write_text("no JSON\n")
    log(store, conf, "b")
    seen.unlink()
    seen.mkdir()
    log(store, conf, "c")
    assert sizes(store) == [3]
