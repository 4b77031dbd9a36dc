"""Which ``img`` is a tracking pixel, by the rule (§3), and which ``style`` is harmless."""

import re
from collections.abc import Iterator

from .tree import Attributes
from .words import names, trim

_SLIGHT = names(
    "border border-style border-width display float visibility opacity overflow position"
    " top right bottom left margin padding vertical-align width height max-width"
    " max-height"
)
_LAYOUT = re.compile(
    r"text-align|vertical-align|float|clear|font-weight|font-style|max-width"
    r"|(?:margin|padding|border)(?:-[a-z-]+)?"
)
_MODEST = re.compile(r"(?:[a-z#%. ]|(?<![0-9])[0-9]{1,3}(?![0-9]))*", re.I)
_NOTHING = ("0", "1", "0px", "1px")


def is_pixel(attributes: Attributes) -> bool:
    """Whether an ``img`` of these attributes is shown to nobody and says nothing."""
    if trim(attributes.get("alt") or ""):
        return False
    style: dict[str, str] = {}
    for name, value in _declarations(attributes):
        if name in style or name not in _SLIGHT:
            return False
        style[name] = value
    if style.get("display") == "none" or style.get("visibility") == "hidden":
        return True
    if "hidden" in attributes and "display" not in style:
        return True
    sizes = (style.get(s, trim(attributes.get(s) or "").lower()) for s in ("width", "height"))
    return any(size in _NOTHING for size in sizes)


def is_modest(attributes: Attributes) -> bool:
    """Whether a ``style`` lays out, and can neither hide words nor show any."""
    return all(
        _LAYOUT.fullmatch(name) and _MODEST.fullmatch(value)
        for name, value in _declarations(attributes)
    )


def _declarations(attributes: Attributes) -> Iterator[tuple[str, str]]:
    for declaration in (attributes.get("style") or "").lower().split(";"):
        name, _, value = declaration.partition(":")
        name, value = trim(name), trim(value.replace("!important", ""))
        if name or value:
            yield name, value
