"""What may still be served while the database cannot be asked whether it stands.

A story may have been killed meanwhile, by a person or agency whose database is not away: it is this
web that is cut off. So what is in memory is served for ``site.stale`` since the database last
confirmed it, and not at all after that. Until then caches are told that it is stale, and not to
keep it for longer than we may.
"""

from dataclasses import dataclass

from publish.web.representation import Headers

RETRY = 10
"""Retry-After, in seconds, of what is not served because the database does not answer."""


@dataclass(frozen=True, slots=True)
class Stale:
    """How long ago the database confirmed what is in memory, and for how long that may still be
    served; in seconds, not ``left`` when 0 or less."""

    age: float
    left: float

    def told(self, headers: Headers) -> Headers:
        """*headers*, saying so: in Cache-Status (RFC 9211 §2.4: a negative ttl says for how long a
        copy has been stale), and by a Cache-Control that promises no more than what is left."""
        mark = f"Wirecopy; hit; ttl=-{int(self.age)}; detail=database-away"
        kept = [
            (name, self._shortened(value) if name == b"cache-control" else value)
            for name, value in headers
        ]
        return [*kept, (b"cache-status", mark.encode())]

    def _shortened(self, cached: bytes) -> bytes:
        """A Cache-Control with every duration in it cut to what is left, added up: RFC 5861 counts
        from the end of max-age."""
        left, kept = max(int(self.left), 0), []
        for name, equals, seconds in (part.partition("=") for part in cached.decode().split(", ")):
            granted = min(int(seconds), left) if equals else ""
            kept.append(f"{name}{equals}{granted}")
            if name == "max-age":
                left -= int(granted)
        return ", ".join(kept).encode()
