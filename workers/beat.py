"""Beat's scheduler: it only sends ticks. What is due is in the database.

It differs from Celery's own in four ways. It writes no file: last run times in a file would be a
second truth, and may be unreadable after a kill. Every entry is due at once on start, so that
restarts do not put rare work off for ever. It measures intervals on the monotonic clock: when the
machine's clock is set back an hour, the ticks go on. And it stops sending to a queue that no worker
consumes; a night without workers would otherwise leave 100,000 ticks.
"""

import time
from typing import Any

import redis
import structlog
from celery.beat import ScheduleEntry, Scheduler, SchedulingError

from workers import pulse
from workers.queues import depth

BACKLOG = 10
"""Messages waiting in a queue at which no more ticks are sent to it."""

log = structlog.get_logger(__name__)


class Ticks(Scheduler):
    """Sends each entry of ``beat_schedule`` at its interval (``schedule``, seconds)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._next: dict[str, float] = {}
        self._reached: bool | None = None
        super().__init__(*args, **options)
        app: Any = self.app
        self._broker = app.broker(timeout=5)

    def tick(self, *_: Any, **__: Any) -> float:
        """Send what is due; the seconds until something is due again."""
        now = time.monotonic()
        for name, entry in self.schedule.items():
            if self._next.get(name, now) <= now:
                self._next[name] = now + self.app.conf.beat_schedule[name]["schedule"]
                self._log_change(self._send(entry))
        return max(0.0, min(self._next.values()) - time.monotonic())

    def _send(self, entry: ScheduleEntry) -> Exception | None:
        try:
            if depth(self._broker, (entry.options or {})["queue"]) < BACKLOG:
                self.apply_async(entry, producer=self.producer, advance=False)
            pulse.mark(self._broker, "beat")
        except (redis.RedisError, OSError, SchedulingError) as error:
            return error
        return None

    def _log_change(self, error: Exception | None) -> None:
        reached = error is None
        if reached != self._reached:  # one line per change, not one per second
            if reached:
                log.info("beat reaches the broker")
            else:
                log.warning("beat does not reach the broker, goes on trying", error=str(error))
        self._reached = reached
