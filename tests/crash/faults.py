"""How each fault is carried out, and undone. Only from the main thread."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from redis import RedisError

from tests.crash.cluster import Cluster
from tests.crash.plan import KINDS, Fault, Kind
from tests.crash.programs import Program, children
from workers.address import client

NOBODY = "nobody"
"""Upon whom a fault was carried out that found nobody, as they were all down."""

Undo = Callable[[], None]
How = Callable[[Fault, Cluster], "tuple[str, Undo | None]"]


def possible(cluster: Cluster) -> Mapping[str, Kind]:
    """The kinds of fault that this cluster can suffer."""
    return {
        name: kind
        for name, kind in KINDS.items()
        if (cluster.postgres is not None or "PostgreSQL" not in name)
        and (cluster.disk is not None or name != "fill the disk")
    }


def carry_out(fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
    """Do it now; upon whom it was done, and how it ends after ``fault.lasts`` seconds.

    Who was killed is started again by itself (:class:`~tests.crash.programs.Program`).
    """
    return HOW[fault.kind](fault, cluster)


def _one(programs: Sequence[Program], pick: float) -> Program:
    """One of those that run, if any does."""
    there = [a for a in programs if a.process is not None] or programs
    return there[int(pick * len(there))]


def _kill(
    program: Program, fault: Fault, how: signal.Signals = signal.SIGKILL
) -> tuple[str, Undo | None]:
    program.kill(fault.lasts, how)
    return program.name, None


def _pool(cluster: Cluster, fault: Fault) -> list[int]:
    """One process of one worker's pool, if there is one."""
    pools = [pid for worker in cluster.workers for pid in worker.pids()[1:]]
    return [pools[int(fault.pick * len(pools))]] if pools else []


def _backend(cluster: Cluster, fault: Fault) -> list[int]:
    """One process of PostgreSQL that serves a connection; its death makes all start over."""
    assert cluster.postgres is not None
    running = children(cluster.postgres.process.pid) if cluster.postgres.process else []
    serving = []
    for pid in running:
        with suppress(OSError):
            if b"wirecopy" in Path(f"/proc/{pid}/cmdline").read_bytes():
                serving.append(pid)
    return [serving[int(fault.pick * len(serving))]] if serving else []


def _signal(pids: Sequence[int], how: signal.Signals) -> str:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)
    return ", ".join(map(str, pids)) or NOBODY


def _go_on(pids: Sequence[int]) -> None:
    _signal(pids, signal.SIGCONT)


def _worker(how: signal.Signals) -> How:
    return lambda fault, cluster: _kill(_one(cluster.workers, fault.pick), fault, how)


def _everybody(fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
    for member in cluster.members:
        member.kill(fault.lasts)
    return "all members", None


def _pool_process(fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
    return _signal(_pool(cluster, fault), signal.SIGKILL), None


def _stop_worker(fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
    stopped = _one(cluster.workers, fault.pick)
    pids = stopped.pids()
    _signal(pids, signal.SIGSTOP)
    return stopped.name, lambda: _go_on(pids)


def _stop_pool_process(fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
    pool = _pool(cluster, fault)
    return _signal(pool, signal.SIGSTOP), lambda: _go_on(pool)


def _flush(_fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
    with client(cluster.redis_url, timeout=5) as broker:
        try:
            broker.flushall()
        except (RedisError, OSError):  # it is away or full just now, which is a fault already
            return NOBODY, None
    return "redis", None


def _postgres(how: signal.Signals) -> How:
    def carried_out(fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
        assert cluster.postgres is not None
        return _kill(cluster.postgres, fault, how)

    return carried_out


def _fill(_fault: Fault, cluster: Cluster) -> tuple[str, Undo | None]:
    assert cluster.disk is not None
    cluster.disk.fill()
    return "disk", cluster.disk.empty


HOW: Mapping[str, How] = {
    "kill a worker": _worker(signal.SIGKILL),
    "end a worker": _worker(signal.SIGTERM),
    "kill a pool process": _pool_process,
    "kill a beat": lambda fault, cluster: _kill(_one(cluster.beats, fault.pick), fault),
    "kill a web": lambda fault, cluster: _kill(_one(cluster.webs, fault.pick), fault),
    "kill all members": _everybody,
    "stop a worker": _stop_worker,
    "stop a pool process": _stop_pool_process,
    "restart Redis": lambda fault, cluster: _kill(cluster.redis, fault, signal.SIGTERM),
    "kill Redis": lambda fault, cluster: _kill(cluster.redis, fault),
    "FLUSHALL": _flush,
    "restart PostgreSQL (fast)": _postgres(signal.SIGINT),
    "restart PostgreSQL (immediate)": _postgres(signal.SIGQUIT),
    "kill a PostgreSQL backend": lambda fault, cluster: (
        _signal(_backend(cluster, fault), signal.SIGKILL),
        None,
    ),
    "fill the disk": _fill,
}
