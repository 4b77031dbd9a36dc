"""How the desk hides a story and brings it back: killed, held, released. Nothing edits a body."""

from collections.abc import Callable, Collection

from desk.headline import carry_out, checked
from stories import clock
from stories.config import Config
from stories.db import Connection, Store
from stories.db import stories as records
from stories.errors import WirecopyError
from stories.models import STATUS_AFTER, Act, ActKind, Story, StoryStatus

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
        story = records.one(conn, story_id)
        if story is None:
            raise HidingError(f"story {story_id}: there is none; see `wirecopy stories`")
        if story.status not in _TAKEN[kind]:
            raise HidingError(
                f"story {story_id}: is {_IS[story.status]}, so there is nothing to {kind}"
            )
        # In order even if the machine's clock was set back between them.
        at = max(clock.now(), story.acted_at)
        records.add_acts(conn, [(story.id, Act(kind=kind, by=name, reason=why, at=at))])
        records.settle(conn, [story.id])
        return story.model_copy(update={"status": STATUS_AFTER[kind], "status_at": at})

    return carry_out(store, config, acted, changed)
