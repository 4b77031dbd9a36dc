"""What can hide or show words that the projection does not see (docs/statement.md §7)."""

from collections.abc import Sequence

from .pixel import is_modest
from .tree import Attributes
from .words import names

_ELEMENTS = names(
    "applet button canvas embed frame frameset iframe input link marquee math meta meter"
    " object output progress script select style svg template textarea"
)
_ATTRIBUTES = ("hidden", "popover", "background", "color", "bgcolor")


def suspect(name: str, attributes: Attributes, *, pixel: bool = False) -> str:
    """What may deceive about an element, as a clause; empty for nothing.

    :param pixel: it is a tracking pixel, which may be hidden.
    """
    if name in _ELEMENTS:
        return f"<{name}> can show or hide what no digest covers"
    for attribute in attributes:
        if attribute.startswith("on") or (attribute in _ATTRIBUTES and not pixel):
            return f"the attribute {attribute[:20]!r} of <{name[:20]}> can change what is seen"
    if "style" in attributes and not pixel and not is_modest(attributes):
        style = (attributes["style"] or "")[:60]
        return f"the style of <{name[:20]}> can hide or show words: {style!r}"
    return ""


def words_in(silent: Sequence[str], words: str) -> str:
    """The clause for *words* (or media) in silent elements, which some readers show."""
    return f"<{silent[0]}> holds {words.strip()[:40]!r}, which some readers show"
