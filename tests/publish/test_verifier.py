"""The browser's verifier against the vectors that the Python one is held to, and against ours."""

import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from publish.clean import clean
from stories.errors import ParseError
from tests.publish.hostile import Soup
from tests.publish.node import ask
from tests.publish.tree import Node, tree
from tests.wirecopy.trial import SEED, UNSEEN, disagreements, judged
from wirecopy.form import body_fault
from wirecopy.jose import payload_of
from wirecopy.scope import Copy, digests
from wirecopy.text import plain, project
from wirecopy.urls import resolve, unsigned

VECTORS = Path(__file__).parents[1] / "vectors"
TEXT = json.loads((VECTORS / "text.json").read_text("utf-8"))
PROVENANCE = json.loads((VECTORS / "provenance.json").read_text("utf-8"))


def _copy(of: dict[str, Any]) -> dict[str, Any]:
    return {**of, "body": tree(of["body"])}


def test_paragraphs() -> None:
    vectors = TEXT["vectors"]
    said = ask(
        [
            {"ask": "project", "tree": tree(v["html"]), "disclosure": v.get("disclosure", "")}
            for v in vectors
        ]
    )
    for vector, found in zip(vectors, said, strict=True):
        assert found["paragraphs"] == vector["paragraphs"], vector["name"]


def test_addresses() -> None:
    vectors = PROVENANCE["addresses"]
    said = ask([{"ask": "resolve", **v} for v in vectors])
    assert said == [v["address"] for v in vectors]


def test_signatures() -> None:
    vectors = PROVENANCE["signatures"]
    said = ask([{"ask": "unsigned", "url": v["address"]} for v in vectors])
    assert said == [v["unsigned"] for v in vectors]
    chance = Random(3)
    names = [
        "sig",
        "s",
        "e",
        "exp",
        "X-Amz-Date",
        "X-Amz-Signature",
        "policy",
        "key-pair-id",
        "token",
        "_nc_x",
        "id",
        "w",
        "SE",
    ]
    values = [
        "1700000100",
        "6a0f1c2b",
        "2026-11-20",
        "20261120T060000Z",
        "exp=1700000300~",
        "7",
        "",
    ]
    pieces = [
        f"{name}{sign}{value}" for name in names for sign in ("=", "", "#") for value in values
    ]
    drawn = ["https://p.example/?" + "&".join(chance.choices(pieces, k=4)) for _ in range(3000)]
    said = ask([{"ask": "unsigned", "url": url} for url in drawn])
    assert said == [unsigned(url) for url in drawn]
    assert sum(url != short for url, short in zip(drawn, said, strict=True)) > 10


def test_references() -> None:
    vectors = PROVENANCE["references"]
    said = ask([{"ask": "project", "tree": tree(v["html"]), "base": v["base"]} for v in vectors])
    for vector, found in zip(vectors, said, strict=True):
        assert (found["links"], found["media"]) == (vector["links"], vector["media"]), vector
    assert len(said) > 10


def test_digests() -> None:
    vectors = PROVENANCE["digests"]
    said = ask(
        [
            {"ask": "digests", "copy": _copy(v["copy"]), "disclosure": v["disclosure"]}
            for v in vectors
        ]
    )
    assert said == [v["digests"] for v in vectors]


def test_digests_of_every_copy_measured() -> None:
    vectors = PROVENANCE["measurements"]
    copies = [v[side] for v in vectors for side in ("received", "published") if v[side]]
    said = ask([{"ask": "digests", "copy": _copy(copy), "disclosure": ""} for copy in copies])
    for copy, found in zip(copies, said, strict=True):
        assert {"rule": TEXT["rule"], **found} == asdict(digests(Copy(**copy))), copy


@pytest.mark.parametrize("seed", range(3))
def test_two_implementations_read_alike_what_nobody_foresaw(seed: int) -> None:
    soup = Soup(seed)
    bodies: list[tuple[str, str, Node]] = []
    while len(bodies) < 800:
        html, base = soup.body(), soup.address()
        try:
            bodies.append((html, base, tree(html)))
        except ParseError:  # refused; so there is nothing to compare
            continue
    addresses = [(soup.address(), soup.address(), bool(n % 2)) for n in range(800)]
    texts = [soup.text() for _ in range(400)]
    said = ask(
        [
            *({"ask": "project", "tree": t, "base": base} for _, base, t in bodies),
            *({"ask": "resolve", "url": u, "base": b, "shown": s} for u, b, s in addresses),
            *({"ask": "plain", "text": text} for text in texts),
        ]
    )
    answers = iter(said)
    for html, base, _ in bodies:
        found = project(html, base)
        assert next(answers) == {
            "paragraphs": list(found.paragraphs),
            "links": [list(link) for link in found.links],
            "media": [list(medium) for medium in found.media],
        }, (html, base)
    for url, base, shown in addresses:
        assert next(answers) == resolve(url, base, shown=shown), (url, base, shown)
    for text in texts:
        assert next(answers) == plain(text), text


@pytest.mark.parametrize("seed", range(3))
def test_what_is_never_written_is_found_by_both(seed: int) -> None:
    soup, chance = Soup(seed), Random(seed)
    bodies: list[tuple[str, Node]] = []
    while len(bodies) < 900:
        # As it comes, as we would publish it, and with one thing put into that.
        html = soup.body()
        try:
            if len(bodies) % 3:
                html = clean(html, "https://a.example/")
            if len(bodies) % 3 == 2:
                at = chance.choice([0, *(m.end() for m in re.finditer(">", html))])
                html = html[:at] + soup.body() + html[at:]
            bodies.append((html, tree(html)))
        except ParseError:  # refused; so there is nothing to compare
            continue
    said = ask([{"ask": "form", "tree": t} for _, t in bodies])
    wrong = [bool(body_fault(html)) for html, _ in bodies]
    for (html, _), fault, found in zip(bodies, wrong, said, strict=True):
        assert (found is not None) == fault, html
    assert 200 < sum(wrong) < 700


STATEMENTS = json.loads((VECTORS / "statements.json").read_text("utf-8"))
LOG = json.loads((VECTORS / "log.json").read_text("utf-8"))
RESTORES = json.loads((VECTORS / "restores.json").read_text("utf-8"))

UNNAMED = {"custody": "not checked"}
"""What is expected where no statement of an agency is named, and vectors leave out."""


def _refused(said: Any) -> bool:
    return isinstance(said, dict) and "refused" in said


def _story(token: str | None) -> str | None:
    """The story whose chain a statement asks for."""
    try:
        return str(payload_of(token or "")["story"])
    except (IndexError, KeyError, ValueError):
        return None


def test_canonical_json() -> None:
    vectors = STATEMENTS["canonical"]
    for vector, found in zip(
        vectors, ask([{"ask": "canonical", **v} for v in vectors]), strict=True
    ):
        if vector["canonical"] is not None:
            assert found == vector["canonical"]
        else:
            assert _refused(found), vector


def test_key_sets() -> None:
    vectors = STATEMENTS["jwks"]
    now = datetime.fromisoformat(STATEMENTS["now"]).timestamp() * 1000
    samples = {
        name: {**sample, "body": tree(sample["body"])}
        for name, sample in STATEMENTS["samples"].items()
    }
    said = ask(
        [
            {"ask": "check", "entry": samples[v["sample"]], "jwks": v["document"], "now": now}
            for v in vectors
        ]
    )
    for vector, found in zip(vectors, said, strict=True):
        if vector["expected"] is None:
            assert _refused(found), vector["name"]
        else:
            told = {n: c["state"] for n, c in found["checks"].items() if c["state"] != "ok"}
            assert told == {**vector["expected"]["checks"], **UNNAMED}, vector["name"]
            assert found["verdict"] == vector["expected"]["verdict"], vector["name"]


def test_tokens() -> None:
    vectors = STATEMENTS["tokens"]
    said = ask([{"ask": "token", "token": v["token"]} for v in vectors])
    for vector, found in zip(vectors, said, strict=True):
        if vector["ok"]:
            assert found == vector["payload"], vector["name"]
        else:
            assert _refused(found), vector["name"]


def _entries() -> tuple[list[dict[str, Any]], list[tuple[str, dict[str, str]]]]:
    """What to ask of each entry of the vectors, and its name with the checks that are not ok."""
    questions: list[dict[str, Any]] = []
    expected: list[tuple[str, dict[str, str]]] = []
    now = datetime.fromisoformat(STATEMENTS["now"]).timestamp() * 1000
    for vector in STATEMENTS["entries"]:
        chains = STATEMENTS["chain_sets"].get(vector.get("chains"), {})
        jwks = json.dumps(STATEMENTS["keys"][vector["keys"]])
        for other, outcome in zip(vector["entries"], vector["expected"], strict=True):
            sample = STATEMENTS["samples"][other["sample"]]
            entry = {**sample, **other}
            story = _story(entry["statement"]) or _story(sample["statement"])
            entry["body"] = tree(entry["body"] or "")
            questions.append({"entry": entry, "jwks": jwks, "chain": chains.get(story), "now": now})
            named = {**UNNAMED, **outcome["checks"]}
            seen = {n: state for n, state in named.items() if n not in UNSEEN}
            expected.append((vector["name"], seen))
    assert len(expected) > 100
    return questions, expected


def _verdict(checks: dict[str, str]) -> str:
    if "failed" in checks.values():
        return "failed"
    return "unsigned" if checks.get("statement") == "not checked" else "verified"


def test_entries() -> None:
    questions, expected = _entries()
    said = ask([{"ask": "check", **question} for question in questions])
    for (name, checks), found in zip(expected, said, strict=True):
        told = {n: c["state"] for n, c in found["checks"].items() if c["state"] != "ok"}
        assert told == checks, name
        assert found["verdict"] == _verdict(checks), name


def test_every_outcome_is_told_in_words() -> None:
    questions, expected = _entries()
    tones = {"verified": "same", "failed": "other", "unsigned": "open"}
    marks = {"failed": "differs", "not checked": "open"}
    said = ask([{"ask": "tell", **question} for question in questions])
    for (name, checks), found in zip(expected, said, strict=True):
        assert found["tone"] == tones[_verdict(checks)], name
        shown = {row["mark"] for row in found["rows"]} - {"same"}
        # Of what is not named there is no row.
        assert shown == {marks[s] for n, s in checks.items() if n not in UNNAMED}, name
        for text in (found["sentence"], *(row["said"] for row in found["rows"])):
            assert text, name
            assert not re.search("undefined|null|NaN|object", text), (name, text)


def test_a_receipt_that_was_logged_late_or_ahead_of_time_is_told() -> None:
    questions, expected = _entries()
    late = "; received 2 January 2019, 10:00 UTC, by its word; in the log only since"
    ahead = (
        "; logged 22 November 2026, 13:16 UTC, a time that had not come when this was issued, 22"
    )
    told = {}
    said = ask([{"ask": "tell", **question} for question in questions])
    for (name, _), found in zip(expected, said, strict=True):
        for row in found["rows"]:
            if row["name"] == "Receipt" and "by its word" in row["said"]:
                told[name] = row["said"]
    assert late in told["stated: received long before it was logged"]
    assert ahead in told["stated: logged long after it was issued"]
    each = {
        "stated: received long before it was logged",
        "stated: issued before it was received",
        "stated: logged long after it was issued",
        "stated: logged at the end of time",
        "stated: logged and issued at the end of time",
    }
    assert {name.removeprefix("of before: ") for name in told} == each
    assert len(told) == 2 * len(each)


def test_chains() -> None:
    vectors = STATEMENTS["chains"]
    said = ask(
        [
            {"ask": "chain", "chain": v["chain"], "jwks": json.dumps(STATEMENTS["keys"][v["keys"]])}
            for v in vectors
        ]
    )
    assert [not _refused(found) for found in said] == [v["ok"] for v in vectors]


def test_custody() -> None:
    vectors = json.loads((VECTORS / "custody.json").read_text("utf-8"))["vectors"]
    said = ask(
        [
            {
                "ask": "custody",
                "token": v["statement"],
                "document": v["document"],
                "agencies": v["sites"],
                "own": v.get("own"),
            }
            for v in vectors
        ]
    )
    for vector, found in zip(vectors, said, strict=True):
        # It asks for keys alone, not for the agency's own chain.
        state = vector.get("unvouched", [*vector["hops"], "not checked"][0])
        host = "agency.example" if len(vector["hops"]) < 2 else "partner.example"
        site = vector.get("site", host)
        expected = site if state == "ok" else state
        assert ("failed" if _refused(found) else found) == expected, vector["name"]


def test_withdrawals() -> None:
    vectors = json.loads((VECTORS / "withdrawals.json").read_text("utf-8"))
    jwks = json.dumps(vectors["keys"])
    chains = vectors["chains"]
    said = ask([{"ask": "token", "token": v["token"]} for v in vectors["tokens"]])
    assert [not _refused(found) for found in said] == [v["ok"] for v in vectors["tokens"]]
    for listed, good in ((chains, True), (vectors["refused_chains"], False)):
        said = ask([{"ask": "chain", "chain": each, "jwks": jwks} for each in listed.values()])
        assert {not _refused(found) for found in said} == {good}
    now = datetime.fromisoformat(vectors["now"]).timestamp() * 1000
    asked = [
        {
            "entry": {**v["entry"], "body": tree(v["entry"]["body"])},
            "jwks": jwks,
            "chain": chains.get(v["chain"]),
            "now": now,
        }
        for v in vectors["notices"]
    ]
    said = ask([{"ask": "check", **each} for each in asked])
    for vector, found in zip(vectors["notices"], said, strict=True):
        assert found["verdict"] == vector["verdict"], vector["name"]
        states = {name: check["state"] for name, check in found["checks"].items()}
        expected = {name: vector["checks"].get(name, states[name]) for name in states}
        assert states == expected, vector["name"]


def test_log_keys() -> None:
    vectors = LOG["log_keys"]
    said = ask([{"ask": "logKey", "vkey": v["vkey"]} for v in vectors])
    assert [found is not None for found in said] == [v["ok"] for v in vectors]


def test_logs_that_follow_others() -> None:
    sets, proofs = RESTORES["key_sets"], RESTORES["receipts"]
    keys = json.dumps(RESTORES["keys"])
    said = ask(
        [
            *({"ask": "logs", "jwks": v["document"]} for v in sets),
            *({"ask": "receipt", "jwks": keys, **v} for v in proofs),
        ]
    )
    for vector, found in zip(sets, said[: len(sets)], strict=True):
        if vector["logs"] is None:
            assert set(found) == {"refused"}, vector["name"]
        else:
            assert found == vector["logs"], vector["name"]
    for vector, found in zip(proofs, said[len(sets) :], strict=True):
        assert ("refused" not in found) == vector["ok"], vector["name"]


def test_leaves_and_inclusion() -> None:
    leaves, proofs = LOG["leaves"], LOG["inclusion"]
    said = ask(
        [*({"ask": "leaf", **v} for v in leaves), *({"ask": "inclusion", **v} for v in proofs)]
    )
    assert said[: len(leaves)] == [v["hash"] for v in leaves]
    for vector, found in zip(proofs, said[len(leaves) :], strict=True):
        assert (found == vector["root"]) == vector["ok"], vector


def test_checkpoints() -> None:
    vectors = LOG["checkpoints"]
    said = ask(
        [{"ask": "checkpoint", "note": v["note"], "vkey": LOG["wirecopy_log"]} for v in vectors]
    )
    for vector, found in zip(vectors, said, strict=True):
        if vector["ok"]:
            assert found == {"size": vector["size"], "root": vector["root"]}, vector["name"]
        else:
            assert _refused(found), vector["name"]


def test_proofs_of_many_leaves() -> None:
    vectors = LOG["proofs"]
    said = ask([{"ask": "proof", "text": v["text"], "vkey": LOG["wirecopy_log"]} for v in vectors])
    for vector, found in zip(vectors, said, strict=True):
        if vector["ok"]:
            assert found == {"size": vector["size"], "leaves": vector["leaves"]}, vector["name"]
        else:
            assert _refused(found), vector["name"]


def test_receipts() -> None:
    vectors = LOG["receipts"]
    said = ask([{"ask": "receipt", **v, "vkey": LOG["wirecopy_log"]} for v in vectors])
    for vector, found in zip(vectors, said, strict=True):
        assert _refused(found) != vector["ok"], vector["name"]


def test_both_verifiers_say_the_same_of_feeds_that_were_altered() -> None:
    found = [judged(SEED, number, also_asked=True) for number in range(240)]
    assert [(each.number, fault) for each, fault in disagreements(found)] == []
    assert len({name for each in found for name in each.failed}) > 8
