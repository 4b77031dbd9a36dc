"""What the style of an element means for its words: hidden, struck, raised or lowered."""

import re

_SMALLER = re.compile(r"smaller|(?:xx?-)?small|0?\.\d+r?em|[1-9]\d(?:\.\d+)?%")
_RAISED = re.compile(r"(-?)(?:\d*\.)?\d*[1-9]\d*(?:px|pt|r?em|ex|%)")
_NOTHING = re.compile(r"0*\.?0+(?:[a-z]{2,4}|%)?")
_SIDES = ("width", "height", "max-height")
_FAR = re.compile(r"-\d{3,}(?:\.\d*)?(?:[a-z]{2,4}|%)")


def meaning(style: str) -> str:
    """What *style* means for the words: ``hide``, ``s``, ``sup``, ``sub``; ``""`` for nothing."""
    stated: dict[str, str] = {}
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        stated[name.strip()] = value.replace("!important", "").strip()
    if _hides(stated):
        return "hide"
    lines = f"{stated.get('text-decoration', '')} {stated.get('text-decoration-line', '')}"
    found = ["s"] if "line-through" in lines else []
    shift = stated.get("vertical-align", "")
    raised = {"super": "sup", "sub": "sub"}.get(shift)
    if _SMALLER.fullmatch(stated.get("font-size", "")) and (by := _RAISED.fullmatch(shift)):
        raised = "sub" if by[1] else "sup"
    return " ".join([*found, raised] if raised else found)


def _hides(stated: dict[str, str]) -> bool:
    return (
        stated.get("display") == "none"
        or stated.get("visibility") in ("hidden", "collapse")
        or stated.get("mso-hide") == "all"
        or stated.get("color") == "transparent"
        or any(_NOTHING.fullmatch(stated.get(n, "")) for n in ("font-size", "opacity"))
        or any(_FAR.fullmatch(stated.get(n, "")) for n in ("text-indent", "left", "top"))
        or (
            stated.get("overflow") == "hidden"
            and any(_NOTHING.fullmatch(stated.get(n, "")) for n in _SIDES)
        )
    )
