"""Which ``img`` is a tracking pixel, by its attributes alone (``docs/text-projection.md`` §3)."""

from collections.abc import Iterator, Mapping

from .encoding import SPACE, names

Attributes = Mapping[str, str | None]

_SLIGHT = names(
    "border border-style border-width display float visibility opacity overflow position top"
    " right bottom left margin padding vertical-align width height max-width max-height"
)
_TINY = ("0", "1", "0px", "1px")


def is_pixel(attributes: Attributes) -> bool:
    """Whether an ``img`` of these attributes is a tracking pixel: shown to nobody, in no words.

    It has no ``alt`` text, and is at most one pixel wide or high, or hidden. A ``style`` with a
    property that might enlarge it again, or with one property twice, makes it a picture.
    """
    if (attributes.get("alt") or "").strip(SPACE):
        return False
    style: dict[str, str] = {}
    for name, value in _declarations(attributes):
        if name in style or name not in _SLIGHT:
            return False
        style[name] = value
    if _is_hidden(style, attributes):
        return True
    sizes = (
        style.get(s, (attributes.get(s) or "").strip(SPACE).lower()) for s in ("width", "height")
    )
    return any(size in _TINY for size in sizes)


def _is_hidden(style: Mapping[str, str], attributes: Attributes) -> bool:
    if style.get("display") == "none" or style.get("visibility") == "hidden":
        return True
    return "hidden" in attributes and "display" not in style


def _declarations(attributes: Attributes) -> Iterator[tuple[str, str]]:
    for declaration in (attributes.get("style") or "").lower().split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(SPACE), value.replace("!important", "").strip(SPACE)
        if name or value:
            yield name, value
