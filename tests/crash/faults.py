"""How each fault is carried out, and undone. Only from the main thread."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from redis import RedisError

from tests.crash.actors import Actor, children
from tests.crash.cast import Cast
from tests.crash.plan import KINDS, Fault, Kind
from workers.address import client

NOBODY = "nobody"
"""Upon whom a fault was carried out that found nobody, as they were all down."""

Undo = Callable[[], None]
How = Callable[[Fault, Cast], "tuple[str, Undo | None]"]


def possible(cast: Cast) -> Mapping[str, Kind]:
    """The kinds of fault that this cast can suffer."""
    return {
        name: kind
        for name, kind in KINDS.items()
        if (cast.postgres is not None or "PostgreSQL" not in name)
        and (cast.disk is not None or name != "fill the disk")
    }


def carry_out(fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
    """Do it now; upon whom it was done, and how it ends after ``fault.lasts`` seconds.

    Who was killed is started again by itself (:class:`~tests.crash.actors.Actor`).
    """
    return HOW[fault.kind](fault, cast)


def _one(actors: Sequence[Actor], pick: float) -> Actor:
    """One of those that run, if any does."""
    there = [a for a in actors if a.process is not None] or actors
    return there[int(pick * len(there))]


def _kill(
    actor: Actor, fault: Fault, how: signal.Signals = signal.SIGKILL
) -> tuple[str, Undo | None]:
    actor.kill(fault.lasts, how)
    return actor.name, None


def _pool(cast: Cast, fault: Fault) -> list[int]:
    """One process of one worker's pool, if there is one."""
    pools = [pid for worker in cast.workers for pid in worker.pids()[1:]]
    return [pools[int(fault.pick * len(pools))]] if pools else []


def _backend(cast: Cast, fault: Fault) -> list[int]:
    """One process of PostgreSQL that serves a connection; its death makes all start over."""
    assert cast.postgres is not None
    running = children(cast.postgres.process.pid) if cast.postgres.process else []
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
    return lambda fault, cast: _kill(_one(cast.workers, fault.pick), fault, how)


def _everybody(fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
    for member in cast.members:
        member.kill(fault.lasts)
    return "all members", None


def _pool_process(fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
    return _signal(_pool(cast, fault), signal.SIGKILL), None


def _stop_worker(fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
    stopped = _one(cast.workers, fault.pick)
    pids = stopped.pids()
    _signal(pids, signal.SIGSTOP)
    return stopped.name, lambda: _go_on(pids)


def _stop_pool_process(fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
    pool = _pool(cast, fault)
    return _signal(pool, signal.SIGSTOP), lambda: _go_on(pool)


def _flush(_fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
    with client(cast.redis_url, timeout=5) as broker:
        try:
            broker.flushall()
        except (RedisError, OSError):  # it is away or full just now, which is a fault already
            return NOBODY, None
    return "redis", None


def _postgres(how: signal.Signals) -> How:
    def carried_out(fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
        assert cast.postgres is not None
        return _kill(cast.postgres, fault, how)

    return carried_out


def _fill(_fault: Fault, cast: Cast) -> tuple[str, Undo | None]:
    assert cast.disk is not None
    cast.disk.fill()
    return "disk", cast.disk.empty


HOW: Mapping[str, How] = {
    "kill a worker": _worker(signal.SIGKILL),
    "end a worker": _worker(signal.SIGTERM),
    "kill a pool process": _pool_process,
    "kill a beat": lambda fault, cast: _kill(_one(cast.beats, fault.pick), fault),
    "kill a web": lambda fault, cast: _kill(_one(cast.webs, fault.pick), fault),
    "kill all members": _everybody,
    "stop a worker": _stop_worker,
    "stop a pool process": _stop_pool_process,
    "restart Redis": lambda fault, cast: _kill(cast.redis, fault, signal.SIGTERM),
    "kill Redis": lambda fault, cast: _kill(cast.redis, fault),
    "FLUSHALL": _flush,
    "restart PostgreSQL (fast)": _postgres(signal.SIGINT),
    "restart PostgreSQL (immediate)": _postgres(signal.SIGQUIT),
    "kill a PostgreSQL backend": lambda fault, cast: (
        _signal(_backend(cast, fault), signal.SIGKILL),
        None,
    ),
    "fill the disk": _fill,
}
