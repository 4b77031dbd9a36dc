"""How the desk hides a story and brings it back: killed, held, released. Nothing edits a body."""

from collections.abc import Callable, Collection

from desk.headline import carry_out, checked
from stories import clock
from stories.config import Config
from stories.db import Connection, Store
from stories.db import stories as records
from stories.errors import WirecopyError
from stories.models import STATUS_AFTER, Act, ActKind, Story, StoryStatus, hiding

_TAKEN: dict[ActKind, tuple[StoryStatus, ...]] = {
    "kill": ("usable", "withheld"),
    "hold": ("usable",),
    "release": ("withheld", "killed"),
}
"""Of which status a story has to be for each act. A kill is not made less by holding the story."""

_IS: dict[StoryStatus, str] = {
    "usable": "neither killed nor held",
    "withheld": "held",
    "killed": "killed",
}


class HidingError(WirecopyError):
    """An act that is refused, and why."""


def act(
    store: Store,
    config: Config,
    story_id: str,
    kind: ActKind,
    by: str,
    reason: str,
    *,
    changed: Callable[[Collection[str]], None] = lambda _: None,
) -> Story:
    """Kill, hold or release a story; the story as it is then. *changed* is called, after the
    commit, with the feeds whose bytes did.

    The act and all that it takes out of feeds are one transaction. What is released is rendered in
    it too, or soon after.

    :raises HidingError: when there is no such story, or it is so already.
    :raises HeadlineError: for a name or reason that is refused.
    """
    name, why = checked(by, "name"), checked(reason, "reason")

    def acted(conn: Connection) -> Story:
        return _done(conn, _one(conn, story_id), kind, name, why)

    return carry_out(store, config, acted, changed)


def undo_kill(
    store: Store,
    config: Config,
    story_id: str,
    by: str,
    *,
    changed: Callable[[Collection[str]], None] = lambda _: None,
) -> Story:
    """Release a story that was killed, or hold it again if it was held before: as for :func:`act`.

    :raises HidingError: when there is no such story, or it is not killed.
    """
    name = checked(by, "name")

    def acted(conn: Connection) -> Story:
        story = _one(conn, story_id)
        before = hiding(records.acts_of(conn, [story_id]).get(story_id, [])[:-1])
        story = _done(conn, story, "release", name, "the kill was undone")
        if before.status == "withheld":
            story = _done(conn, story, "hold", name, "it was held before it was killed")
        return story

    return carry_out(store, config, acted, changed)


def _one(conn: Connection, story_id: str) -> Story:
    records.hold(conn, [story_id])
    story = records.one(conn, story_id)
    if story is None:
        raise HidingError(f"story {story_id}: there is none; see `wirecopy stories`")
    return story


def _done(conn: Connection, story: Story, kind: ActKind, by: str, reason: str) -> Story:
    if story.status not in _TAKEN[kind]:
        raise HidingError(
            f"story {story.id}: is {_IS[story.status]}, so there is nothing to {kind}"
        )
    at = story.next_act_at(clock.now())
    records.add_acts(conn, [(story.id, Act(kind=kind, by=by, reason=reason, at=at))])
    records.settle(conn, [story.id])
    return story.model_copy(update={"status": STATUS_AFTER[kind], "status_at": at})
