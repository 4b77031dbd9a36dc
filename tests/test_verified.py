"""What is issued, held against the verifier, which knows nothing of it but the specification: a day
of an agency, with edits, a rotation and a rebuild, every feed fetched over HTTP."""

import base64
import json
from pathlib import Path

import pytest

from desk import replaying
from ingest.replay import Selection
from publish.web.app import create
from stories import clock
from stories.db import Store, connect
from stories.keys import rotate_key
from tests.conftest import ConfigOf
from tests.serving import Port, served
from tests.signing import private
from tests.test_replay import Day, day, live
from wirecopy import Evidence, Report, TrustedState, read_keys, tlog, verify
from wirecopy.statement import Link

VECTORS = json.loads((Path(__file__).parent / "vectors" / "log.json").read_text())


def reports(lived: Day, store: Store, state: TrustedState) -> list[Report]:
    """Every feed in every format, verified as a subscriber would who remembers."""
    app = create(lived.config, store, ready=dict, metrics=lambda: b"")
    with served(app) as port:
        keys = read_keys(port.ask("/.well-known/jwks.json").body)
        found = []
        for feed in lived.config.outgoing:
            for format in ("rss", "atom", "json"):
                evidence = Evidence(
                    now=clock.now(),
                    find_chain=lambda said: _chain(port, said),
                    fetch_tile=lambda level, number, width: _tile(port, level, number, width),
                    checkpoint=port.ask("/log/checkpoint").body.decode(),
                    state=state,
                )
                body = port.ask(f"/feeds/{feed.name}.{format}").body
                found.append(verify(body, keys, evidence))
                state = found[-1].state
    return found


def _chain(port: Port, said: Link) -> bytes | None:
    found = port.ask(f"/stories/{said.story}/statements")
    return found.body if found.status == 200 else None


def _tile(port: Port, level: int, number: int, width: int) -> bytes | None:
    path = f"/log/tile/{level}/{number:03}" + (f".p/{width}" if width < 256 else "")
    found = port.ask(path)
    return found.body if found.status == 200 else None


def good(found: list[Report]) -> None:
    for report in found:
        assert report.log.state == "ok", report.log
        for entry in report.entries:
            assert entry.verdict == "verified", (entry.headline, entry.failures)
    assert all(report.entries for report in found)


@pytest.mark.slow
def test_all_that_is_issued_verifies(config: ConfigOf, store: Store) -> None:
    with day(config, store) as lived:
        lived.pass_until(15)
        first = reports(lived, store, TrustedState())
        good(first)
        live(lived)
        second = reports(lived, store, first[-1].state)
        good(second)
        rotate_key(store, lived.config, at_once=True)
        lived.pass_until(lived.moment + 60)
        third = reports(lived, store, second[-1].state)
        good(third)
        url = f"sqlite:///{lived.config.data}/again.sqlite3"
        replaying.into(store, lived.config, Selection(), url)
        rebuilt = connect(url)
        good(reports(lived, rebuilt, third[-1].state))
        rebuilt.close()


def test_the_issuers_tree_and_the_verifiers_vectors() -> None:
    leaves = [base64.b64decode(leaf["hash"]) for leaf in VECTORS["leaves"]]
    tile = b"".join(leaves)
    for known in VECTORS["roots"]:
        root = tlog.Tree(known["size"], lambda *_: tile).root()
        assert base64.b64encode(root).decode() == known["root"]
    held = [one for one in VECTORS["inclusion"] if one["ok"]]
    assert held
    for one in held:
        if base64.b64decode(one["leaf"]) != leaves[one["index"]]:
            continue
        path = tlog.Tree(one["size"], lambda *_: tile).inclusion(one["index"])
        assert [base64.b64encode(step).decode() for step in path] == one["path"]


def test_the_issuers_checkpoint_and_the_verifiers_vectors() -> None:
    known = next(one for one in VECTORS["checkpoints"] if one["name"] == "good")
    root = base64.b64decode(known["root"])
    note = tlog.sign_checkpoint(VECTORS["origin"], known["size"], root, private("log"))
    assert note == known["note"]
    name, _, key = VECTORS["wirecopy_log"].split("+", 2)
    assert tlog.verifier_key(name, base64.b64decode(key)[1:]) == VECTORS["wirecopy_log"]
