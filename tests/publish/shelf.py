"""Puts stories into a store as an intake would have left them, and renders them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from publish import renderer
from publish.rerender import rerender_if_changed
from stories import clock
from stories.config import Config
from stories.db import Store, outbox
from stories.db import stories as records
from stories.db.stories import VersionRow
from stories.models import Story, Version
from wirecopy.scope import Copy, Digests, digests


def put(store: Store, *stories: Story, earlier: Sequence[tuple[Version, datetime]] = ()) -> None:
    """Put *stories* on record, wanted to be rendered; *earlier* are versions before the current
    one, for all of them."""
    with store.write() as conn:
        for story in stories:
            records.add_stories(
                conn,
                [
                    {
                        "id": story.id,
                        "guid": story.guid,
                        "slug": story.slug,
                        "wire": story.wire,
                        "rule": story.identity.rule,
                        "key": story.identity.key,
                        "degraded": story.identity.degraded,
                        "first_received_at": story.first_received,
                        "received_at": story.received_at,
                        "changed_at": story.changed_at,
                        "last_seen_at": story.received_at,
                        "capture_id": 1,
                        "position": story.position,
                        "number": story.number,
                    }
                ],
            )
            rows = [*earlier, (story.version, story.received_at)]
            for number, (version, at) in enumerate(rows, start=1):
                # A second story of a row, a second capture: each brings one version of each story.
                records.put_versions(conn, [_row(story, number, version, at, number == len(rows))])
            for edit in story.edits:
                records.add_edit(conn, story.id, edit)
            records.settle(conn, [story.id])
        outbox.want(conn, "story", [s.id for s in stories], clock.now())


def publish(
    store: Store,
    config: Config,
    *stories: Story,
    earlier: Sequence[tuple[Version, datetime]] = (),
) -> None:
    """Put *stories* on record, as :func:`put` does, and render everything that is wanted."""
    put(store, *stories, earlier=earlier)
    rerender_if_changed(store, config)
    renderer.render_waiting(store, config)


def _row(story: Story, number: int, version: Version, at: datetime, current: bool) -> VersionRow:
    received = story.received if current else _digests(version)
    return VersionRow(
        story_id=story.id,
        capture_id=number,
        number=number,
        position=story.position,
        start=0,
        end=0,
        raw_digest=story.raw_digest,
        content_digest=f"{number:064}",
        received_at=at,
        data=version.model_dump(mode="json"),
        received=asdict(received) if received is not None else None,
        custody=story.custody.digest if current and story.custody else None,
    )


def _digests(version: Version) -> Digests:
    return digests(Copy(headline=version.headline, body=version.body, base=version.base))
