"""Keeping the log: every receipt once, in order, proved; whoever appends at the same time."""

import json
import multiprocessing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stories import clock, transparency
from stories.config import Config
from stories.db import Store, connect, proofs
from stories.db.proofs import Receipt
from stories.errors import SigningError
from stories.keys import key_set
from stories.transparency import Place
from tests.conftest import ConfigOf, postgresql_first
from tests.stories.proving import opened, pruned
from wirecopy.encoding import canonical
from wirecopy.statement import Logged, logged
from wirecopy.tlog import leaf_hash

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def receipt(number: int, capture: int = 1, position: int | None = None) -> Receipt:
    written = canonical({"number": number})
    place = number if position is None else position
    return Receipt(leaf_hash(written), "story", capture, place, written)


def put(store: Store, *found: Receipt) -> None:
    with store.write() as conn:
        proofs.add_receipts(conn, found)


def verifier(store: Store) -> str:
    with store.read() as conn:
        found = key_set(conn)
    assert found is not None
    return str(found["wirecopy_log"])


def leaves(store: Store) -> list[bytes]:
    with store.read() as conn:
        return proofs.leaves(conn, 0, 10**6)


def proved_now(store: Store, found: list[Receipt]) -> dict[bytes, Logged]:
    with store.read() as conn:
        return transparency.places(conn, [each.hash for each in found])


def shown(store: Store, *found: Logged) -> dict[int, bytes]:
    """The leaves that are proved to stand in these places, in the log as it was the last time."""
    with store.read() as conn:
        proof = transparency.proof(conn, [Place(each.index, each.checkpoint) for each in found])
    return pruned(proof, verifier(store))


def numbers(store: Store) -> list[int]:
    """What was logged, in order."""
    return [json.loads(leaf)["number"] for leaf in leaves(store)]


def times(store: Store) -> list[str]:
    """When, by the leaves."""
    return [json.loads(leaf)["logged_at"] for leaf in leaves(store)]


def test_receipts_are_numbered_in_the_order_received(store: Store, config: ConfigOf) -> None:
    conf = config()
    put(store, receipt(4, 2, 1), receipt(3, 2, 0), receipt(2, 1, 1), receipt(1, 1, 0))
    assert transparency.append(store, conf) == 4
    put(store, receipt(0, 0, 0), receipt(1, 1, 0))  # a late one, and one that is there
    assert transparency.append(store, conf) == 1
    assert transparency.append(store, conf) == 0
    assert numbers(store) == [1, 2, 3, 4, 0]


def test_every_receipt_is_proved_by_the_checkpoint(store: Store, config: ConfigOf) -> None:
    conf = config(site={"url": "https://feeds.daily.example"})
    wanted = [receipt(n) for n in range(700)]
    for at in range(0, 700, 130):
        put(store, *wanted[at : at + 130])
        transparency.append(store, conf)
    proved_all = proved_now(store, wanted)
    assert len(proved_all) == 700
    key = verifier(store)
    assert [proved_all[each.hash].index for each in wanted] == list(range(700))
    for count in (1, 2, 5, 699, 700):
        some = wanted[:: 700 // count]
        places = [proved_all[each.hash] for each in some]
        assert shown(store, *places) == {
            place.index: leaf_hash(logged(each.leaf, place.at))
            for each, place in zip(some, places, strict=True)
        }
    with store.read() as conn:
        head = proofs.log_head(conn)
    assert head is not None
    assert opened(head.checkpoint, key).size == head.size == 700


def test_more_than_one_transaction_takes(
    store: Store, config: ConfigOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transparency, "BATCH", 7)
    put(store, *(receipt(n) for n in range(30)))
    assert transparency.append(store, config()) == 30
    assert numbers(store) == list(range(30))


def test_without_its_key_receipts_wait_and_lose_no_place(store: Store, config: ConfigOf) -> None:
    conf = config()
    put(store, receipt(0))
    transparency.append(store, conf)
    hidden = conf.keys_folder / "log.pem"
    kept = hidden.read_bytes()
    hidden.unlink()
    put(store, receipt(1), receipt(2))
    with pytest.raises(SigningError, match=r"log\.pem: is not there"):
        transparency.append(store, conf)
    assert proved_now(store, [receipt(1)]) == {}
    put(store, receipt(3))
    hidden.write_bytes(kept)
    hidden.chmod(0o600)
    assert transparency.append(store, conf) == 3
    assert numbers(store) == list(range(4))


def test_a_leaf_says_when_it_was_logged_and_none_goes_back(store: Store, config: ConfigOf) -> None:
    conf, now = config(), NOON
    with clock.reading(lambda: now):
        for number, (minutes, told) in enumerate(
            ((0, 0), (2, 2), (1, 2), (-3, 2), (2, 2), (3, 3), (-1, 3)), start=1
        ):
            now = NOON + minutes * MINUTE
            put(store, receipt(number))
            transparency.append(store, conf)
            expected = f"2026-11-23T12:0{told}:00.250000Z"
            assert times(store)[-1] == expected
            found = proved_now(store, [receipt(number)])[receipt(number).hash]
            assert found.at == NOON + told * MINUTE
            leaf = canonical({"number": number, "logged_at": expected})
            assert shown(store, found) == {number - 1: leaf_hash(leaf)}


@pytest.mark.parametrize("ahead", [6 * MINUTE, timedelta(days=700)])
def test_the_log_goes_on_when_a_clock_that_ran_ahead_is_put_right(
    store: Store, config: ConfigOf, ahead: timedelta
) -> None:
    conf, now = config(), NOON
    with clock.reading(lambda: now):
        for number, moment in enumerate((NOON, NOON - ahead, NOON - ahead / 2, NOON + MINUTE)):
            now = moment
            put(store, receipt(number))
            assert transparency.append(store, conf) == 1
    assert numbers(store) == [0, 1, 2, 3]
    last, later = "2026-11-23T12:00:00.250000Z", "2026-11-23T12:01:00.250000Z"
    assert times(store) == [last, last, last, later]


def _append(url: str, conf: Config, number: int, gate: Any) -> None:
    store = connect(url)
    gate.wait()
    for turn in range(10):
        first = number * 1000 + turn * 3  # two of these five came in the turn before
        put(store, *(receipt(n, number, n) for n in range(first, first + 5)))
        transparency.append(store, conf)
    store.close()


@postgresql_first
@pytest.mark.slow
def test_many_at_once_make_one_log(store: Store, config: ConfigOf) -> None:
    conf = config()
    context = multiprocessing.get_context("spawn")
    url = store.engine.url.render_as_string(hide_password=False)
    gate = context.Barrier(3)
    processes = [
        context.Process(target=_append, args=(url, conf, number, gate)) for number in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(90)
        assert process.exitcode == 0
    found = numbers(store)
    expected = {number * 1000 + n for number in range(3) for n in range(32)}
    assert len(found) == len(set(found)) == len(expected)
    assert set(found) == expected
    assert times(store) == sorted(times(store))
    found_proofs = proved_now(store, [receipt(n) for n in found])
    assert shown(store, *(found_proofs[receipt(number).hash] for number in found)) == {
        place: leaf_hash(leaf) for place, leaf in enumerate(leaves(store))
    }
