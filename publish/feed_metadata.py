"""What a whole feed says of itself, before any format."""

from stories.models import Instant, Value

GENERATOR = "Wirecopy"
"""Without a version: a new release must not change the bytes of every feed."""


class Head(Value):
    """The head of one feed. ``ttl`` in minutes; ``updated`` is None while the feed is empty.

    ``page`` is the feed's HTML page, ``url`` the feed document itself; ``about`` explains our
    extension.
    """

    id: str
    title: str
    description: str | None = None
    page: str
    url: str
    publisher: str
    publisher_url: str
    about: str
    ttl: int
    generator: str = GENERATOR
    language: str | None = None
    updated: Instant | None = None
