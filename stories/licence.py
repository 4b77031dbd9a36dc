"""Until when a story may be published: a wire's ``expires_after``, counted from its first receipt.

The one predicate that the press, housekeeping and the pages share, so that a story is out of every
feed as soon as any of them looks. An update by the agency does not begin the term anew.
"""

from datetime import datetime, timedelta

from stories.newsroom import Newsroom, Wire
from stories.story import Story

GRACE = timedelta(days=7)
"""How long after a licence's end the copy itself is still kept, out of every feed: a term that was
configured wrongly can be put right in that time. Then the bytes received and the words of every
version are deleted. Digests, measurements, headlines and times stay: they are the proof of what
was published, and by them a story that comes back is known."""


def ends(newsroom: Newsroom, wire: str, first_received: datetime) -> datetime | None:
    """The first instant at which a story first received then is no longer licensed; None: never.

    A wire that is no longer configured sets no term.
    """
    rules = newsroom.wire(wire)
    if rules is None or rules.expires_after is None:
        return None
    return first_received + rules.expires_after


def over(newsroom: Newsroom, story: Story, now: datetime) -> bool:
    """Whether *story* may no longer be published at *now*."""
    end = ends(newsroom, story.wire, story.first_received)
    return end is not None and end <= now


def deleted_before(wire: Wire, now: datetime) -> datetime | None:
    """Copy received at or before this instant is to be deleted at *now*; None without a term.

    Judged by capture: every story in one was received with it or before, so when the capture's
    own time is over, so is that of all that it brought.
    """
    return None if wire.expires_after is None else now - wire.expires_after - GRACE
