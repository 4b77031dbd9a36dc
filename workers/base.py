"""The base class of all tasks: ids in every log line, metrics, no retries by Celery."""

import time
from contextvars import ContextVar
from typing import Any

import structlog
from celery import Task

from stories import clock
from stories.errors import WirecopyError
from workers.address import Broker
from workers.metrics import TASK_SECONDS, Tally

IDS = ("wire", "capture", "story", "feed", "lease")
"""Keyword arguments of tasks that are ids and so belong in every log line of the task."""

LAPSES = "wirecopy_lapses"
"""The header of a message that says when it lapses, in seconds since 1970. Celery's own, of
``expires``, is held against the clock of whatever host takes it: one that is ahead drops them all.
"""

tally = Tally()
"""The metrics of this process; tasks may add to them. Sent to the broker after each task."""

_began: ContextVar[float] = ContextVar("began")
_brokers: dict[object, Broker] = {}

log = structlog.get_logger(__name__)


class Work(Task):  # type: ignore[type-arg]
    """Base class of every task.

    Tasks are safe to run twice and are never retried by Celery: what is due, and how often it was
    tried, is in the database, and the ``sweep`` task sends it again. A :class:`WirecopyError` is
    logged in one line; any other error is a bug and is logged with its traceback.
    """

    abstract = True
    max_retries = 0
    throws = (WirecopyError,)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run, unless the message has lapsed by the clock that all hosts follow."""
        lapses = self.request.get(LAPSES)
        if lapses is not None and lapses < clock.now().timestamp():
            log.debug("message lapsed")
            return None
        return super().__call__(*args, **kwargs)

    def before_start(self, task_id: str, args: Any, kwargs: dict[str, Any]) -> None:
        """Bind the ids; Celery calls this in the process that runs the task."""
        _began.set(time.monotonic())  # monotonic: setting the clock must not change a duration
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            task=self.name.rpartition(".")[2],
            task_id=task_id,
            **{key: kwargs[key] for key in IDS if key in kwargs},
        )

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Log what Wirecopy refused; Celery logs unexpected errors, with their traceback."""
        if isinstance(exc, WirecopyError):
            log.warning("task failed", error=str(exc), kind=type(exc).__name__)

    def after_return(
        self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any
    ) -> None:
        """Count the task and unbind the ids."""
        seconds = time.monotonic() - _began.get()
        task = self.name.rpartition(".")[2]
        log.debug("task ended", outcome=status.lower(), seconds=round(seconds, 3))
        tally.observe(TASK_SECONDS, task, status.lower(), seconds=seconds)
        tally.flush(_broker(self.app))
        structlog.contextvars.clear_contextvars()


def _broker(app: Any) -> Broker:
    """One client per process and address, made by the process that uses it."""
    where = app.place()
    if where not in _brokers:
        _brokers[where] = app.broker(timeout=1)
    return _brokers[where]
