"""Celery's settings, each with its reason, and the commands of worker, poller and beat.

Celery over Redis loses messages when a worker is killed at the wrong instant, whatever is set here
(``BRPOP`` removes the message before anything else records it). So what is due, leased and waiting
is in the database, and the ``sweep`` task sends again what was lost. These settings make a loss
rare and short, and keep a worker from blocking for ever.
"""

import os
import resource
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from signal import SIG_IGN, SIGHUP, SIGINT, getsignal, signal
from typing import Any, Literal

import kombu.pools
import structlog
from celery import Celery, platforms, signals
from celery import __main__ as celery_program
from celery.apps import worker as celery_worker
from celery.exceptions import CPendingDeprecationWarning
from celery.utils.nodenames import host_format

from stories import logs
from stories.broker import Address
from stories.config import Config, load
from stories.db import SQLAlchemyError, why
from stories.errors import StoreError
from stories.pdeathsig import die_with_parent
from workers import kombu_patch, pulse, queues
from workers.address import Broker, broker_address, celery_settings, client, key_prefix_of

POLLS_AT_ONCE = 48
"""Batches that one poller works on at once: more than slow wires can occupy. An agency has at most
4 polls under way (``politeness.per_agency``), and a tick starts one batch that is not full: with
the default timeout of 30 s that is 30 batches, if every one of them has a slow wire in it, and 16
more that were started between ticks (``dispatch.CROWDED``)."""

DESCRIPTORS = 8192
"""Files and sockets that a poller may have open, if the system allows it: :data:`POLLS_AT_ONCE`
batches of 50 wires, and idle connections. The usual limit is 1,024."""

LONGEST_TASK = 300
"""Seconds after which a task's process is killed. Every task ends by itself well before."""

TICK = 1.0
"""Seconds between two checks for what is due."""

HOUSEKEEPING = 30.0
"""Seconds between two rounds of housekeeping, so that a story is out of the feeds within a minute
of its licence's end. What is done less often has its own interval there."""

WATCH = 120.0
"""Seconds between two checks for alerts: they are about hours, and a check of 100,000 wires takes
some seconds."""

ROUTES = {
    # To the poller, which always has a thread to spare: a worker may have all its processes in long
    # tasks, and no wire would be polled meanwhile.
    "workers.tasks.dispatch": queues.POLL_NOW,
    "workers.tasks.sweep": queues.TICKS,
    "workers.tasks.poll": queues.POLL,
    "workers.tasks.ingest": queues.INGEST,
    "workers.tasks.render": queues.RENDER,
    "workers.tasks.accept": queues.HOUSEKEEPING,
    "workers.tasks.index": queues.HOUSEKEEPING,
    "workers.tasks.export": queues.EXPORT,
    "workers.tasks.push": queues.PUSH,
    "workers.tasks.subscribe": queues.PUSH,
    "workers.tasks.pictures": queues.PICTURES,
    "workers.tasks.housekeeping": queues.HOUSEKEEPING,
    "workers.tasks.watch": queues.HOUSEKEEPING,
}
"""The queue of each task, unless the sender names another (``poll`` is also sent to
``poll-now``)."""


def settings(address: Address, prefix: str) -> dict[str, Any]:
    """Celery's settings for the broker at *address*, in which our keys begin with *prefix*."""
    return {
        **celery_settings(address),
        # Wait for a broker that is down as long as it takes; the default gives up after 100 tries.
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            # A message taken but not acknowledged is delivered again after so many seconds. A
            # worker holds one task that runs and one that waits behind it, so this must be more
            # than twice the longest task, or a running task is delivered a second time.
            "visibility_timeout": 2 * LONGEST_TASK + 60,
            # Check for such messages every 15 seconds, at every interval; the defaults (10 s,
            # every tenth interval) make recovery take more than a minute.
            "unacked_restore_interval": 15,
            "unacked_restore_throttle": 1,
            # A broker that vanished without closing the connection (power, firewall) must not
            # hang a publish or an acknowledgement for ever, which is the default.
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            # We use queues and no priorities; the default polls each queue at four priorities.
            "priority_steps": [0],
            "global_keyprefix": prefix,
            "client_name": "wirecopy",
        },
        # Acknowledge after the work; a task whose process was killed is delivered again.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # A failed task is not delivered again: the database says whether to retry.
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        # A worker takes no more messages than it has processes; others could do them sooner.
        "worker_prefetch_multiplier": 1,
        # Results are never read; each would cost a millisecond and a key in the broker.
        "result_backend": None,
        "task_ignore_result": True,
        # After so long SoftTimeLimitExceeded lets a task record why it ended; half a minute later
        # its process is killed. Nothing that a wire sends can hang a worker. Polls are threads and
        # have no such limit: each ends by the timeout of its wire.
        "task_soft_time_limit": LONGEST_TASK - 30,
        "task_time_limit": LONGEST_TASK,
        # A process that took 512 MiB (in KiB) more than it began with (workers.process) is replaced
        # after its task: memory that one enormous capture took is not kept until the next restart.
        "worker_max_memory_per_child": 512 * 1024,
        # On SIGQUIT or a second Ctrl-C, running tasks have so many seconds to end. SIGTERM is
        # Celery's warm shutdown: it takes no new task and ends when the running ones have ended.
        # The soft shutdown (REMAP_SIGTERM=SIGQUIT) always sleeps its whole time when any task runs
        # (measured with a task of 2 s: 12 s against 4): a long time makes every stop that long, a
        # short one cuts off tasks that would have ended. Every task ends within the grace period
        # of supervisor and container; one that does not is killed, which loses nothing.
        "worker_soft_shutdown_timeout": 10,
        # A running task goes on although the broker is down: its work is in the database.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # JSON only: a pickle is code of whoever can reach the broker.
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_accept_content": ["json"],
        # A misspelt queue is an error, and not a new queue that no worker reads.
        "task_queues": [kombu.Queue(name, routing_key=name) for name in queues.QUEUES],
        "task_create_missing_queues": False,
        "task_default_queue": queues.HOUSEKEEPING,
        "task_default_routing_key": queues.HOUSEKEEPING,
        "task_routes": {task: {"queue": queue} for task, queue in ROUTES.items()},
        # We use neither events nor remote control, which cost connections and broadcasts;
        # workers.pulse shows which members are alive.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        # stories.logs formats all output.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "enable_utc": True,
        "timezone": "UTC",
        "beat_scheduler": "workers.beat:Ticks",
        "beat_schedule": {
            "dispatch": _tick("workers.tasks.dispatch", TICK),
            "sweep": _tick("workers.tasks.sweep", TICK),
            "housekeeping": _tick("workers.tasks.housekeeping", HOUSEKEEPING),
            "watch": _tick("workers.tasks.watch", WATCH),
        },
    }


def _tick(task: str, every: float) -> dict[str, Any]:
    return {"task": task, "schedule": every, "options": {"queue": ROUTES[task]}}


_configured: Config | None = None
_prefix: str | None = None

log = structlog.get_logger(__name__)

Place = tuple[Address, str]
"""Where the broker is, and what our keys in it begin with."""


@lru_cache(maxsize=1)
def _place() -> Place:
    """Waits for the database: without it there is no work, and no telling our messages from those
    of another newsroom in the same Redis."""
    config = _configured or load()
    said = False
    while True:
        try:
            return broker_address(config), _prefix or key_prefix_of(config)
        except (StoreError, SQLAlchemyError) as error:
            if not said:
                logs.configure(config.log)
                reason = str(error) if isinstance(error, StoreError) else why(error)
                log.error("waits for the database", error=reason)
            said = True
            time.sleep(1)


class App(Celery):
    """Celery's application, and clients of the broker that its messages go through."""

    def place(self) -> Place:
        """Where the broker is."""
        return _place()

    def broker(self, timeout: float) -> Broker:
        """A client of the broker, for other things than messages."""
        address, prefix = _place()
        return client(address, timeout, prefix)


kombu_patch.install()
# Celery's has cffi parse C for this: megabytes in each process of the pool.
vars(platforms)["set_pdeathsig"] = lambda _name: die_with_parent(os.getppid())
celery = App("wirecopy", task_cls="workers.base:Work")
# The configuration is read when a setting is first needed, not when this module is imported.
celery.add_defaults(lambda: settings(*_place()))
celery.autodiscover_tasks(["workers"])
celery.steps["worker"].add(pulse.Pulse)


def prepare(config: Config, prefix: str) -> None:
    """Settle, for *config* and the *prefix* of our keys in the broker, all that the members forked
    from this process would each settle."""
    global _configured, _prefix  # inherited by the members
    _configured, _prefix = config, prefix
    celery.loader.import_default_modules()
    celery.finalize()
    celery.conf.get("broker_url")  # reads the settings
    _ = celery.amqp.queues, celery.backend


def configure(config: Config) -> App:
    """The app, set for *config* in place of the configuration that the environment names.

    For tests, which use several configurations in one process.
    """
    global _configured, _prefix  # one app a process, as Celery has it
    _configured, _prefix = config, None
    _place.cache_clear()
    celery.conf.update(settings(*_place()))
    celery.close()
    celery.__dict__.pop("amqp", None)  # has producers of the former broker
    kombu.pools.reset()
    return celery


# Celery warns root, because pickles run code; we accept none.
_NO_ROOT_WARNING = "ignore:You're running the worker with superuser privileges"
_PROGRAM = (sys.executable, "-W", _NO_ROOT_WARNING, "-m", "celery")
_OPTIONS = ("--quiet", "--app=workers.app")
_WITHOUT = ("gossip", "mingle", "heartbeat")


@dataclass(frozen=True, slots=True)
class Consumer:
    """A member that takes tasks from the queues *names*, *size* at once, in a *pool* of Celery's;
    that *ticks*, too, if it is beat besides.

    It needs not know of others: no gossip, no mingling, no heartbeats.
    """

    member: str
    pool: Literal["prefork", "threads"]
    size: int
    names: Sequence[str]
    ticks: bool = False

    def command(self) -> list[str]:
        """The command that starts it."""
        return [
            *(*_PROGRAM, *_OPTIONS, "worker", f"--hostname={self.member}@%h"),
            *(f"--pool={self.pool}", f"--concurrency={self.size}"),
            f"--queues={','.join(self.names)}",
            *(f"--without-{each}" for each in _WITHOUT),
        ]

    def run(self) -> int:
        """Be it in this process; its exit code. Without Celery's command, which brings a terminal's
        line editor."""
        without = {f"without_{each}": True for each in _WITHOUT}
        worker = celery.Worker(
            hostname=host_format(f"{self.member}@%h"),
            pool_cls=self.pool,
            concurrency=self.size,
            queues=list(self.names),
            quiet=True,
            **without,
        )
        if self.ticks:
            from workers.beat import tick_along

            tick_along(celery)
        worker.start()
        return int(worker.exitcode or 0)


def worker(processes: int, names: Sequence[str] = queues.WORK) -> Consumer:
    """A worker of *processes* processes.

    Prefork, because parsing is Python and holds the interpreter's lock: only processes use several
    cores. Celery's green pools never return messages that were not acknowledged.
    """
    return Consumer("worker", "prefork", processes, names)


def poller(batches: int = POLLS_AT_ONCE, *, ticks: bool = False) -> Consumer:
    """A poller, which works on up to *batches* batches at once; and is beat besides if it *ticks*.

    Threads, because polling is waiting: processes would take 50 MB for each batch. A thread is
    started only when none is free.
    """
    return Consumer("poller", "threads", batches, queues.POLLS, ticks)


class Beat:
    """Beat: a process of its own, since as a worker's child it survives a kill.

    Several may run at once: ticks only wake a worker, which claims what is due in the database.
    """

    def command(self) -> list[str]:
        """The command that starts it."""
        return [*_PROGRAM, *_OPTIONS, "beat", "--pidfile="]

    def run(self) -> int:
        """Be it in this process; its exit code."""
        celery.Beat(quiet=True).run()
        return 0


PRELOADED = (
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "billiard.synchronize",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.prefork",
    "celery.concurrency.thread",
    "celery.events.dispatcher",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.loops",
    "celery.worker.strategy",
    "workers.beat",
    "workers.tasks",
)
"""What worker, poller and beat import when they run."""


def become(member: Consumer | Beat) -> int:
    """Be *member* in this process; its exit code."""
    warnings.filterwarnings(*_NO_ROOT_WARNING.split(":"))  # type: ignore[arg-type]
    # With which Celery would start itself anew.
    sys.argv = [celery_program.__file__, *member.command()[len(_PROGRAM) :]]
    return member.run()


@signals.setup_logging.connect
def _log(**_: Any) -> None:
    logs.configure((_configured or load()).log)
    logs.log_crashes()


_IGNORED = [s for s in (SIGHUP, SIGINT) if getsignal(s) is SIG_IGN]


@signals.worker_ready.connect
@signals.beat_init.connect
def _go_on_ignoring(**_: Any) -> None:
    """What was ignored at the start stays so, as nohup(1) means it; Celery sets its own handlers,
    and would start itself anew when the terminal is closed."""
    for number in _IGNORED:
        signal(number, SIG_IGN)


def _log_stop(message: str, *_: Any) -> None:
    log.info(message.strip())


# It would write past the log, and a log of JSON holds JSON only.
celery_worker.safe_say = _log_stop  # type: ignore[attr-defined]


@signals.worker_ready.connect
def _drop_warning(**_: Any) -> None:
    # Celery warns at every loss of the broker about a setting that we have set. Only now: Celery
    # turns these warnings on when logging has been set up.
    warnings.filterwarnings("ignore", r"\s*In Celery 5.1 we introduced", CPendingDeprecationWarning)


_main = 0


@signals.worker_init.connect
def _remember_pid(sender: Any, **_: Any) -> None:
    global _main  # noqa: PLW0603 - read by the pool processes forked from here
    _main = os.getpid()
    if pulse.member_of(sender) == "poller":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


@signals.worker_process_init.connect
def _end_with_worker(**_: Any) -> None:
    """Without this, a pool process outlives a killed worker and keeps its task and lease."""
    die_with_parent(_main)
