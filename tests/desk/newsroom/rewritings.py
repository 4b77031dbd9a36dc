"""How often the warnings about a headline are wrong, of rewritings that people judged.

.venv/bin/python -m tests.desk.newsroom.rewritings
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from desk.newsroom.missing import Kind, missing

FILE = Path(__file__).parents[2] / "data" / "rewritings.tsv"


class Rewriting(NamedTuple):
    """A headline of a wire, a ``good`` one that says as much, and a ``bad`` one that has ``lost``
    something; with some of the story's ``text`` or, behind an ``@``, what the agency names."""

    language: str
    lost: Kind
    wire: str
    good: str
    bad: str
    text: str

    def warned(self, draft: str) -> set[Kind]:
        """Of what kinds the warnings are about *draft*."""
        named = self.text.startswith("@")
        found = missing(
            self.wire,
            draft,
            language=self.language,
            paragraphs=() if named or not self.text else (self.text,),
            subjects=(self.text[1:],) if named else (),
        )
        return {each.kind for each in found}


def rewritings() -> Iterator[Rewriting]:
    """All of them."""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield Rewriting(*line.split("\t"))  # type: ignore[arg-type]


def wrong() -> tuple[Counter[tuple[str, str]], list[tuple[str, Rewriting]]]:
    """How many of what there are, by language and kind, and what is warned of in vain (``alarm``)
    or not (``miss``)."""
    counted: Counter[tuple[str, str]] = Counter()
    found = []
    for each in rewritings():
        counted[each.language, each.lost] += 1
        found += [(f"alarm: {kind}", each) for kind in sorted(each.warned(each.good))]
        if each.lost not in each.warned(each.bad):
            found.append((f"miss: {each.lost}", each))
    return counted, found


if __name__ == "__main__":
    counted, found = wrong()
    for what, each in found:
        print(f"{what}\t{each.language}\t{each.wire}\t{each.bad if 'miss' in what else each.good}")
    total = counted.total()
    for kind in ("number", "name", "negation"):
        alarms = sum(what == f"alarm: {kind}" for what, _ in found)
        misses = sum(what == f"miss: {kind}" for what, _ in found)
        lost = sum(n for (_, of), n in counted.items() if of == kind)
        print(f"{kind}: {alarms} false alarms of {total}, {misses} misses of {lost}")
