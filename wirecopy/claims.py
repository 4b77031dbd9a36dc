"""Claims in print: the sentences under a story that say it was not edited.

They are recognized by a few words of each (``form.json``). Without them a verifier would
call an edited story verified while its last paragraph says that nobody edited it.
"""

from collections.abc import Sequence

from .feed import Entry
from .form import FORM
from .html import TangleError
from .text import paragraphs, plain

CLOSING = 3
"""How many paragraphs at the end of a body are looked at."""

_SCOPES = frozenset(
    {"verbatim", "headline-only", "headline-media", "packaging", "house-style", "excerpt"}
)
_HEADLINE_ONLY = frozenset({"verbatim", "headline-only"})

_WORDINGS = tuple(
    (plain(words), scopes)
    for scopes, listed in (
        (_HEADLINE_ONLY, FORM["claims"]["headline"]),
        (_SCOPES, FORM["claims"]["unedited"]),
    )
    for words in listed
)


def claim(entry: Entry) -> str:
    """What *entry* claims although it has no statement, as a clause; empty for nothing."""
    if entry.edited_headline_only:
        return "says that only its headline was edited"
    if entry.edit_scope in _SCOPES:
        return f"says that its edit scope is {entry.edit_scope}"
    try:
        body = paragraphs(entry.body)
    except TangleError as error:
        return f"cannot be read: {error.clause}"
    wording = contradiction(None, body)
    return f"ends in a disclosure ({wording!r})" if wording else ""


def contradiction(scope: str | None, paragraphs: Sequence[str]) -> str:
    """The words at the end of *paragraphs* that are untrue of *scope*; empty for none.

    :param scope: None for no scope at all: then any of the words is untrue.
    :param paragraphs: plain, as a projection has them.
    """
    for words in paragraphs[-CLOSING:]:
        for wording, scopes in _WORDINGS:
            if scope not in scopes and wording in words.lower():
                return wording
    return ""
