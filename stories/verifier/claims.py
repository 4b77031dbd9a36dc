"""Whether an entry without a statement claims what only a statement can show."""

from .feeds import Entry
from .problem import Refused
from .projection import project

_SCOPES = frozenset(
    {"verbatim", "headline-only", "headline-media", "packaging", "house-style", "excerpt"}
)
_WORDINGS = (
    "not been edited",
    "not edited by",
    "published from a syndicated feed",
    "published unedited",
    "is unedited",
    "unedited and auto-generated",
    "auto-generated from",
    "without modifications to the text",
)


def claim(entry: Entry) -> str:
    """What *entry* claims, as a clause; empty when it claims nothing."""
    if entry.edited_headline_only:
        return "says that only its headline was edited"
    if entry.edit_scope in _SCOPES:
        return f"says that its edit scope is {entry.edit_scope}"
    try:
        last = project(entry.body).paragraphs[-1:]
    except Refused as error:
        return f"cannot be read: {error}"
    for wording in _WORDINGS:
        if any(wording in words.lower() for words in last):
            return f"ends in a disclosure ({wording!r})"
    return ""
