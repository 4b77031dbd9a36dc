"""What the desk edits: it writes a headline, or puts the wire's back. Nothing edits a body."""

import re
from collections.abc import Callable, Collection

from ingest.formats.html import is_markup_title, resolve_references
from publish import renderer
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, outbox, wires
from stories.db import stories as records
from stories.errors import WirecopyError
from stories.models import HeadlineEdit, Story, licence_over
from wirecopy.text import one_line, plain, spoken

LONGEST = 300
"""Characters of a headline or a name; a body pasted by mistake has more."""


_OVERRIDES = re.compile("[\u202a-\u202e]")
_ISOLATES = re.compile("[\u2066-\u2069]")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")


class HeadlineError(WirecopyError):
    """A headline that is refused, and why."""


class MovedOnError(HeadlineError):
    """Nothing is written, as wire or desk moved on since the writer read the ``story``, which is as
    it is now."""

    def __init__(self, story: Story) -> None:
        super().__init__(f"story {story.id}: has changed since it was read; look at it again")
        self.story = story


def checked(text: str, what: str) -> str:
    """*text* as it will be stored: one line, trimmed. *what* names it in errors.

    :raises HeadlineError: when nothing is left, when it is too long, or when it has lone
        surrogates or overrides of the direction of text.
    """
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise HeadlineError(f"the {what} is not valid UTF-8 text; check the terminal's encoding")
    if _OVERRIDES.search(text):
        raise HeadlineError(
            f"the {what} overrides the direction of text (U+202A to U+202E); type it without them"
        )
    kept = one_line(_ISOLATES.sub("", text))
    if not kept:
        remedy = "give one that can be seen"
        if what == "headline":
            remedy = "write one, or --revert to the wire's"
        raise HeadlineError(f"the {what} is empty: it shows nothing; {remedy}")
    if len(kept) > LONGEST:
        raise HeadlineError(f"the {what} has {len(kept)} characters; at most {LONGEST} are taken")
    return kept


def typed(text: str) -> tuple[str, list[str]]:
    """The headline meant by *text*, which may be pasted from a page, and what was odd about it.

    Markup and references are read as in a wire's title; isolates are taken off.
    """
    odd = []
    meant = spoken(text) if is_markup_title(text) else resolve_references(text)
    if plain(meant) != plain(text):
        found = ", ".join(dict.fromkeys(_MARKUP.findall(text)))
        odd.append(f"the headline had markup or references, which were resolved: {found}")
    if _ISOLATES.search(meant):
        odd.append("the headline had isolates (U+2066 to U+2069), which were taken off")
    if letters := dict.fromkeys(_MARKUP.findall(meant)):
        odd.append(f"this stands in the headline as letters, not as markup: {', '.join(letters)}")
    return meant, odd


def replaced(story: Story) -> str:
    """What the last edit of *story* replaced or brought back, in a sentence; empty for nothing."""
    last, before = story.edits[-1], story.edits[-2] if len(story.edits) > 1 else None
    if last.text is None:
        gone = f"; taken off: {_whose(before)}" if before and before.text is not None else ""
        return f"the wire's headline is back: “{story.version.headline}”{gone}"
    if before is None or before.text is None or before.text == last.text:
        return ""
    return f"this replaced {_whose(before)}"


def _whose(edit: HeadlineEdit) -> str:
    return f"the headline by {edit.by} of {edit.at:%Y-%m-%d %H:%M:%SZ}, “{edit.text}”"


def unseen(conn: Connection, config: Config, story: Story) -> str:
    """Why nobody can see *story* as it is now; empty when its feeds or its page show it."""
    if story.hidden(clock.now()):
        return _why_hidden(story)
    terms = wires.licence_terms(conn, config, [story.wire])
    if licence_over(terms, story, clock.now()) or records.withdrawn(conn, [story.id]):
        return "its licence is over: it is in no feed, and its page answers 410"
    for kind, key, error in outbox.failures(conn):
        if (kind, key) == ("story", story.id):
            return error
    entry = feeds.entry(conn, story.id)
    if entry is None or entry.changed_at < story.changed_at:
        return "it waits to be rendered: another process has it, or `wirecopy up` has to run"
    if not story.headline:
        return "it has no headline, so it is in no feed until the desk writes one"
    selected = feeds.feeds_of(conn, story.id)
    nobody = "no feed selects it (wires, categories, languages, keywords, urgency of [[feeds]])"
    return "" if selected else nobody


def _why_hidden(story: Story) -> str:
    if story.status == "usable":
        return f"it is under embargo until {story.embargo:%Y-%m-%d %H:%M:%SZ}"
    page = "its page answers 410" if story.status == "killed" else "it has no page"
    return f"it is {story.status}: it is in no feed, and {page}, until `wirecopy release`"


def shown_in(conn: Connection, story: Story) -> list[str]:
    """The feeds that show *story* as it is now."""
    entry = feeds.entry(conn, story.id)
    if entry is None or entry.changed_at < story.changed_at:
        return []
    return feeds.shown_in(conn, story.id, entry.digests)


def earlier(story: Story, number: int) -> str | None:
    """The text of the desk's edit *number*, counted from 1; None where the wire's stood, as at 0.

    :raises HeadlineError: when there is no such edit.
    """
    if number > len(story.edits):
        raise HeadlineError(
            f"headline {number}: there is none; the desk made {len(story.edits)} edits,"
            f" `wirecopy story {story.id}` numbers them"
        )
    return story.edits[number - 1].text if number else None


def rewrite(
    store: Store, story_id: str, text: str | None, by: str, *, seen: int | None = None
) -> Story:
    """Put *text* over the story, or the wire's own headline back when *text* is None. *seen* is
    the version that its writer had before them, if not the current one: then it is due for a
    second look.

    The edit and the outbox row that has the story rendered are one transaction. The same words
    again are an edit too, when the wire has a newer version: they confirm the headline against it.

    :raises HeadlineError: for a text or name that is refused, or nothing to revert.
    """
    edit = _checked(text, by)
    with store.write() as conn:
        after = _rewritten(conn, story_id, *edit, seen)
        outbox.want(conn, "story", [after.id], clock.now())
    return after


def publish(
    store: Store,
    config: Config,
    story_id: str,
    text: str | None,
    by: str,
    *,
    seen: int | None = None,
    unmoved: tuple[int, int] | None = None,
    changed: Callable[[Collection[str]], None] = lambda _: None,
) -> Story:
    """:func:`rewrite`, and have the story rendered. *changed* is called, after the commit, with the
    feeds whose bytes did. With *unmoved*, the number of the version and how many edits there were
    when its writer read the story, it is written only if neither is another one.

    Mostly all of it is one transaction. Where rendering is not done at once
    (:func:`publish.renderer.render_at_once`), the edit is on record before it is tried.

    :raises MovedOnError: when it is not *unmoved*.
    """
    line, name = _checked(text, by)

    def edit(conn: Connection) -> Story:
        return _rewritten(conn, story_id, line, name, seen, unmoved)

    return carry_out(store, config, edit, changed)


def carry_out(
    store: Store,
    config: Config,
    edit: Callable[[Connection], Story],
    changed: Callable[[Collection[str]], None],
) -> Story:
    """The story after an *edit* of it, with what that means for feeds in the same transaction, or
    soon after; *changed* as for :func:`publish`."""
    with store.write() as conn:
        renderer.lock(conn)
        after = edit(conn)
        now = clock.now()
        others = renderer.render_at_once(conn, config, after, now)
        if others is None:
            outbox.want(conn, "story", [after.id], now)
    if others is None:
        renderer.render_waiting(store, config, ids=[after.id], changed=changed)
    elif others:
        changed(others)
    return after


def _checked(text: str | None, by: str) -> tuple[str | None, str]:
    name = checked(by, "name")
    return None if text is None else checked(text, "headline"), name


def _rewritten(
    conn: Connection,
    story_id: str,
    line: str | None,
    by: str,
    seen: int | None,
    unmoved: tuple[int, int] | None = None,
) -> Story:
    """The story with the edit, which is kept."""
    records.hold(conn, [story_id])
    story = records.one(conn, story_id)
    if story is None:
        raise HeadlineError(f"story {story_id}: there is none; see `wirecopy stories`")
    if unmoved not in (None, (story.number, len(story.edits))):
        raise MovedOnError(story)
    if line is None and story.desk_headline is None and not story.second_look:
        raise HeadlineError(f"story {story_id}: the wire's headline stands already")
    if line == story.desk_headline and line is not None and not story.second_look:
        raise HeadlineError(f"story {story_id}: has this headline already")
    if seen is not None and seen > story.number:
        raise HeadlineError(f"story {story_id}: has no version {seen}, only {story.number}")
    at = story.next_act_at(clock.now())
    against = story.number if seen is None else seen
    edit = HeadlineEdit(text=line, by=by, at=at, against=against)
    records.add_edit(conn, story.id, edit)
    after: Story | None = story.model_copy(
        update={"edits": (*story.edits, edit), "another_text": False}
    )
    if against < story.number:  # perhaps not written for the text that it stands over
        after = records.one(conn, story_id)
    assert after is not None
    records.edited(conn, after)
    return after
