"""What CSS declarations hide or make doubtful, by themselves and by what they inherit.

A sentence that no reader sees is not printed. What is looked for are the ways to keep words in a
page and off the screen; what a script, a picture laid over them or another file's style sheet does
to words, a saved page does not show.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import tinycss2
from tinycss2.ast import Declaration, Node

from wirecopy.encoding import names

HIDING = names(
    "background-clip bottom clip clip-path color content-visibility display filter font font-size"
    " height inset left margin margin-left margin-top max-height max-width opacity overflow"
    " overflow-x overflow-y position right scale text-indent top transform translate visibility"
    " width -webkit-background-clip -webkit-text-fill-color"
)
"""Properties by which words can be hidden, or shown again."""
DOUBTFUL = names(
    "flex-direction flex-flow line-clamp order text-decoration text-decoration-line unicode-bidi"
    " -webkit-line-clamp"
)
"""Properties that can make words read differently from what they say."""

_FAR = 500
"""Pixels to the left of a page, or above it, at which nothing is seen."""
_BEYOND = 3_000
"""Pixels by which words must be pushed to the right to be off every screen."""
_SLIGHT = 2
"""Pixels of which no letter can be read."""
_DIM = 0.05
"""An opacity of which no letter can be read."""

_LENGTH = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)([a-z%]*)")
_SIZE = re.compile(r"(?<![\w.#/])(?:0|(?:\d+\.?\d*|\.\d+)[a-z%]+)(?=[\s/]|\Z)")
_UNITS = {
    **dict.fromkeys(("", "px"), 1.0),
    **dict.fromkeys(("em", "rem", "lh", "rlh", "ic", "pc"), 16.0),
    **dict.fromkeys(("ch", "ex", "cap"), 8.0),
    **dict.fromkeys(("vw", "vh", "vmin", "vmax", "svh", "lvh", "dvh"), 10.0),
    **{"pt": 1.33, "in": 96.0, "cm": 37.8, "mm": 3.78, "q": 0.94},
}
_NO_COLOUR = re.compile(
    r"transparent|#[0-9a-f]{3}0|#[0-9a-f]{6}0[0-9a-f]"
    r"|(?:rgb|hsl)a?\([^()]*[,/]\s*(?:0|0?\.0[0-4]?\d*|0%)\s*\)"
)
_CLIPPED = re.compile(
    r"inset\(\s*(?:(?:[5-9]\d|\d{3,})(?:\.\d+)?%|\d{3,}px)\s*[\s)]|(?:circle|ellipse)\(\s*0"
    r"|polygon\((?:\s*0[a-z%]*,?)*\s*\)"
)


class Style(NamedTuple):
    """How readers see the words of an element, as far as its styles show.

    Each of the first five is the reason why they are not seen, ``""`` for none: ``gone`` no
    descendant can undo, of the others a descendant may set the property anew. ``opens`` is True
    where a click is what such words usually wait for, ``veil`` numbers the element that began to
    hide them (0 for none). ``doubt`` is why words that are seen may be read otherwise.
    """

    gone: str = ""
    invisible: str = ""
    small: str = ""
    pushed: str = ""
    colourless: str = ""
    opens: bool = False
    veil: int = 0
    doubt: str = ""

    @property
    def why(self) -> str:
        """Why no reader sees the words; ``""`` when readers do, as far as can be known."""
        return self.gone or self.invisible or self.small or self.pushed or self.colourless


SEEN = Style()


@lru_cache(maxsize=1024)
def inline(text: str) -> dict[str, tuple[str, bool]]:
    """The declarations of a ``style`` attribute, as :func:`declared` has them."""
    return declared(tinycss2.parse_blocks_contents(text))


def declared(content: Iterable[Node]) -> dict[str, tuple[str, bool]]:
    """The declarations in *content*: of each property its value and whether it is important."""
    found: dict[str, tuple[str, bool]] = {}
    for one in content:
        if isinstance(one, Declaration) and (
            one.important or one.lower_name not in found or not found[one.lower_name][1]
        ):
            tokens = [token for token in one.value if token.type != "comment"]
            value = " ".join(tinycss2.serialize(tokens).lower().split())
            found[one.lower_name] = (value, one.important)
    return found


def styled(above: Style, values: Mapping[str, str]) -> Style:
    """The style of an element of the declarations *values* within one of the style *above*."""
    if above.gone or not values:
        return above
    gone, opens = _gone(values)
    return above._replace(
        gone=gone,
        opens=opens,
        invisible=_invisible(above.invisible, values),
        small=_small(above.small, values),
        pushed=_pushed(above.pushed, values),
        colourless=_colourless(above.colourless, values),
        doubt=_doubt(values) or above.doubt,
    )


def _shown(values: Mapping[str, str], name: str) -> str:
    return f"{name}: {values[name][:40]}"


def _gone(values: Mapping[str, str]) -> tuple[str, bool]:
    if values.get("display") == "none":
        return "display: none", True
    if values.get("content-visibility") == "hidden":
        return "content-visibility: hidden", True
    for side in ("height", "max-height", "width", "max-width"):
        if _is_slight(values.get(side, "")) and _cuts(values):
            return f"{_shown(values, side)}, the rest cut off", side.endswith("height")
    faded = _number(values.get("opacity", "1"))
    if faded is not None and faded <= _DIM:
        return _shown(values, "opacity"), False
    return _clipped(values) or _off(values), False


def _clipped(values: Mapping[str, str]) -> str:
    if _CLIPPED.search(values.get("clip-path", "")):
        return _shown(values, "clip-path")
    clip = re.findall(_LENGTH, values.get("clip", "").removeprefix("rect"))
    if len(clip) == 4 and values.get("position") in ("absolute", "fixed"):
        top, right, bottom, left = (float(number) * _UNITS.get(unit, 1.0) for number, unit in clip)
        if right - left <= _SLIGHT or bottom - top <= _SLIGHT:
            return _shown(values, "clip")
    faded = re.search(r"opacity\(\s*0?(?:\.0\d*)?%?\s*\)", values.get("filter", ""))
    return _shown(values, "filter") if faded else ""


def _off(values: Mapping[str, str]) -> str:
    """Why an element is off the screen, or shrunk to nothing."""
    sides = ["margin-left", "margin-top"]
    if values.get("position", "static") not in ("static", "sticky"):
        sides += ["left", "top", "right", "bottom"]
    for side in sides:
        # A margin of -100 % sets columns side by side; a place of -100 % is off the screen.
        size = _pixels(values.get(side, ""), 0.0 if side in sides[:2] else 5.0)
        if size <= -_FAR or (size >= _BEYOND and side not in sides[:2]):
            return _shown(values, side)
    for name in ("margin", "inset", "translate"):
        if any(_pixels(part) <= -_FAR for part in values.get(name, "").split()):
            return _shown(values, name)
    for moved, inside in re.findall(
        r"(translate|scale)[xy3d]*\(([^()]*)\)", values.get("transform", "")
    ):
        sizes = [_pixels(part, 5.0) for part in inside.split(",")]
        if moved == "translate" and any(s <= -_FAR or s >= _BEYOND for s in sizes):
            return _shown(values, "transform")
        scales = [_number(part.strip()) for part in inside.split(",")]
        if moved == "scale" and any(one is not None and one <= _DIM for one in scales):
            return _shown(values, "transform")
    return _shown(values, "scale") if _number(values.get("scale", "1")) == 0 else ""


def _invisible(above: str, values: Mapping[str, str]) -> str:
    value = values.get("visibility", "inherit")
    if value in ("hidden", "collapse"):
        return _shown(values, "visibility")
    return "" if value in ("visible", "initial") else above


def _small(above: str, values: Mapping[str, str]) -> str:
    name = "font-size" if "font-size" in values else "font"
    value = values.get(name, "")
    size = None if "(" in value else _SIZE.search(value)
    if size is None:
        lifts = name == "font-size" and value not in ("", "inherit", "unset", "larger", "smaller")
        return "" if lifts else above
    if _pixels(size[0], 0.16) <= _SLIGHT:
        return _shown(values, name)
    return above if size[0].endswith(("em", "%")) and not size[0].endswith("rem") else ""


def _pushed(above: str, values: Mapping[str, str]) -> str:
    if "text-indent" not in values:
        return above
    size = _pixels(values["text-indent"], 10.0)
    return _shown(values, "text-indent") if size <= -_FAR or size >= 1_000 else ""


def _colourless(above: str, values: Mapping[str, str]) -> str:
    name = "-webkit-text-fill-color" if "-webkit-text-fill-color" in values else "color"
    if name not in values or values[name] in ("inherit", "unset"):
        return above
    # Letters without colour may show a picture behind them.
    clips = [values.get(clip) for clip in ("background-clip", "-webkit-background-clip")]
    shows = "text" in clips or not _NO_COLOUR.fullmatch(values[name])
    return "" if shows else "letters without colour"


_DOUBTS = (
    (("text-decoration", "text-decoration-line"), "line-through", "struck out"),
    (("unicode-bidi",), "override", "set in another direction (unicode-bidi)"),
    (("flex-direction", "flex-flow"), "reverse", "set in reverse order (flex-direction)"),
    (("order",), r"[1-9]", "moved to another place (order)"),
    (("-webkit-line-clamp", "line-clamp"), r"\d", "cut off after some lines (line-clamp)"),
)


def _doubt(values: Mapping[str, str]) -> str:
    for properties, sign, doubt in _DOUBTS:
        if any(re.search(sign, values.get(name, "")) for name in properties):
            return doubt
    if any(_pixels(values.get(n, "")) > 0 for n in ("height", "max-height")) and _cuts(values):
        return "in a box that cuts off what does not fit (overflow)"
    return ""


def _cuts(values: Mapping[str, str]) -> bool:
    overflow = " ".join(values.get(name, "") for name in ("overflow", "overflow-x", "overflow-y"))
    return "hidden" in overflow or "clip" in overflow


def _is_slight(value: str) -> bool:
    return bool(_LENGTH.fullmatch(value)) and _pixels(value) <= _SLIGHT


def _number(value: str) -> float | None:
    found = _LENGTH.fullmatch(value)
    return float(found[1]) / (100 if found[2] == "%" else 1) if found else None


def _pixels(value: str, percent: float = 10.0) -> float:
    """About how many pixels *value* is, one *percent* being so many; 0 for what is no length."""
    found = _LENGTH.fullmatch(value.strip())
    if found is None:
        return 0.0
    return float(found[1]) * (percent if found[2] == "%" else _UNITS.get(found[2], 0.0))
