"""Logs that follow others: the vectors, and entries by a memory that saw more than was restored."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.signed import ISSUED, Issuer, instant, samples
from tests.signing import Log, canonical, jwks
from tests.vectors import restores
from wirecopy import (
    Evidence,
    Refused,
    Report,
    TrustedState,
    read_keys,
    verify,
    verify_entries,
    verify_publishers,
)
from wirecopy.feed import read_feed
from wirecopy.online import with_log

FILE = Path(__file__).parents[1] / "vectors" / "restores.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))


def named(rows: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(row, id=row["name"]) for row in rows]


@pytest.mark.parametrize("row", named(VECTORS["key_sets"]))
def test_key_set(row: dict[str, Any]) -> None:
    document = row["document"].encode()
    if row["logs"] is None:
        with pytest.raises(Refused):
            read_keys(document)
        return
    keys = read_keys(document)
    ends = {name: keys.ended(name) for name in keys.logs}
    assert [[name, end and end.head.size] for name, end in ends.items()] == row["logs"]


@pytest.mark.parametrize("row", named(VECTORS["receipts"]))
def test_receipt(row: dict[str, Any]) -> None:
    keys = read_keys(json.dumps(VECTORS["keys"]).encode())
    leaf = base64.b64decode(row["leaf"])
    if row["ok"]:
        assert keys.prove(row["receipt"], leaf).head.origin in keys.logs
    else:
        with pytest.raises(Refused):
            keys.prove(row["receipt"], leaf)


@pytest.mark.parametrize("row", named(VECTORS["memories"]))
def test_memory(row: dict[str, Any]) -> None:
    tiles = {path: base64.b64decode(data) for path, data in row["tiles"].items()}
    keys = read_keys(json.dumps(row["keys"]).encode())
    state = TrustedState.load(row["memory"].encode())

    def verified(state: TrustedState) -> Report:
        assert keys.log is not None
        evidence = with_log(Evidence(state=state), tiles.get, keys.log.name)
        evidence = replace(evidence, checkpoint=row["checkpoint"])
        return verify(
            b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', keys, evidence
        )

    found = verified(state)
    assert found.log.state == row["log"], found.log
    lost = [
        "log" if said.startswith(restores.ORIGIN) else said.split(": ")[0] for said in found.lost
    ]
    assert sorted(lost) == sorted(row["lost"]), found.lost
    assert found.ok == (row["log"] == "ok" and not lost)
    if found.log.state == "failed":
        assert found.state == state  # nothing is learnt
    else:
        again = verified(TrustedState.load(found.state.dump()))
        assert again.ok, (again.log, again.lost)


def test_a_restore_excuses_once_even_what_has_no_receipt_at_hand() -> None:
    first = Issuer(restores.FIRST, Log(restores.ORIGIN))
    story = samples()[0]
    before = read_keys(canonical(jwks(first.signer, log=first.log)))
    seen = verify(first.feed([first.sign(story)], "rss"), before)
    assert seen.ok
    # It began, by its word, long after all that it will ever say.
    log = Log(restores.NEXT)
    told = restores.Restore(first.log, 1, log, begun_at=ISSUED + timedelta(days=9_999)).begin()
    keys = read_keys(canonical(restores.key_set([told], log, first.signer)))
    number = restores.NEXT.rpartition("/")[2]
    tiles = {
        f"{number}/checkpoint": log.checkpoint().encode(),
        f"{number}/tile/0/000.p/1": log.tile(0, 0, 1),
        "tile/0/000.p/1": first.log.tile(0, 0, 1),
    }

    def taken_back(state: TrustedState, hours: int) -> Report:
        """Another first version in place of the one that was seen."""
        other = Issuer(first.signer, Log(restores.ORIGIN))
        issued_at = instant(restores.BACKUP + timedelta(hours=hours))
        [entry] = read_feed(other.feed([other.sign(story, issued_at=issued_at)], "rss"))
        evidence = with_log(Evidence(state=state), tiles.get, restores.NEXT)
        return verify_entries([replace(entry, log=None)], keys, evidence)

    statements = {guid: one._replace(issued_at=None) for guid, one in seen.state.statements.items()}
    once = taken_back(replace(seen.state, statements=statements), 1)
    assert once.log.state == "ok", once.log
    assert (len(once.lost), once.entries[0].failures) == (1, ())
    twice = taken_back(TrustedState.load(once.state.dump()), 2)
    assert [check.name for check in twice.entries[0].failures] == ["continuity"]


def test_two_publishers_cannot_name_one_log() -> None:
    one = Issuer(restores.FIRST, Log(restores.ORIGIN))
    feed = one.feed([one.sign(samples()[0])], "rss")
    mine = canonical(jwks(one.signer, log=one.log))
    theirs = canonical(jwks(restores.SECOND, log=Log(restores.ORIGIN, "their log")))
    with pytest.raises(Refused, match="by different keys"):
        verify(feed, [mine, theirs])
    # By one key both may, and of one log the worse word counts.
    other = Issuer(restores.SECOND, one.log)
    one.log.add(b"another")
    both = read_feed(feed) + read_feed(other.feed([other.sign(samples()[1])], "rss"))
    forked = Evidence(checkpoint=Log(restores.ORIGIN, leaves=[b"forked"]).checkpoint())
    sets = [mine, canonical(jwks(other.signer, log=other.log))]
    said = verify_publishers(both, [(read_keys(sets[0]), forked), (read_keys(sets[1]), Evidence())])
    assert said.log.state == "failed"


def test_what_a_planet_puts_together_fails_nothing() -> None:
    one, other = (
        Issuer(restores.FIRST, Log(restores.ORIGIN)),
        Issuer(restores.SECOND, Log("wire.kestrel.example/log", "their log")),
    )
    sets = [canonical(jwks(each.signer, log=each.log)) for each in (one, other)]
    old = read_feed(one.feed([one.sign(samples()[0])], "rss"))
    new = read_feed(one.feed([one.sign(samples()[1])], "atom"))
    theirs = read_feed(other.feed([other.sign(samples()[2])], "json"))
    heads = [each.log for each in (*old, *new, *theirs)]
    both = "\n\n".join(str(head).strip() for head in heads[1:])
    for head, proved in ((None, 0), *((head, 1) for head in heads), (both, 2), (both[::-1], 0)):
        entries = [replace(each, log=head) for each in (*old, *new, *theirs)]
        publishers = [(read_keys(each), Evidence()) for each in sets]
        report = verify_publishers(entries, publishers)
        states = [c.state for r in report.entries for c in r.checks if c.name == "receipt"]
        assert states.count("ok") == proved
        assert {each.verdict for each in report.entries} == {"verified"}


def test_nobody_takes_over_what_another_publisher_was_seen_to_say() -> None:
    one, other = (
        Issuer(restores.FIRST, Log(restores.ORIGIN)),
        Issuer(restores.SECOND, Log("wire.kestrel.example/log", "their log")),
    )
    mine, theirs = (canonical(jwks(each.signer, log=each.log)) for each in (one, other))
    token = one.sign(samples()[0]).statement or ""
    seen = verify(one.feed([one.sign(samples()[0])], "rss"), mine)
    other.chains[samples()[0].id] = [token, *one.chains[samples()[0].id][1:]]
    follows = verify(
        other.feed([other.sign(samples()[0])], "rss"), theirs, Evidence(state=seen.state)
    )
    assert [check.name for check in follows.entries[0].failures] == ["continuity"]
    assert follows.state.statements == seen.state.statements
