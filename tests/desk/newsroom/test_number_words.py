"""The words for numbers are those of the libraries from which they were written down."""

import json
from importlib.util import find_spec

import pytest

from tests import number_words


@pytest.mark.slow
@pytest.mark.skipif(
    not (find_spec("unicode_rbnf") and find_spec("indic_numtowords")),
    reason="of `make test`, which installs what they are made from",
)
def test_they_are_as_the_libraries_spell_them() -> None:
    assert number_words.FILE.read_bytes() == number_words.written()


def test_no_word_of_a_language_is_two_numbers_below_a_hundred() -> None:
    for language, spelt in json.loads(number_words.FILE.read_bytes()).items():
        every = [form for forms in spelt["cardinals"].values() for form in forms]
        twice = {form for form in every if every.count(form) > 1}
        assert not twice, language
