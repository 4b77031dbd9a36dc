"""Until when a story may be published: a wire's ``expires_after``, counted from its first receipt.

The one rule that renderer, housekeeping and pages share, so that a story is out of every feed as
soon as any of them looks. An update by the agency does not begin the term anew, and a wire that
leaves the configuration takes its term along: copy does not become free by a contract's end.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from stories.models import Story

GRACE = timedelta(days=7)
"""How long after a licence's end the copy itself is still kept, out of every feed: a term that was
configured wrongly can be put right in that time. Then the bytes received and the words of every
version are deleted. Digests, measurements, headlines and times stay: they are the proof of what
was published, and by them a story that comes back is known."""

Terms = Mapping[str, timedelta]
"""By wire, how long after first receipt its stories are licensed; those not there, without end."""


def over(terms: Terms, story: Story, now: datetime) -> bool:
    """Whether *story* may no longer be published at *now*: from the end of its term on."""
    ends = end(terms, story)
    return ends is not None and ends <= now


def end(terms: Terms, story: Story) -> datetime | None:
    """When the term of *story* is over, None for never."""
    term = terms.get(story.wire)
    return None if term is None else story.first_received + term


def deleted_before(term: timedelta, now: datetime) -> datetime:
    """Copy received at or before this instant under *term* is to be deleted at *now*.

    Judged by capture: every story in one was received with it or before, so when the capture's
    own time is over, so is that of all that it brought.
    """
    return now - term - GRACE
