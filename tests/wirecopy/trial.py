"""Published feeds mutated at random, and what both verifiers say of each mutant.

    python -m tests.wirecopy.trial [--count N] [--seed SEED] [--only NUMBER]

Of each class of mutants is known what may come out. ``form`` has to be verified; ``meaning`` and
``statement`` must not be. ``elements``, ``members`` and ``markup`` are changed without a plan, and
may be verified where lenient readers show of each entry what they showed before. A ``chain`` may be
read where it names the same statements; by a harmed ``proof`` not all receipts are proved.
``custody`` is ok only by the untouched statement of the site that is told, of the copy received;
after other ``restores`` a memory of the log before does not believe the one that follows;
``notices`` that a story was withdrawn are verified as they were signed, while it is so. Every
tenth mutant is given to the JavaScript verifier, too, which has to say the same of every check.
Prints mutants by class and verdict; exit code 1 when one is judged wrongly. A run is the same each
time for a seed; ``--only`` prints one mutant of it.
"""

import argparse
import json
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any

from publish.formats import Format
from stories.errors import ParseError
from stories.models import Story
from tests import signing
from tests.publish.node import ask
from tests.publish.samples import story, version
from tests.publish.tree import tree
from tests.signed import FORMATS, ISSUED, Issuer, samples
from tests.wirecopy import evidence, forgeries, mutations, readers, structure, withdrawn
from tests.wirecopy.forgeries import FORGERIES
from tests.wirecopy.mutations import FORM, MEANING, Mutation, feedparser_by_hand, feedparser_feedgen
from wirecopy import Entry, Evidence, Keys, Refused, Report, read_keys, verify_entries
from wirecopy.chain import read_chain
from wirecopy.feed import read_feed

SEED = 20261122
NOW = ISSUED + timedelta(hours=1)
UNSEEN = {"entry", "continuity"}
"""Checks of whole feeds and of a memory, which the JavaScript verifier does not make."""

AGAIN = 10
"""Of so many mutants one is given to the JavaScript verifier."""

Make = Callable[[bytes, Random], tuple[bytes, str]]
"""Makes a mutant, and says what was done."""

# What feedparser's cleaning takes out again is no harm done.
_LATER = tuple(each for each in FORM if each not in (feedparser_by_hand, feedparser_feedgen))


@dataclass(frozen=True)
class Judged:
    """One mutant: its class, what was done to it, and what was said of it."""

    number: int
    kind: str
    how: str
    verdict: str
    failed: tuple[str, ...] = ()
    """The checks that failed."""
    fault: str = ""
    """What is wrong with the verdict, if anything is."""
    questions: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, str]] = field(default_factory=list)


# What is mutated


@cache
def published() -> tuple[dict[str, bytes], dict[str, Any], dict[str, bytes]]:
    """Feeds of a few stories in every format, the key set, and the stories' chains.

    Of each format there is one *bare*, without captions, which do not survive feedparser.
    """
    issuer = Issuer()
    stories = [*samples(), story(version(agency_id="PTI9", body=_RICH, media=()), desk="All there")]
    issuer.sign(stories[0])
    feeds: dict[str, bytes] = {}
    for name, shown in (("", stories), (" bare", list(map(_without_captions, stories)))):
        entries = [issuer.sign(each) for each in shown]
        feeds |= {f"{form}{name}": issuer.feed(entries, form) for form in FORMATS}
    chains = {each.guid: issuer.chain(each) for each in stories}
    return feeds, signing.jwks(issuer.signer, log=issuer.log), chains


def _without_captions(of: Story) -> Story:
    silent = {"caption": None, "credit": None}
    media = tuple(each.model_copy(update=silent) for each in of.version.media)
    return of.model_copy(update={"version": of.version.model_copy(update={"media": media})})


_RICH = (
    '<h2>Rates</h2><p dir="ltr">Of <bdi>33</bdi> members, <small>10</small> <del>agreed</del>'
    " H<sub>2</sub>O <q>in part</q>.</p><table><caption>By state</caption><thead><tr><th>State</th>"
    '<th colspan="2">Rate</th></tr></thead><tbody><tr><td rowspan="2">Goa</td><td>1</td><td>2</td>'
    '</tr><tr><td>3</td><td>4</td></tr></tbody></table><ol start="3"><li>one<ul><li>two</li></ul>'
    '</li></ol><dl><dt>cess</dt><dd>a tax</dd></dl><figure><img src="https://img.example/1.jpg"'
    ' alt="A map" width="640" height="480"><figcaption>A map'
    '</figcaption></figure><video src="https://img.example/v.mp4" poster="https://img.example/v.jpg"'
    ' controls></video><ruby>漢<rt>kan</rt></ruby><pre>a\n b</pre><blockquote cite="https://x.example/">'
    '<p>Well <a href="mailto:x@x.example">said</a>.<br>Twice.</p></blockquote><hr><p>End.</p>'
)


@cache
def _keys() -> Keys:
    return read_keys(signing.canonical(published()[1]))


def _jwks() -> str:
    return json.dumps(published()[1])


@cache
def _shown(name: str) -> set[readers.Entry]:
    return readers.shown(published()[0][name])


# Judging


def changed(
    data: bytes, kinds: tuple[Mutation, ...], times: int, random: Random
) -> tuple[bytes, str]:
    """*data* after *times* mutations of those *kinds* that find something to change, and which."""
    done: list[str] = []
    while len(done) < times:
        mutation = random.choice(kinds)
        new = mutation(data, random)
        if new is not None:
            data = new
            done.append(name_of(mutation))
    return data, ", ".join(done)


def name_of(mutation: Mutation) -> str:
    """What a mutation is called."""
    named = {**vars(mutations), **vars(forgeries)}
    return next(name for name, each in named.items() if each is mutation)


def _form(data: bytes, random: Random) -> tuple[bytes, str]:
    return changed(data, FORM, random.randint(1, 4), random)


def _amid_form(kinds: tuple[Mutation, ...]) -> Make:
    """One mutation of those *kinds*, on a feed that has been on its way, and still is."""

    def make(data: bytes, random: Random) -> tuple[bytes, str]:
        data, before = changed(data, FORM, random.randint(0, 2), random)
        data, how = changed(data, kinds, 1, random)
        data, after = changed(data, _LATER, random.randint(0, 2), random)
        return data, f"{how} (before: {before or 'nothing'}; after: {after or 'nothing'})"

    return make


def _unplanned(mutation: Mutation) -> Make:
    def make(data: bytes, random: Random) -> tuple[bytes, str]:
        while (found := mutation(data, random)) is None or found == data:
            pass
        return found, name

    name = mutation.__name__
    return make


CHAIN, REFUSED = "chain", "refused"
CLASSES: dict[str, tuple[Make, tuple[Format, ...]]] = {
    "form": (_form, FORMATS),
    "meaning": (_amid_form(MEANING), FORMATS),
    "statement": (_amid_form(FORGERIES), FORMATS),
    "elements": (_unplanned(structure.elements), ("rss", "atom")),
    "members": (_unplanned(structure.members), ("json",)),
    "markup": (_unplanned(structure.markup), FORMATS),
    "proof": (_unplanned(forgeries.proof), FORMATS),
    CHAIN: (_unplanned(structure.json_document), ()),
    "custody": (evidence.custody, ()),
    "restores": (evidence.restores, ()),
    "notices": (withdrawn.notices, ()),
}
"""Of each class of mutants how they are made, and of feeds in which formats."""

BESIDE: dict[str, tuple[Callable[[], dict[str, bytes]], Callable[..., evidence.Found]]] = {
    "custody": (evidence.ways, evidence.judged_custody),
    "restores": (evidence.logs, evidence.judged_restores),
    "notices": (withdrawn.feeds, withdrawn.judged),
}
"""Of classes that are not of feeds of what they are made, and how they are judged."""


def mutant(seed: int, number: int) -> tuple[str, str, bytes, str]:
    """A mutant: its class, of what it is made (a format, a guid, a vector), its bytes, and how."""
    random = Random(f"{seed} {number}")
    kind = list(CLASSES)[number % len(CLASSES)]
    make, formats = CLASSES[kind]
    feeds, _, chains = published()
    sources = {name: feed for name, feed in feeds.items() if name.split()[0] in formats}
    sources = sources or (BESIDE[kind][0]() if kind in BESIDE else chains)
    source = random.choice(list(sources))
    return kind, source, *make(sources[source], random)


def judged(seed: int, number: int, *, also_asked: bool = False) -> Judged:
    """A mutant and what is said of it; *also_asked* what to ask the JavaScript verifier."""
    kind, source, data, how = mutant(seed, number)
    if kind == CHAIN:
        return _judged_chain(number, source, data, also_asked=also_asked)
    if kind in BESIDE:
        verdict, fault, asked, expected = BESIDE[kind][1](data, source)
        both = ([asked], [expected]) if also_asked and asked else ([], [])
        return Judged(number, kind, f"{how} of {source}", verdict, (), fault, *both)
    label = f"{kind} {source.split()[0]}"
    try:
        entries = read_feed(data)
    except Refused as error:
        return Judged(number, label, how, "refused", fault=str(error) if kind == "form" else "")
    report = _report(entries)
    verdicts = {entry.verdict for entry in report.entries}
    verdict = next((v for v in ("failed", "unsigned") if v in verdicts), "verified")
    failures = [(c.name, c.reason) for entry in report.entries for c in entry.failures]
    fault = ""
    if kind == "form":
        whole = report.ok and len(entries) >= len(published()[2])
        fault = "" if whole else f"form is {verdict}: {failures}"
    elif report.ok and kind in ("meaning", "statement"):
        fault = "it is verified"
    elif kind == "proof":
        fault = _proof_fault(report)
    elif report.ok and (others := readers.new(readers.shown(data), _shown(source))):
        fault = f"it is verified, but readers show {str(others)[:2000]}"
    questions, states = _questions(entries) if also_asked else ([], [])
    names = tuple(sorted({name for name, _ in failures}))
    return Judged(number, label, how, verdict, names, fault, questions, states)


def shown_good(data: bytes) -> bool:
    """Whether a verifier takes every entry of *data* for verified."""
    try:
        return _report(read_feed(data)).ok
    except Refused:
        return False


def _proof_fault(report: Report) -> str:
    found = [{check.name: check.state for check in entry.checks} for entry in report.entries]
    if all(states["receipt"] == "ok" for states in found):
        return "all receipts are proved"
    odd = [states for states in found if "failed" in {**states, "receipt": ""}.values()]
    return f"it harms other checks: {odd}" if odd else ""


def _report(entries: Sequence[Entry]) -> Report:
    return verify_entries(entries, _keys(), Evidence(now=NOW))


def _judged_chain(number: int, guid: str, data: bytes, *, also_asked: bool) -> Judged:
    there = read_chain(published()[2][guid], _keys())
    verdict, fault, read = "refused", "", REFUSED
    with suppress(Refused):
        found = read_chain(data, _keys())
        verdict, read = "verified", str(len(found.digests))
        # A chain that lacks its last statements is an older one.
        if found.guid != there.guid or there.digests[: len(found.digests)] != found.digests:
            fault = f"another chain is read: {data.decode()[:2000]}"
    asked = {"ask": "chain", "chain": {"base64": b64encode(data).decode()}, "jwks": _jwks()}
    questions, states = ([asked], [{"chain": read}]) if also_asked else ([], [])
    return Judged(number, CHAIN, guid, verdict, (), fault, questions, states)


def _questions(entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """What to ask of each entry, and what our own verifier says of it alone."""
    questions: list[dict[str, Any]] = []
    states: list[dict[str, str]] = []
    now = NOW.timestamp() * 1000
    for entry in entries:
        try:
            neutral = {**asdict(entry), "body": tree(entry.body)}
        except ParseError:  # its tree is refused
            continue
        questions.append({"ask": "check", "entry": neutral, "jwks": _jwks(), "now": now})
        (result,) = _report([entry]).entries
        states.append({c.name: c.state for c in result.checks if c.name not in UNSEEN})
    return questions, states


def _states(asked: str, said: Any) -> dict[str, str]:
    """What the JavaScript verifier answered, check by check."""
    if isinstance(said, dict) and "checks" in said:
        return {name: check["state"] for name, check in said["checks"].items()}
    if asked == "custody":
        return {asked: said if isinstance(said, str) else "failed"}
    if asked == "logs":
        return {asked: json.dumps(said) if isinstance(said, list) else REFUSED}
    return {"chain": str(said) if isinstance(said, int) else REFUSED}


def disagreements(judged: Sequence[Judged]) -> list[tuple[Judged, str]]:
    """The mutants of which the JavaScript verifier says something else, and what."""
    found: dict[int, tuple[Judged, str]] = {}
    said = iter(ask([question for each in judged for question in each.questions]))
    for each in judged:
        for question, here in zip(each.questions, each.states, strict=True):
            there = _states(question["ask"], next(said))
            odd = {n: (here.get(n), there.get(n)) for n in {*here, *there}}
            odd = {name: pair for name, pair in odd.items() if pair[0] != pair[1]}
            if odd:
                found.setdefault(each.number, (each, f"Python and JavaScript differ: {odd}"))
    return list(found.values())


# A trial


def trial(count: int, seed: int) -> tuple[list[Judged], list[tuple[Judged, str]]]:
    """*count* mutants, judged by both verifiers, and those that are judged wrongly, and why."""
    asked = [number // len(CLASSES) % AGAIN == 0 for number in range(count)]
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(_judged, [seed] * count, range(count), asked, chunksize=25))
    wrong = [(each, each.fault) for each in found if each.fault]
    again = [each for each in found if each.questions]
    for at in range(0, len(again), 100):
        wrong += disagreements(again[at : at + 100])
    return found, wrong


def _judged(seed: int, number: int, also_asked: bool) -> Judged:
    try:
        return judged(seed, number, also_asked=also_asked)
    except Exception as error:
        error.add_note(f"seed {seed}, number {number}")
        raise


def table(found: Sequence[Judged]) -> str:
    """Mutants by class and verdict, and how often each check failed."""
    verdicts = ("verified", "failed", "unsigned", "refused")
    told = Counter((each.kind, each.verdict) for each in found)
    lines = [f"{'class':<16}" + "".join(f"{each:>10}" for each in ("mutants", *verdicts))]
    for kind in sorted({each.kind for each in found}):
        counts = [told[kind, verdict] for verdict in verdicts]
        lines.append(f"{kind:<16}" + "".join(f"{n:>10}" for n in (sum(counts), *counts)))
    failed = Counter(name for each in found for name in each.failed)
    lines.append("failed: " + ", ".join(f"{name} {n}" for name, n in failed.most_common()))
    entries = sum(len(each.states) for each in found)
    lines.append(f"in JavaScript, too: {sum(bool(e.states) for e in found)} ({entries} entries)")
    return "\n".join(lines)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.wirecopy.trial")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", type=int, metavar="NUMBER")
    options = parser.parse_args()
    if options.only is not None:
        sys.stdout.buffer.write(mutant(options.seed, options.only)[2])
        print(f"\n\n{judged(options.seed, options.only)}")
        return 0
    found, wrong = trial(options.count, options.seed)
    print(table(found))
    for each, fault in wrong:
        print(f"\nseed {options.seed}, number {each.number}: {each.kind}: {each.how}: {fault}")
    print(f"judged wrongly: {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
