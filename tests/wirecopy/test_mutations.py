"""Every mutation of meaning is found, no mutation of form is: over published feeds, from a seed.

``make mutants`` judges thousands more: :mod:`tests.wirecopy.trial`.
"""

import sys
from random import Random

import pytest

from publish.formats import Format
from tests.signed import FORMATS
from tests.wirecopy.forgeries import FORGERIES
from tests.wirecopy.mutations import FORM, MEANING, Mutation
from tests.wirecopy.trial import CLASSES, SEED, judged, name_of, published, shown_good, trial
from wirecopy import Check

EACH = 25
"""Mutants of each class; ``make test-all`` judges more."""


@pytest.mark.parametrize("kind", CLASSES)
def test_no_mutant_is_judged_wrongly(kind: str) -> None:
    first = list(CLASSES).index(kind)
    found = [judged(SEED, first + n * len(CLASSES)) for n in range(EACH)]
    assert [(each.number, each.how, each.fault) for each in found if each.fault] == []


@pytest.mark.slow
def test_a_thousand_mutants_are_judged_alike_by_both_verifiers() -> None:
    found, wrong = trial(1_000, SEED + 1)
    assert [(each.number, each.how, fault) for each, fault in wrong] == []
    assert sum(len(each.questions) for each in found) > 100


@pytest.mark.parametrize(
    ("kind", "module", "name", "away"),
    [
        ("markup", "verify", "body_fault", lambda html: ""),
        ("custody", "custody", "unlike", lambda theirs, received, credit: ""),
        ("custody", "custody", "_check_signature", lambda *_: None),
        ("restores", "consistency", "_check_vouchers", lambda *_: None),
        ("restores", "consistency", "_check_beginning", lambda *_, new: None),
        ("notices", "verify", "_equal", lambda name, *_: Check(name, "ok")),
    ],
)
def test_a_verifier_that_looks_away_is_found_out(
    kind: str, module: str, name: str, away: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By its name alone it may be the function of that name.
    monkeypatch.setattr(sys.modules[f"wirecopy.{module}"], name, away)
    first = list(CLASSES).index(kind)
    found = [judged(SEED, first + n * len(CLASSES)) for n in range(EACH)]
    assert [each for each in found if each.fault]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "mutation", list(dict.fromkeys([*FORM, *MEANING, *FORGERIES])), ids=name_of
)
def test_each_mutation_by_itself(mutation: Mutation, form: Format) -> None:
    feeds = published()[0]
    tried = 0
    for n in range(4):  # of each form two, of each bare form two
        data = mutation(feeds[form if n % 2 else f"{form} bare"], Random(f"{SEED} {n}"))
        if data is None:
            continue
        tried += 1
        assert shown_good(data) == (mutation in FORM), n
    name = name_of(mutation)
    assert (
        tried
        or (form == "json") != name.startswith("json_")
        or name in ("term_other", "permalink", "type_changed")
    )
