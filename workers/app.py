"""Celery's set-up, with the reason beside each setting.

The broker only carries: Celery over Redis loses messages when a worker is killed at the wrong
instant, whatever is set here (``BRPOP`` takes the message before anything else records it). So
what is due, leased and waiting stands in the database, and a sweep hands out again what came to
nothing. These settings make that rare, quick to mend, and never blocking.
"""

import os
import resource
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import kombu.pools
from celery import Celery, signals
from celery.exceptions import CPendingDeprecationWarning

from stories import logs
from stories.config import Config, load
from workers import kombu_patch, pulse, queues
from workers.address import broker_url
from workers.pdeathsig import die_with_parent

POLLS_AT_ONCE = 32
"""Batches that one poller has under way: more than slow wires can hold. Of one agency no more are
polled at once than its budget allows (4), and a tick begins one batch that is not full: with the
usual timeout (30 s) that is 30 of the crawl, should every single one have a straggler in it."""

DESCRIPTORS = 8192
"""Files and sockets that a poller may have open, if the system lets it: :data:`POLLS_AT_ONCE`
batches of 50 wires, and the connections kept. The usual limit is 1,024."""

LONGEST_TASK = 300
"""Seconds after which a task's process is killed. Tasks bound themselves well below it."""

TICK = 1.0
"""Seconds between two looks at what is due."""

HOUSEKEEPING = 30.0
"""Seconds between two rounds of housekeeping: a story whose licence ends is out within a minute.
What is rarer keeps its own time."""

WATCH = 120.0
"""Seconds between two looks for wires in alarm: what is told is in hours, and a look at 100,000
wires takes some seconds."""

ROUTES = {
    "workers.tasks.dispatch": queues.TICKS,
    "workers.tasks.sweep": queues.TICKS,
    "workers.tasks.poll": queues.POLL,
    "workers.tasks.ingest": queues.INGEST,
    "workers.tasks.render": queues.RENDER,
    "workers.tasks.housekeeping": queues.HOUSEKEEPING,
    "workers.tasks.watch": queues.HOUSEKEEPING,
}
"""The queue of each task, unless the sender names another (``poll`` also goes to ``poll-now``)."""


def settings(broker: str) -> dict[str, Any]:
    """Celery's settings for the broker at the URL *broker*."""
    return {
        "broker_url": broker,
        # A broker that is away comes back some time; the default gives up after 100 tries.
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            # A message that a worker took but did not confirm is handed out again after this.
            # A worker holds one task running and one waiting behind it, so it must be more than
            # twice the longest task, or running tasks are handed out a second time.
            "visibility_timeout": 2 * LONGEST_TASK + 60,
            # How often it is looked for such messages, in seconds, and at every which look
            # really; the defaults (10 and 10) make recovery take more than a minute.
            "unacked_restore_interval": 15,
            "unacked_restore_throttle": 1,
            # A broker that vanished without closing (power, firewall) must not hang a publish or
            # an acknowledgement for ever, which is the default.
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            # Kinds of work have queues; without this each queue is asked for at four priorities.
            "priority_steps": [0],
            "global_keyprefix": queues.KEY_PREFIX,
            "client_name": "wirecopy",
        },
        # Confirm after the work, and give back what a killed process held.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # A task that fails is done with: whether it is tried again stands in the database.
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        # A worker takes no more than it has processes for: what it held would wait for it.
        "worker_prefetch_multiplier": 1,
        # Nobody reads results, and each would cost a millisecond and a key in the broker.
        "result_backend": None,
        "task_ignore_result": True,
        # A task has this long; then SoftTimeLimitExceeded lets it write down why it ended, and
        # half a minute later its process is killed. Nothing that a wire sends can hang a worker.
        # It is not so for polls, which are threads: each wire's timeout ends its own.
        "task_soft_time_limit": LONGEST_TASK - 30,
        "task_time_limit": LONGEST_TASK,
        # A process that has grown over 512 MiB (in KiB) is replaced after its task: one enormous
        # capture must not be paid for until the next restart.
        "worker_max_memory_per_child": 512 * 1024,
        # On SIGQUIT or a second Ctrl-C, running tasks have this long before they are cut off.
        # On SIGTERM it is not Celery's soft shutdown (REMAP_SIGTERM=SIGQUIT) but the warm one,
        # which takes nothing new and ends when what runs has ended. The soft one sleeps its whole
        # time out when anything runs at all (measured with a task of 2 s: 12 s against 4): long
        # enough for most tasks, it would make every stop that long; short, it cuts off what would
        # have ended. Tasks bound themselves to less than the grace period of the supervisor and of
        # the container; what goes beyond is killed then, which loses nothing.
        "worker_soft_shutdown_timeout": 10,
        # A running task finishes although the broker went away: its work is in the database.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # JSON alone: a pickle from whoever reaches the broker would be code.
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_accept_content": ["json"],
        # Exactly these queues: a misspelt one is an error and not a place where work vanishes.
        "task_queues": [kombu.Queue(name, routing_key=name) for name in queues.QUEUES],
        "task_create_missing_queues": False,
        "task_default_queue": queues.HOUSEKEEPING,
        "task_default_routing_key": queues.HOUSEKEEPING,
        "task_routes": {task: {"queue": queue} for task, queue in ROUTES.items()},
        # Nobody listens to events or sends orders; both cost connections and broadcasts. Who is
        # alive is told by workers.pulse.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        # stories.logs formats all output alike.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "enable_utc": True,
        "timezone": "UTC",
        "beat_scheduler": "workers.beat:Ticks",
        # A tick that was not taken within its interval is stale: the next one does its work.
        "beat_schedule": {
            "dispatch": _tick("workers.tasks.dispatch", TICK),
            "sweep": _tick("workers.tasks.sweep", TICK),
            "housekeeping": _tick("workers.tasks.housekeeping", HOUSEKEEPING),
            "watch": _tick("workers.tasks.watch", WATCH),
        },
    }


def _tick(task: str, every: float) -> dict[str, Any]:
    return {"task": task, "schedule": every, "options": {"expires": every, "queue": ROUTES[task]}}


_given: Config | None = None

kombu_patch.install()
celery = Celery("wirecopy", task_cls="workers.base:Work")
# The newsroom is read when a setting is first needed, not when this module is imported.
celery.add_defaults(lambda: settings(broker_url(_given or load())))
celery.autodiscover_tasks(["workers"])
celery.steps["worker"].add(pulse.Pulse)


def configure(config: Config) -> Celery:
    """The app, set for *newsroom* in place of the configuration that the environment names.

    For processes that hold several newsrooms one after the other; workers and beat need it not.
    """
    global _given  # noqa: PLW0603 - one app a process, as Celery has it
    _given = config
    celery.conf.update(settings(broker_url(config)))
    celery.close()
    celery.__dict__.pop("amqp", None)  # holds producers of the former broker
    kombu.pools.reset()
    return celery


# Celery warns whoever is root, because pickles run code; none is accepted here.
_UNWARNED = "ignore:You're running the worker with superuser privileges"
_CELERY = (sys.executable, "-W", _UNWARNED, "-m", "celery", "--quiet", "--app=workers.app")


def worker_command(processes: int, names: Sequence[str] = queues.WORK) -> list[str]:
    """The command of a worker of *processes* processes on the queues *names*.

    Prefork: parsing is Python and holds the interpreter's lock, so processes alone use the cores;
    and the green pools never give back what was not confirmed.
    """
    return _consumer("worker", "prefork", processes, names)


def poller_command(batches: int = POLLS_AT_ONCE) -> list[str]:
    """The command of a poller, which has up to *batches* batches under way.

    Threads: polling is waiting, so that one process does for many slow wires what a pool of
    processes could only do with as many of them, at 50 MB each. A thread is only begun when none
    is free.
    """
    return _consumer("poller", "threads", batches, queues.POLLS)


def _consumer(member: str, pool: str, size: int, names: Sequence[str]) -> list[str]:
    """No gossip, mingling or heartbeats: workers need not know of each other."""
    return [
        *(*_CELERY, "worker", f"--hostname={member}@%h"),
        *(f"--pool={pool}", f"--concurrency={size}", f"--queues={','.join(names)}"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def beat_command() -> list[str]:
    """The command of beat: a process of its own, since as a worker's child it outlives a kill.

    Any number may run: ticks only wake up, and what is due is claimed in the database.
    """
    return [*_CELERY, "beat", "--pidfile="]


@signals.setup_logging.connect
def _log(**_: Any) -> None:
    logs.configure((_given or load()).log)


@signals.worker_ready.connect
def _unwarned(**_: Any) -> None:
    # Said at every loss of the broker, about a setting that we did decide on. Not earlier: Celery
    # turns all such warnings on when logging has been set up.
    warnings.filterwarnings("ignore", r"\s*In Celery 5.1 we introduced", CPendingDeprecationWarning)


_main = 0


@signals.worker_init.connect
def _note_main(sender: Any, **_: Any) -> None:
    global _main  # noqa: PLW0603 - read by the pool processes forked from here
    _main = os.getpid()
    if pulse.member_of(sender) == "poller":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


@signals.worker_process_init.connect
def _end_with_worker(**_: Any) -> None:
    """A pool process would go on alone when its worker is killed, holding its task and lease."""
    die_with_parent(_main)
