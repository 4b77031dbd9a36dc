"""The words for edit scopes: every scope has its own, and only known holes."""

import re
import tomllib
from pathlib import Path

import stories
from stories.labels import EXCEPTED, LABELS
from wirecopy.scope import SCOPES

FILE = Path(stories.__file__).with_name("scopes.toml")


def test_every_scope_stands_there_in_its_order_and_no_other() -> None:
    assert list(tomllib.loads(FILE.read_text(encoding="utf-8"))) == list(SCOPES) == list(LABELS)


def test_no_two_scopes_are_told_alike() -> None:
    for name in ("label", "sentence", "meaning", "verdict"):
        words = [getattr(label, name) for label in LABELS.values()]
        assert len({*words}) == len(SCOPES)
        assert all(words)


def test_only_known_holes() -> None:
    for scope, label in LABELS.items():
        assert set(re.findall("[{][^}]*[}]", label.sentence)) <= {"{agency}", "{parts}"}
        named = {"{parts}"} if scope in EXCEPTED else set()
        found = set(re.findall("[{][^}]*[}]", label.disclosure))
        assert named <= found <= named | {"{staff}"}, "what differs is named where something does"
        assert "{" not in label.label + label.meaning + label.verdict
