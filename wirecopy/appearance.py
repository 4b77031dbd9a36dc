"""What can hide or show words that the projection does not see (docs/statement.md §7)."""

from collections.abc import Sequence

from .pixel import is_modest, paints
from .tree import Attributes
from .words import names

_ELEMENTS = names(
    "applet bdo button canvas datalist details dialog embed fencedframe frame frameset"
    " iframe input link marquee math meta meter object optgroup option output portal progress rp"
    " script select style svg template textarea"
)
_ATTRIBUTES = ("hidden", "popover", "background", "color", "bgcolor", "face")


def suspect(name: str, attributes: Attributes, *, pixel: bool = False) -> str:
    """What may deceive about an element, as a clause; empty for nothing.

    :param pixel: it is a tracking pixel, which may be hidden.
    """
    if name in _ELEMENTS:
        return f"<{name}> can show or hide what no digest covers"
    for attribute in attributes:
        if attribute.startswith("on") or (attribute in _ATTRIBUTES and not pixel):
            return f"the attribute {attribute[:20]!r} of <{name[:20]}> can change what is seen"
    if pixel and paints(attributes):
        return "a tracking pixel has a frame, which can cover words"
    if "style" in attributes and not pixel and not is_modest(name, attributes):
        style = (attributes["style"] or "")[:60]
        return f"the style of <{name[:20]}> can hide or show words: {style!r}"
    return ""


def words_in(silent: Sequence[str], words: str) -> str:
    """The clause for *words* (or media) in elements whose content only some readers show."""
    return f"<{silent[0]}> holds {words.strip()[:40]!r}, which some readers show and some do not"
