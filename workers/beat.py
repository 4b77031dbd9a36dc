"""Beat's scheduler: it only sends ticks. What is due is in the database.

Each task has its interval. The dispatcher is also sent for at the very moment at which a wire is
due, which it tells itself, each time it has been there; the sweep, when a web says that work has
come (:mod:`workers.notices`).

It differs from Celery's own scheduler in four more ways. It writes no file: last run times in a
file would be a second truth, and may be unreadable after a kill. Every entry is due at once on
start, so that restarts do not put rare work off for ever. It measures intervals on the monotonic
clock: when the machine's clock is set back an hour, the ticks go on. And it stops sending to a
queue that no worker consumes; a night without workers would otherwise leave 100,000 ticks.
"""

import os
import signal
import threading
import time
from math import inf
from typing import Any

import redis
import structlog
from celery.beat import ScheduleEntry, Scheduler, SchedulingError

from workers import pulse
from workers.notices import DUE, WORK, Listener
from workers.process import stopping
from workers.queues import depth

BACKLOG = 10
"""Messages waiting in a queue at which no more ticks are sent to it."""

COMPANY = 0.1
"""Seconds between two dispatches, or two sweeps, at least: wires due within them are claimed and
polled together, which costs each of them little."""

_DISPATCH, _SWEEP = "dispatch", "sweep"

log = structlog.get_logger(__name__)


class Ticks(Scheduler):
    """Sends each entry of ``beat_schedule`` at its interval (``schedule``, seconds)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._next: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._sent: dict[str, float] = {}
        self._reached: bool | None = None
        super().__init__(*args, **options)
        app: Any = self.app
        self._broker = app.broker(timeout=5)
        self._listener = Listener(self._broker, DUE)

    def tick(self, *_: Any, **__: Any) -> float:
        """Send what is due, and wait until something is due again; 0 seconds are left to wait."""
        now = time.monotonic()
        for name, entry in self.schedule.items():
            if self._next.get(name, now) <= now:
                self._next[name] = now + self.app.conf.beat_schedule[name]["schedule"]
            elif self._due.get(name, inf) > now:
                continue
            self._due.pop(name, None)
            self._sent[name] = now
            self._log_change(self._send(entry))
        self._wait()
        return 0.0

    def _wait(self) -> None:
        """Wait until something is due, and hear meanwhile when the next wire is, and of work."""
        while (left := min(*self._due.values(), *self._next.values()) - time.monotonic()) > 0:
            try:
                self._listener.begin()
                told = self._listener.hear(left)
            except (redis.RedisError, OSError):  # which the next tick says
                self._listener.end()
                time.sleep(left)
            else:
                if isinstance(told, int | float):
                    self._bring_forward(_DISPATCH, told)
                elif told == WORK:
                    self._bring_forward(_SWEEP, 0.0)

    def _bring_forward(self, name: str, seconds: float) -> None:
        moment = max(time.monotonic() + seconds, self._sent.get(name, -inf) + COMPANY)
        self._due[name] = min(self._due.get(name, inf), moment)

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


def tick_along(app: Any) -> None:
    """Be beat in a thread of this process, a poller: a process of its own would have as much memory
    as all that it touches of what it was forked with. If the thread ends by itself, so does the
    process, and whoever supervises that starts both again."""
    threading.Thread(target=_tick, args=(app,), name="beat", daemon=True).start()


def _tick(app: Any) -> None:
    try:
        ticks = Ticks(app)
        while not stopping.is_set():
            ticks.tick()
    except Exception:
        log.exception("beat ended, and the poller with it")
        os.kill(os.getpid(), signal.SIGTERM)
