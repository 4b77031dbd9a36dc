"""Every mutation of meaning is found, no mutation of form is: over published feeds, from a seed.

The run is the same each time; ``WIRECOPY_TEST_SEED`` and ``WIRECOPY_TEST_MUTATIONS`` choose
another, or a longer one.
"""

import os
from functools import cache
from random import Random

import pytest

from publish.formats import Format
from stories.models import Story
from tests.signed import FORMATS, Issuer, samples
from tests.signing import canonical, jwks
from tests.wirecopy import mutations
from tests.wirecopy.mutations import FORM, MEANING, Mutation, feedparser_by_hand, feedparser_feedgen
from wirecopy import Keys, Refused, Report, read_keys, verify

SEED = int(os.environ.get("WIRECOPY_TEST_SEED", "20261122"))
MUTATIONS = int(os.environ.get("WIRECOPY_TEST_MUTATIONS", "120"))
"""Of each kind and format."""


@cache
def published(*, bare: bool = False) -> tuple[dict[Format, bytes], Keys]:
    """Feeds, and their keys; *bare*: without captions."""
    issuer = Issuer()
    entries = [issuer.sign(without_captions(story) if bare else story) for story in samples()]
    feeds = {form: issuer.feed(entries, form) for form in FORMATS}
    return feeds, read_keys(canonical(jwks(issuer.signer, log=issuer.log)))


def without_captions(story: Story) -> Story:
    media = (
        each.model_copy(update={"caption": None, "credit": None}) for each in story.version.media
    )
    return story.model_copy(
        update={"version": story.version.model_copy(update={"media": tuple(media)})}
    )


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
            done.append(next(n for n, f in vars(mutations).items() if f is mutation))
    return data, ", ".join(done)


def failures(report: Report) -> list[str]:
    return [
        f"{entry.guid}: {check.name}: {check.reason}"
        for entry in report.entries
        for check in entry.failures
    ]


def shown(data: bytes, keys: Keys) -> bool:
    """Whether a verifier takes every entry of *data* for verified."""
    try:
        return verify(data, keys).ok
    except Refused:
        return False


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_is_found(form: Format) -> None:
    for n in range(MUTATIONS):
        feeds, keys = published(bare=n % 2 > 0)
        random = Random(f"{SEED} form {form} {n}")
        data, how = changed(feeds[form], FORM, random.randint(1, 4), random)
        report = verify(data, keys)
        assert len(report.entries) >= 3
        assert report.ok, f"seed {SEED}, number {n}: {how}: {failures(report)}"


@pytest.mark.parametrize("form", FORMATS)
def test_every_meaning_is_found(form: Format) -> None:
    # What feedparser's cleaning takes out again is no harm done.
    later = tuple(f for f in FORM if f not in (feedparser_by_hand, feedparser_feedgen))
    for n in range(MUTATIONS):
        feeds, keys = published(bare=n % 2 > 0)
        random = Random(f"{SEED} meaning {form} {n}")
        data, before = changed(feeds[form], FORM, random.randint(0, 2), random)
        data, how = changed(data, MEANING, 1, random)
        data, after = changed(data, later, random.randint(0, 2), random)
        assert not shown(data, keys), f"seed {SEED}, number {n}: {before}; {how}; {after}"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "mutation",
    list(dict.fromkeys([*FORM, *MEANING])),
    ids=lambda m: next(n for n, f in vars(mutations).items() if f is m),
)
def test_each_mutation_by_itself(mutation: Mutation, form: Format) -> None:
    tried = 0
    for n in range(12):
        feeds, keys = published(bare=n % 2 > 0)
        data = mutation(feeds[form], Random(f"{SEED} {n}"))
        if data is None:
            continue
        tried += 1
        assert shown(data, keys) == (mutation in FORM), n
    name = next(n for n, f in vars(mutations).items() if f is mutation)
    assert (
        tried
        or (form == "json") != name.startswith("json_")
        or name in ("term_other", "permalink", "type_changed")
    )
