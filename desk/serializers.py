"""A story as lists and pages tell it: one record, the same names everywhere."""

from typing import Any

from stories.db.feeds import EntryRow
from stories.models import Story


def record(story: Story, entry: EntryRow | None) -> dict[str, Any]:
    """The story in the contract's words. The measured values are None until it is rendered."""
    version = story.version
    return {
        "id": story.id,
        "guid": story.guid,
        "url": entry.url if entry else None,
        "wire": story.wire,
        "agency": version.agency,
        "agency_id": version.agency_id,
        "agency_version": version.agency_version,
        "version": story.number,
        "status": "usable",
        "headline": story.headline,
        "wire_headline": version.headline,
        "desk_headline": story.desk_headline,
        "second_look": story.second_look,
        "edit_scope": entry.scope if entry else None,
        "edited_headline_only": entry.edited_headline_only if entry else None,
        "disclosure": entry.disclosure if entry else None,
        "published": version.published,
        "first_received": story.first_received,
        "received": story.received_at,
        "changed": story.changed_at,
        "language": version.language,
        "identity": story.identity.rule,
        "identity_degraded": story.identity.degraded,
    }
