"""What people do at the desk, each act under their name. All of it is done by what commands use:
:mod:`desk.headline` and :mod:`desk.hiding`. Nothing edits a body."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from desk import headline, hiding
from desk.headline import HeadlineError, MovedOnError
from desk.hiding import HidingError
from desk.newsroom.dossier import undone_until
from stories import clock
from stories.config import Config
from stories.db import Store, queues
from stories.db import stories as records
from stories.models import ActKind, Story

WRITING = timedelta(seconds=45)
"""For which somebody has a story open who does not say so again: the script does, three times."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where acts are done; *changed* is told the feeds whose bytes did, after each."""

    store: Store
    config: Config
    changed: Callable[[Collection[str]], None]

    def write(self, story_id: str, text: str, by: str, read: tuple[int, int] | None) -> list[str]:
        """Put *text* over the story as *by* means it (:func:`meant`); what was odd about it.

        *read* is the number of the version and how many edits there were on the page on which it
        was written.

        :raises HeadlineError: for a text that is refused.
        :raises MovedOnError: when the story is another now.
        """
        line, odd = headline.typed(text)
        line = headline.checked(line, "headline")
        with _once(by, read, lambda now: None if line == now.version.headline else line):
            story = self._story(story_id, read)
            act = meant(story, line)
            if act == "settle":
                self._settle(story, by)
            else:
                self._publish(story, line if act == "write" else None, by)
        with self.store.write() as conn:
            queues.close(conn, story_id, by)
        return odd

    def revert(self, story_id: str, by: str, read: tuple[int, int] | None) -> None:
        """Put the wire's headline back.

        :raises HeadlineError: when it stands already.
        """
        with _once(by, read, lambda _: None):
            self._publish(self._story(story_id, read), None, by)

    def undo(self, story_id: str, by: str, read: tuple[int, int] | None) -> None:
        """Put back what stood before the last edit of the headline; where there is none, let the
        story wait again that was settled.

        :raises HeadlineError: when there is nothing to undo.
        """
        with _once(by, read, lambda now: headline.earlier(now, max(0, len(now.edits) - 2))):
            story = self._story(story_id, read)
            if story.edits:
                self._publish(story, headline.earlier(story, len(story.edits) - 1), by)
            else:
                self.unsettle(story_id, by)

    def unsettle(self, story_id: str, by: str) -> None:
        """Let the story wait again that was settled.

        :raises HeadlineError: when it was not.
        """
        with self.store.write() as conn:
            done = queues.unsettle(conn, story_id, by, clock.now())
        if not done:
            raise HeadlineError(f"story {story_id}: there is nothing to undo")

    def settle(self, story_id: str, by: str, read: tuple[int, int] | None) -> None:
        """Leave the story as it is: it waits for nobody any more. Under a newer version, the
        headline in force is confirmed against it."""
        with _once(by, read, lambda now: headline.earlier(now, len(now.edits) - 1)):
            self._settle(self._story(story_id, read), by)

    def hide(self, story_id: str, kind: ActKind, by: str, reason: str) -> None:
        """Hold, release or kill the story.

        :raises HidingError: when it is so already.
        """
        hiding.act(self.store, self.config, story_id, kind, by, reason, changed=self.changed)

    def open_to_write(self, story_id: str, by: str) -> list[str]:
        """Note that *by* has the story open, for as long as it takes until that is said again; who
        else has. Nobody is kept from writing by it."""
        now = clock.now()
        with self.store.write() as conn:
            return queues.open_to_write(conn, story_id, by, now, now + WRITING)

    def kill(self, story_id: str, by: str, reason: str, typed: str) -> None:
        """Kill the story, whose :func:`name_of` was *typed* to be sure.

        :raises HidingError: when another one was, or it is killed already.
        """
        story = self._story(story_id, None)
        name = name_of(story)
        if typed.strip().lower() != name:
            raise HidingError(f"nothing was killed: type {name} to say that it is this story")
        self.hide(story_id, "kill", by, reason)

    def unkill(self, story_id: str, by: str) -> None:
        """Undo a kill by the desk of the last minutes; a story that was held before is again.

        :raises HidingError: when there is none.
        """
        story = self._story(story_id, None)
        with self.store.read() as conn:
            acts = records.acts_of(conn, [story_id]).get(story_id, [])
        if undone_until(story, acts, clock.now()) is None:
            raise HidingError(
                f"story {story_id}: its kill can be undone no more; release it, with a reason"
            )
        hiding.undo_kill(self.store, self.config, story_id, by, changed=self.changed)

    def _story(self, story_id: str, read: tuple[int, int] | None) -> Story:
        with self.store.read() as conn:
            story = records.one(conn, story_id)
        if story is None:
            raise HeadlineError(f"story {story_id}: there is none")
        if read not in (None, standing(story)):
            raise MovedOnError(story)
        return story

    def _settle(self, story: Story, by: str) -> None:
        if story.second_look:
            self._publish(story, story.desk_headline, by)
        else:
            with self.store.write() as conn:
                queues.settle(conn, story.id, story.number, by, clock.now())

    def _publish(self, story: Story, text: str | None, by: str) -> None:
        headline.publish(
            self.store,
            self.config,
            story.id,
            text,
            by,
            unmoved=standing(story),
            changed=self.changed,
        )


@contextmanager
def _once(
    by: str, read: tuple[int, int] | None, text: Callable[[Story], str | None]
) -> Iterator[None]:
    """Do what is inside, or nothing where all that came since the story was *read* is that *by* put
    the very *text* over it that this would: forms are sent twice, by who clicks twice or got no
    answer."""
    try:
        yield
    except MovedOnError as error:
        now = error.story
        one_back = (now.number, len(now.edits) - 1)
        if read != one_back or (now.edits[-1].by, now.edits[-1].text) != (by, text(now)):
            raise


def name_of(story: Story) -> str:
    """What is typed to mean *story* and no other: its slug; its id where that says little, as of
    a Hindi headline nothing but a number is left in it, or nothing."""
    return story.slug if "-" in story.slug else story.id


def standing(story: Story) -> tuple[int, int]:
    """What changes whenever wire or desk move on: the version's number, and how many edits."""
    return story.number, len(story.edits)


def meant(story: Story, line: str) -> str:
    """What it means to save *line* over *story*: to ``write`` it, to ``revert`` to the wire's
    headline, whose words it has, or to ``settle`` for what stands."""
    if line == story.headline:
        return "settle"
    return "revert" if line == story.version.headline and story.edits else "write"
