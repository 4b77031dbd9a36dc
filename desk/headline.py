"""What the desk edits: it writes a headline, or puts the wire's back. Nothing edits a body."""

from stories import clock
from stories.db import Store, outbox
from stories.db import stories as records
from stories.errors import WirecopyError
from stories.models import HeadlineEdit, Story
from wirecopy.text import plain

LONGEST = 300
"""Characters of a headline or a name; a body pasted by mistake has more."""


class HeadlineError(WirecopyError):
    """A headline that is refused, and why."""


def checked(text: str, what: str) -> str:
    """*text* as it will be stored: one line, trimmed. *what* names it in errors.

    :raises HeadlineError: when nothing is left, when it is too long, or when it has lone
        surrogates or overrides of the direction of text.
    """
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise HeadlineError(f"the {what} is not valid UTF-8 text; check the terminal's encoding")
    if any(c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for c in text):
        raise HeadlineError(
            f"the {what} overrides the direction of text (U+202A to U+202E, U+2066 to U+2069);"
            " type it without them"
        )
    kept = plain(text)
    if not kept:
        raise HeadlineError(f"the {what} is empty; write one, or --revert to the wire's")
    if len(kept) > LONGEST:
        raise HeadlineError(f"the {what} has {len(kept)} characters; at most {LONGEST} are taken")
    return kept


def rewrite(store: Store, story_id: str, text: str | None, by: str) -> Story:
    """Put *text* over the story, or the wire's own headline back when *text* is None.

    The edit and the outbox row that has the story rendered are one transaction. The same words
    again are an edit too, when the wire has a newer version: they confirm the headline against it.

    :raises HeadlineError: for a text or name that is refused, or nothing to revert.
    """
    name = checked(by, "name")
    line = None if text is None else checked(text, "headline")
    now = clock.now()
    with store.write() as conn:
        story = records.one(conn, story_id)
        if story is None:
            raise HeadlineError(f"story {story_id}: there is none; see `wirecopy stories`")
        if line is None and story.desk_headline is None and not story.second_look:
            raise HeadlineError(f"story {story_id}: the wire's headline stands already")
        if line == story.desk_headline and line is not None and not story.second_look:
            raise HeadlineError(f"story {story_id}: has this headline already")
        # Edits stay in order even if the machine's clock was set back between them.
        at = max([now, story.received_at, *(e.at for e in story.edits)])
        records.add_edit(
            conn, story.id, HeadlineEdit(text=line, by=name, at=at, against=story.number)
        )
        records.settle(conn, [story.id])
        outbox.want(conn, "story", [story.id], now)
        after = records.one(conn, story.id)
    assert after is not None
    return after
