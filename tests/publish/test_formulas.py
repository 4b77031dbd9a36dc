"""Formulas are published in characters, and say no other number."""

import time
from contextlib import suppress

import pytest

from publish.clean import clean
from wirecopy.html import TangleError

HALF = "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
TEX = '<annotation encoding="application/x-tex">\\frac{1}{2}</annotation>'


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (f"5<math>{HALF}</math> metres", "5 1/2 metres"),
        (f"<b>5</b><math>{HALF}</math><i>6</i>", "<b>5</b> 1/2<i> 6</i>"),
        (f"<math><mn>5</mn>{HALF}{HALF}</math>", "5 1/2 1/2"),
        (f"(<math>{HALF}</math>)", "(1/2)"),
        (f'<math alttext="a > b">{HALF}</math>', "1/2"),
        (f"<math><mfrac>{HALF}<mn>3</mn></mfrac></math>", "(1/2)/3"),
        (
            "<math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac></math>",
            "(a+b)/2",
        ),
        ('<math><mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac></math>', "n k"),
        ("10<math><msup><mrow></mrow><mn>6</mn></msup></math>", "10<sup>6</sup>"),
        ("<MATH><msup><mn>10</mn><mn>6</mn></msup></MATH>", "10<sup>6</sup>"),
        (
            "<math><msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup></math>",
            "x<sub>1</sub><sup>2</sup>",
        ),
        ("<math><msqrt><mn>2</mn></msqrt><mo>&lt;</mo><mn>2</mn></math>", "√2&lt;2"),
        ("<math><mroot><mn>8</mn><mn>3</mn></mroot></math>", "<sup>3</sup>√8"),
        ('<math><mfenced open="["><mn>1</mn><mn>2</mn></mfenced></math>', "[1, 2)"),
        (
            "<mml:math><mml:mfrac><mml:mn>1</mml:mn><mml:mn>2</mml:mn></mml:mfrac></mml:math>",
            "1/2",
        ),
        (f"<math><semantics><mrow>{HALF}</mrow>{TEX}</semantics></math>", "1/2"),
        (
            f"<span><span><math>{HALF}</math></span>"
            '<span class="katex-html" aria-hidden="true"><span>2</span><span>1</span></span>'
            "</span>!",
            "<span><span>1/2</span></span>!",
        ),
        (f"a<math hidden>{HALF}</math>b", "ab"),
        (f'a<math style="display:none">{HALF}</math>b', "ab"),
        (f"a<math>{HALF}", "a12"),
        ("maths <b>math</b>", "maths <b>math</b>"),
    ],
)
def test_a_formula_says_no_other_number(formula: str, said: str) -> None:
    assert clean(formula, None) == said


def test_many_formulas_take_time_that_grows_with_them() -> None:
    for piece in (
        "<math><mn>1</mn></math><br aria-hidden='true'>",
        "<math",
        '<math alttext="',
        f"1<math>{HALF}</math>",
    ):
        begun = time.perf_counter()
        with suppress(TangleError):
            clean(piece * (200_000 // len(piece)), None)
        assert time.perf_counter() - begun < 10
