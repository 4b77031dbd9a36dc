"""Every fault of ``tests/mutants.py`` still has its place in the code, and its tests."""

import pytest

from tests.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_can_be_put_in(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.changed(text) != text
    assert all((ROOT / name).exists() for name in mutant.tests)
