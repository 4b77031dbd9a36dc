"""The words by which languages count, as two libraries spell them, written down for the desk.

.venv/bin/python -m tests.number_words write

``unicode-rbnf`` has the rules of the Unicode CLDR; of Indian languages, most of which these lack,
``indic-numtowords`` has more ways to spell each. The desk reads what is written down, so neither is
needed where it runs.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

FILE = Path(__file__).parent.parent / "desk" / "newsroom" / "number_words.json"

CLDR = ("ar", "de", "es", "fr", "id", "it", "pt", "ru")
INDIC = ("bn", "gu", "hi", "kn", "ml", "mr", "pa", "ta", "te", "ur")

SMALL = range(100)
LARGE = (150, *range(200, 1000, 100), *range(2000, 10_000, 1000))
"""Of which those are taken that a language writes as one word."""

ORDINALS = range(1, 11)


def spelt() -> dict[str, dict[str, dict[str, list[str]]]]:
    """All forms of each number, by language."""
    return {
        language: {
            "cardinals": _unlike(
                {
                    str(number): _forms(_cardinals(language, number), alone=number not in SMALL)
                    for number in (*SMALL, *LARGE)
                }
            ),
            "ordinals": _unlike(
                {
                    str(number): _forms(_ordinals(language, number), alone=True)
                    for number in ORDINALS
                }
            ),
        }
        for language in sorted((*CLDR, *INDIC))
    }


def _unlike(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is *found*, without a form that is given for two numbers."""
    of = Counter(form for forms in found.values() for form in forms)
    kept = {number: [form for form in forms if of[form] == 1] for number, forms in found.items()}
    return {number: forms for number, forms in kept.items() if forms}


def _forms(found: Iterable[str], *, alone: bool) -> list[str]:
    clean = {" ".join(each.replace("\xad", "").split()) for each in found}
    # A form of some letters is the beginning of another, cut off.
    return sorted(e for e in clean if e and not (alone and (" " in e or len(e) < 3)))


def _cardinals(language: str, number: int) -> Iterable[str]:
    if language in INDIC:
        from indic_numtowords import num2words

        return list(num2words(number, lang=language, variations=True))
    return _by_rule(language, number, "spellout-cardinal")


def _ordinals(language: str, number: int) -> Iterable[str]:
    return _by_rule(language, number, "spellout-ordinal") if language in (*CLDR, "hi") else ()


def _by_rule(language: str, number: int, kind: str) -> list[str]:
    from unicode_rbnf import RbnfEngine

    engine = RbnfEngine.for_language(language)
    sets = [name for name in engine.rulesets if name.startswith(kind) and "with" not in name]
    return [engine.format_number(number, ruleset_names=[name]).text for name in sets]


def written() -> bytes:
    """What the file is to be."""
    text = json.dumps(spelt(), ensure_ascii=False, indent=1, sort_keys=False)
    return text.encode() + b"\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["write"]:
        sys.exit(__doc__)
    FILE.write_bytes(written())
