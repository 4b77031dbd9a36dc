"""Mutants of notices that stories were withdrawn, by who has no key of the publisher's.

Each is a feed with a notice in it, and the chain that its verifier has at hand.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

from publish.entry import Entry, Notice
from tests import signing
from tests.publish.tree import tree
from tests.signed import FORMATS, ISSUED, WITHDRAWN, Issuer, instant, samples
from tests.signing import canonical
from tests.wirecopy import mutations
from tests.wirecopy.forgeries import FORGER
from wirecopy import Evidence, Refused, Report, read_keys, verify_entries
from wirecopy.feed import read_feed
from wirecopy.statement import Link

Row = dict[str, Any]

NOW = ISSUED + timedelta(hours=1)
FORM = (
    mutations.entities,
    mutations.cdata,
    mutations.utf16,
    mutations.ascii_only,
    mutations.pretty,
)
UNSEEN = ("entry", "continuity")
"""Checks that the JavaScript verifier does not make."""


class Published:
    """A story that was published, withdrawn and published again; others that were withdrawn, or
    not."""

    def __init__(self) -> None:
        self.issuer = Issuer()
        first, second, third = samples()
        self.before = self.issuer.sign(first)
        self.notice = self.issuer.withdraw(first)
        self.withdrawn = self.issuer.chain(first)
        later = instant(WITHDRAWN + timedelta(minutes=5))
        self.again = self.issuer.sign(first, issued_at=later)
        self.whole = self.issuer.chain(first)
        self.others = self.issuer.withdraw(second)
        self.standing = self.issuer.sign(third)
        self.jwks = signing.jwks(self.issuer.signer, log=self.issuer.log)


published = cache(Published)


def feeds() -> dict[str, bytes]:
    """The formats in which they are published."""
    return {format: format.encode() for format in FORMATS}


def notices(data: bytes, random: Random) -> tuple[bytes, str]:
    """A mutant of a feed in the format that *data* names."""
    here = published()
    changes = {
        "form": _form,
        "statement removed": _removed,
        "statement of another": _moved,
        "another story": _elsewhere,
        "another time": _at_another_time,
        "other words": _worded,
        "another payload": _rewritten,
        "a forger": _forged,
        "after it was published again": _replayed,
        "the entry of before": _brought_back,
        "the entry beside it": _beside,
    }
    how = random.choice(list(changes))
    shown, chain = changes[how](here, random)
    document = here.issuer.feed(shown, FORMATS[FORMATS.index(data.decode())])
    change = random.choice(FORM)
    document = change(document, random) or document
    row = {
        "feed": b64encode(document).decode(),
        "chain": chain.decode() if chain else None,
        "same": how == "form",
    }
    return json.dumps(row).encode(), how


Changed = tuple[list[Entry | Notice], bytes | None]


def _shown(here: Published, *first: Entry | Notice) -> list[Entry | Notice]:
    return [*first, here.standing]


def _chain(here: Published, random: Random) -> bytes | None:
    return random.choice([None, here.withdrawn])


def _with(here: Published, random: Random, **changes: Any) -> Changed:
    return _shown(here, here.notice.model_copy(update=changes)), _chain(here, random)


def _form(here: Published, random: Random) -> Changed:
    others = [here.others] if random.random() < 0.5 else []
    return _shown(here, here.notice, *others), _chain(here, random)


def _removed(here: Published, random: Random) -> Changed:
    return _with(here, random, statement=None)


def _moved(here: Published, random: Random) -> Changed:
    others: list[Entry | Notice] = [here.before, here.again, here.others, here.standing]
    return _with(here, random, statement=random.choice(others).statement)


def _elsewhere(here: Published, random: Random) -> Changed:
    guid = random.choice([here.others.guid, "urn:x", here.standing.guid])
    shown, chain = _with(here, random, guid=guid)
    return (shown[:1] if random.random() < 0.5 else shown), chain


def _at_another_time(here: Published, random: Random) -> Changed:
    return _with(here, random, at=WITHDRAWN + timedelta(seconds=random.choice([-86400, -1, 1, 60])))


def _worded(here: Published, random: Random) -> Changed:
    wrong = random.choice(["title", "text"])
    shown, chain = _with(here, random, **{wrong: "The minister stole it"})
    # Atom has no words in it, so this is one without a statement there.
    return [shown[0].model_copy(update={"statement": None}), *shown[1:]], chain


def _payload(here: Published, random: Random) -> Row:
    payload = signing.payload_of(here.notice.statement or "")
    changes: list[Row] = [
        {"withdrawn_at": instant(ISSUED)},
        {"issued_at": instant(ISSUED)},
        {"guid": here.standing.guid},
        {"story": "a" * 13},
        {"version": payload["version"] + 1},
        {"previous": signing.short(signing.digest(b"x"))},
        {"scope": "verbatim"},
        {"reason": "x"},
    ]
    return {**payload, **random.choice(changes)}


def _rewritten(here: Published, random: Random) -> Changed:
    said = json.loads(here.notice.statement or "") | {"payload": _payload(here, random)}
    return _with(here, random, statement=canonical(said).decode())


def _forged(here: Published, random: Random) -> Changed:
    payload = random.choice(
        [_payload(here, random), signing.payload_of(here.notice.statement or "")]
    )
    said = json.loads(FORGER.sign(payload))
    key = random.choice([FORGER.kid, here.issuer.signer.kid])
    return _with(here, random, statement=canonical({**said, "key": key}).decode())


def _replayed(here: Published, random: Random) -> Changed:
    return _shown(here, here.notice), here.whole


def _brought_back(here: Published, random: Random) -> Changed:
    return _shown(here, here.before), here.withdrawn


def _beside(here: Published, random: Random) -> Changed:
    both: list[Entry | Notice] = [here.notice, random.choice([here.before, here.again])]
    random.shuffle(both)
    return _shown(here, *both), random.choice([None, here.withdrawn, here.whole])


def judged(data: bytes, _source: str) -> tuple[str, str, Row, dict[str, str]]:
    """What is said of a mutant."""
    row = json.loads(data)
    try:
        entries = read_feed(b64decode(row["feed"]))
    except Refused as error:
        return "refused", str(error), {}, {}
    report = _report(entries, row["chain"])
    verdicts = [entry.verdict for entry in report.entries]
    verdict = next((v for v in ("failed", "unsigned") if v in verdicts), "verified")
    fault = "" if report.ok == row["same"] else f"it is {verdict}: {verdicts}"
    one = next((entry for entry in entries if entry.guid == published().notice.guid), entries[0])
    asked = {
        "ask": "check",
        "entry": {**asdict(one), "body": tree(one.body)},
        "jwks": json.dumps(published().jwks),
        "chain": row["chain"],
        "now": NOW.timestamp() * 1000,
    }
    [alone] = _report([one], row["chain"]).entries
    states: dict[str, str] = {
        check.name: check.state for check in alone.checks if check.name not in UNSEEN
    }
    return verdict, fault, asked, states


def _report(entries: Any, chain: str | None) -> Report:
    def find_chain(statement: Link) -> bytes | None:
        ours = statement.guid == published().notice.guid or len(entries) == 1
        return chain.encode() if chain is not None and ours else None

    keys = read_keys(canonical(published().jwks))
    return verify_entries(entries, keys, Evidence(now=NOW, find_chain=find_chain))
