"""What CSS declarations hide or make doubtful, by themselves and by what they inherit.

A sentence that no reader sees is not printed. What is looked for are the ways to keep words in a
page and off the screen; what a script, a picture laid over them or another file's style sheet does
to words, a saved page does not tell.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


def names(text: str) -> frozenset[str]:
    """The names in *text*, parted by spaces."""
    return frozenset(text.split())


HIDING = names(
    "background background-clip background-color bottom clip clip-path color content-visibility"
    " display filter font font-size height inset left margin margin-left margin-top max-height"
    " max-width opacity overflow overflow-x overflow-y position right scale text-indent top"
    " transform translate visibility width -webkit-background-clip -webkit-text-fill-color"
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

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_PARTS = re.compile(
    r"((?:[^;\"'(]|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|\([^)]*\)?)+)", re.DOTALL
)
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
_HEX = re.compile(r"#([0-9a-f])([0-9a-f])([0-9a-f])(f?)")
_RGB = re.compile(
    r"rgba?\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*(?:[,/]\s*1(?:\.0*)?\s*)?\)"
)
_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|rgba?\([^()]*\)|\b(?:white|black|red|blue|transparent)\b")
_PICTURE = "a picture"
_NAMED = {"white": "#ffffff", "black": "#000000", "red": "#ff0000", "blue": "#0000ff"}
_CLIPPED = re.compile(
    r"inset\(\s*(?:(?:[5-9]\d|\d{3,})(?:\.\d+)?%|\d{3,}px)\s*[\s)]|(?:circle|ellipse)\(\s*0"
    r"|polygon\((?:\s*0[a-z%]*,?)*\s*\)"
)


class Style(NamedTuple):
    """How the words of an element stand to readers, as far as its styles tell.

    Each of the first five is the reason why they are not seen, ``""`` for none: ``gone`` no
    descendant can undo, of the others a descendant may set the property anew. ``opens`` tells that
    a click is what such words usually wait for, ``veil`` numbers the element that began to hide
    them (0 for none). ``doubt`` is why words that are seen may be read otherwise.
    """

    gone: str = ""
    unlit: str = ""
    small: str = ""
    pushed: str = ""
    inkless: str = ""
    ink: str = ""
    ground: str = ""
    opens: bool = False
    veil: int = 0
    doubt: str = ""

    @property
    def why(self) -> str:
        """Why no reader sees the words; ``""`` when readers do, as far as can be told."""
        return self.gone or self.unlit or self.small or self.pushed or self.inkless


SEEN = Style()


def declared(text: str) -> dict[str, tuple[str, bool]]:
    """The declarations of a style attribute or rule: of each property its value and importance."""
    found: dict[str, tuple[str, bool]] = {}
    for part in _PARTS.findall(_COMMENT.sub("", text)):
        name, colon, value = part.partition(":")
        name = unescaped(name).strip().lower()
        if not colon or not name:
            continue
        value = " ".join(unescaped(value).lower().split())
        important = value.endswith("important") and "!" in value
        if important:
            value = value.rpartition("!")[0].rstrip()
        if important or name not in found or not found[name][1]:
            found[name] = (value, important)
    return found


def unescaped(text: str) -> str:
    """*text* of a style sheet without its backslashes: ``d\\69splay`` is ``display``."""
    if "\\" not in text:
        return text

    def sign(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[2]
        code = int(found[1], 16)
        return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"

    return _ESCAPE.sub(sign, text)


def styled(above: Style, values: Mapping[str, str]) -> Style:
    """The style of an element of the declarations *values* within one of the style *above*."""
    if above.gone or not values:
        return above
    gone, opens = _gone(values)
    ink, ground, inkless = _colours(above, values)
    white = ink == "#ffffff" != above.ink and not ground
    return above._replace(
        gone=gone,
        opens=opens,
        unlit=_unlit(above.unlit, values),
        small=_small(above.small, values),
        pushed=_pushed(above.pushed, values),
        inkless=inkless,
        ink=ink,
        ground=ground,
        doubt=_doubt(values) or ("white on a ground unknown" if white else above.doubt),
    )


def _told(values: Mapping[str, str], name: str) -> str:
    return f"{name}: {values[name][:40]}"


def _gone(values: Mapping[str, str]) -> tuple[str, bool]:
    if values.get("display") == "none":
        return "display: none", True
    if values.get("content-visibility") == "hidden":
        return "content-visibility: hidden", True
    for side in ("height", "max-height", "width", "max-width"):
        if _is_slight(values.get(side, "")) and _cuts(values):
            return f"{_told(values, side)}, the rest cut off", side.endswith("height")
    faded = _number(values.get("opacity", "1"))
    if faded is not None and faded <= _DIM:
        return _told(values, "opacity"), False
    return _clipped(values) or _off(values), False


def _clipped(values: Mapping[str, str]) -> str:
    if _CLIPPED.search(values.get("clip-path", "")):
        return _told(values, "clip-path")
    clip = re.findall(_LENGTH, values.get("clip", "").removeprefix("rect"))
    if len(clip) == 4 and values.get("position") in ("absolute", "fixed"):
        top, right, bottom, left = (float(number) * _UNITS.get(unit, 1.0) for number, unit in clip)
        if right - left <= _SLIGHT or bottom - top <= _SLIGHT:
            return _told(values, "clip")
    faded = re.search(r"opacity\(\s*0?(?:\.0\d*)?%?\s*\)", values.get("filter", ""))
    return _told(values, "filter") if faded else ""


def _off(values: Mapping[str, str]) -> str:
    """Why an element is off the screen, or shrunk to nothing."""
    sides = ["margin-left", "margin-top"]
    if values.get("position", "static") not in ("static", "sticky"):
        sides += ["left", "top", "right", "bottom"]
    for side in sides:
        # A margin of -100 % sets columns side by side; a place of -100 % is off the screen.
        size = _pixels(values.get(side, ""), 0.0 if side in sides[:2] else 5.0)
        if size <= -_FAR or (size >= _BEYOND and side not in sides[:2]):
            return _told(values, side)
    for name in ("margin", "inset", "translate"):
        if any(_pixels(part) <= -_FAR for part in values.get(name, "").split()):
            return _told(values, name)
    moved = values.get("transform", "")
    for told, inside in re.findall(r"(translate|scale)[xy3d]*\(([^()]*)\)", moved):
        sizes = [_pixels(part, 5.0) for part in inside.split(",")]
        if told == "translate" and any(s <= -_FAR or s >= _BEYOND for s in sizes):
            return _told(values, "transform")
        scales = [_number(part.strip()) for part in inside.split(",")]
        if told == "scale" and any(one is not None and one <= _DIM for one in scales):
            return _told(values, "transform")
    return _told(values, "scale") if _number(values.get("scale", "1")) == 0 else ""


def _unlit(above: str, values: Mapping[str, str]) -> str:
    value = values.get("visibility", "inherit")
    if value in ("hidden", "collapse"):
        return _told(values, "visibility")
    return "" if value in ("visible", "initial") else above


def _small(above: str, values: Mapping[str, str]) -> str:
    name = "font-size" if "font-size" in values else "font"
    value = values.get(name, "")
    size = None if "(" in value else _SIZE.search(value)
    if size is None:
        lifts = name == "font-size" and value not in ("", "inherit", "unset", "larger", "smaller")
        return "" if lifts else above
    if _pixels(size[0], 0.16) <= _SLIGHT:
        return _told(values, name)
    return above if size[0].endswith(("em", "%")) and not size[0].endswith("rem") else ""


def _pushed(above: str, values: Mapping[str, str]) -> str:
    if "text-indent" not in values:
        return above
    size = _pixels(values["text-indent"], 10.0)
    return _told(values, "text-indent") if size <= -_FAR or size >= 1_000 else ""


def _colours(above: Style, values: Mapping[str, str]) -> tuple[str, str, str]:
    """Ink, ground, and why the letters are not seen."""
    name = "-webkit-text-fill-color" if "-webkit-text-fill-color" in values else "color"
    ink = _colour(values.get(name, "")) or above.ink
    told = values.get("background", "")
    ground = _colour(values.get("background-color", "")) or _ground(told) or above.ground
    clips = ("background-clip", "-webkit-background-clip")
    if any(values.get(clip) == "text" for clip in clips):
        ground = _PICTURE
    inkless = ""
    if ink == "none" and ground != _PICTURE:
        inkless = "letters without colour"
    elif ink and ink == ground:
        inkless = f"letters and ground both {ink}"
    return ink, above.ground if ground == "none" else ground, inkless


def _ground(background: str) -> str:
    if "url(" in background or "gradient(" in background:
        return _PICTURE
    found = _COLOUR.search(background)
    return _colour(found[0]) if found else ""


def _colour(value: str) -> str:
    """One spelling of a colour: ``#rrggbb``, ``"none"`` for none, ``""`` where it is not known."""
    value = _NAMED.get(value, value)
    if _NO_COLOUR.fullmatch(value):
        return "none"
    if short := _HEX.fullmatch(value):
        return "#" + "".join(2 * digit for digit in short.groups()[:3])
    if rgb := _RGB.fullmatch(value):
        return "#" + "".join(f"{min(255, int(part)):02x}" for part in rgb.groups())
    return value if re.fullmatch(r"#[0-9a-f]{6}", value) else ""


_DOUBTS = (
    (("text-decoration", "text-decoration-line"), "line-through", "struck out"),
    (("unicode-bidi",), "override", "set in another direction (unicode-bidi)"),
    (("flex-direction", "flex-flow"), "reverse", "set in reverse order (flex-direction)"),
    (("order",), r"[1-9]", "moved to another place (order)"),
    (("-webkit-line-clamp", "line-clamp"), r"\d", "cut off after some lines (line-clamp)"),
)


def _doubt(values: Mapping[str, str]) -> str:
    for names, sign, doubt in _DOUBTS:
        if any(re.search(sign, values.get(name, "")) for name in names):
            return doubt
    if any(_pixels(values.get(n, "")) > 0 for n in ("height", "max-height")) and _cuts(values):
        return "in a box that cuts off what does not fit (overflow)"
    return ""


def _cuts(values: Mapping[str, str]) -> bool:
    said = " ".join(values.get(name, "") for name in ("overflow", "overflow-x", "overflow-y"))
    return "hidden" in said or "clip" in said


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
