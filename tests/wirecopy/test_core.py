"""docs/verify-core.md: the verifier on one page does what the page says, and says no more."""

import json
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from tests.signed import Issuer, samples
from tests.signing import jwks
from tests.wirecopy.forgeries import FORGERIES
from tests.wirecopy.mutations import (
    FORM,
    Mutation,
    body_word,
    disclosure_doubled,
    feedparser_feedgen,
    headline_other,
    paragraph_added,
    statement_moved,
)

PAGE = Path(__file__).parents[2] / "docs" / "verify-core.md"
(CODE,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
TEXT = json.loads((Path(__file__).parents[1] / "vectors" / "text.json").read_text("utf-8"))
EDITED = "body unedited, headline edited"
AS_RECEIVED = "body unedited, headline unedited"

Say = Callable[[bytes, dict[str, Any]], list[str]]


def core(feed: bytes, keys: dict[str, Any], folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Runs the code of the page: what it says of each entry of a feed, and its functions."""
    paths = [folder / name for name in ("feed.rss", "jwks.json")]
    paths[0].write_bytes(feed)
    paths[1].write_text(json.dumps(keys), encoding="utf-8")
    names: dict[str, Any] = {}
    out = StringIO()
    with patch.object(sys, "argv", ["core.py", *map(str, paths)]), redirect_stdout(out):
        exec(compile(CODE, str(PAGE), "exec"), names)
    return re.findall(r"^(.*) \| ", out.getvalue(), re.M), names


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """What the code of the page says of a feed, entry by entry."""
    return lambda feed, keys: core(feed, keys, tmp_path)[0]


def made() -> tuple[bytes, dict[str, Any]]:
    issuer = Issuer()
    feed = issuer.feed([issuer.sign(story) for story in samples()], "rss")
    return feed, jwks(issuer.signer, log=issuer.log)


def test_it_is_about_a_hundred_lines() -> None:
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 110


def test_it_says_what_was_edited_and_no_more(say: Say) -> None:
    assert say(*made()) == [EDITED, EDITED, AS_RECEIVED]
    assert "verified" not in CODE


@pytest.mark.parametrize("mutation", [m for m in FORM if m is not feedparser_feedgen])
def test_what_happens_on_the_way_changes_nothing(say: Say, mutation: Mutation) -> None:
    feed, keys = made()
    changed = mutation(feed, Random(1))
    if changed is None:
        pytest.skip("there is nothing to change")
    assert set(say(changed, keys)) == {EDITED, AS_RECEIVED}


@pytest.mark.parametrize(
    "mutation",
    [body_word, paragraph_added, headline_other, disclosure_doubled, statement_moved, *FORGERIES],
)
def test_what_is_done_to_its_core_is_found(say: Say, mutation: Mutation) -> None:
    feed, keys = made()
    for n in range(4):
        changed = mutation(feed, Random(n))
        assert changed is not None
        assert len([said for said in say(changed, keys) if said.startswith("not good: ")]) == 1


def test_a_key_that_is_not_good_is_found(say: Say) -> None:
    feed, keys = made()
    (key,) = keys["keys"]
    change: dict[str, Any]
    for change in (
        {"revoked": {}},
        {"exp": key["nbf"]},
        {"nbf": 2_000_000_000},
        {"d": "x"},
        {"kid": "x"},
    ):
        said = say(feed, {"keys": [{**key, **change}]})
        assert all(each.startswith("not good: its key") for each in said), change
    assert say(feed, {"keys": [key, key]})[0] == "not good: its key is not good"


def test_its_paragraphs_are_those_of_the_vectors(tmp_path: Path) -> None:
    paragraphs = core(*made(), tmp_path)[1]["paragraphs"]
    for vector in TEXT["vectors"]:
        if not vector.get("disclosure") and not re.search(r"[\ud800-\udfff]", vector["html"]):
            assert paragraphs(vector["html"]) == vector["paragraphs"], vector["name"]
