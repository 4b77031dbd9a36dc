"""The simulated agency's signature, held against the verifier."""

import json
from datetime import timedelta

import pytest

from desk.demo.newswire import Script
from desk.demo.site import answer
from wirecopy import Evidence, Report, verify
from wirecopy.chain import read_chain
from wirecopy.jose import read_keys

SCRIPT = Script()
KEYS = answer(SCRIPT, "/.well-known/jwks.json", {}, 0.0).body


def items(moment: float) -> dict[str, dict[str, object]]:
    found = json.loads(answer(SCRIPT, "/wires/national.json", {}, moment).body)["items"]
    return {item["id"]: item for item in found if "id" in item}


def report(moment: float) -> Report:
    body = answer(SCRIPT, "/wires/national.json", {}, moment).body
    return verify(body, KEYS, Evidence(now=SCRIPT.epoch + timedelta(seconds=moment)))


@pytest.mark.parametrize("moment", [0.0, 24.0, 36.0, 300.0])
def test_what_has_a_name_is_signed_and_holds_but_for_its_form(moment: float) -> None:
    """Raw copy has counters, which no Wirecopy writes, and one story comes without a name."""
    found = [entry for entry in report(moment).entries if entry.guid]
    assert len(found) >= 6
    for entry in found:
        assert {check.name for check in entry.failures} <= {"appearance"}, entry.failures
        assert any(c.name == "signature" and c.state == "ok" for c in entry.checks)


def test_an_update_follows_what_was_signed_before() -> None:
    before, after = items(24.0), items(40.0)
    changed = [name for name in before if before[name] != after.get(name, before[name])]
    assert changed
    keys = read_keys(KEYS)
    for name in changed:
        told = [one[name]["_wirecopy"]["statement"] for one in (before, after)]  # type: ignore[index]
        if told[0] != told[1]:  # of a counter that moved it is the same
            chain = {"guid": name, "statements": told}
            assert len(read_chain(json.dumps(chain).encode(), keys).digests) == 2
