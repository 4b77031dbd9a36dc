"""How each fault is carried out, and undone. Only from the main thread."""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from redis import RedisError

from tests.crash import between, rollout
from tests.crash.between import AGAIN, LOST, NOBODY, Done, How, Step
from tests.crash.cluster import Cluster
from tests.crash.hosts import BROKER, HAVE_DATA, send
from tests.crash.memory import Group
from tests.crash.plan import BETWEEN, KINDS, Fault, Kind
from tests.crash.programs import Program, children
from workers.address import Broker, client

FORM_WITHIN = 5.0
"""Seconds in which somebody is likely to send a form to the desk."""

HOUR, DAY = 3600.0, 86400.0

MEMORY_LEFT = 4 << 20
"""Bytes that a worker's processes get before the kernel kills one of them."""


def possible(cluster: Cluster, wanted: str = "") -> Mapping[str, Kind]:
    """The kinds of fault that this cluster can suffer, of those in whose names the regular
    expression *wanted* is found."""
    return {
        name: kind
        for name, kind in {**KINDS, **(BETWEEN if cluster.apart else {})}.items()
        if re.search(wanted, name)
        and (wanted or not kind.named)
        and (cluster.postgres is not None or "PostgreSQL" not in name)
        and (cluster.hosts[BROKER].disk is not None or name != "fill the disk")
        and (cluster.postgres is not None or not re.search("clock|backup", name))
        and (cluster.postgres_clock is not None or "PostgreSQL's clock" not in name)
        and (Group.possible() or name != "leave a worker little memory")
    }


def carry_out(fault: Fault, cluster: Cluster) -> Done:
    """Do it now; upon whom it was done, and what follows within ``fault.lasts`` seconds.

    Who was killed is started again by itself (:class:`~tests.crash.programs.Program`).
    """
    return {**HOW, **between.HOW}[fault.kind](fault, cluster)


def _one(programs: Sequence[Program], pick: float) -> Program:
    """One of those that run, if any does."""
    there = [a for a in programs if a.process is not None] or programs
    return there[int(pick * len(there))]


def _kill(program: Program, fault: Fault, how: signal.Signals = signal.SIGKILL) -> Done:
    program.kill(fault.lasts, how)
    return program.name, []


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
    send(pids, how)
    return ", ".join(map(str, pids)) or NOBODY


def _go_on(pids: Sequence[int]) -> None:
    _signal(pids, signal.SIGCONT)


def _worker(how: signal.Signals) -> How:
    return lambda fault, cluster: _kill(_one(cluster.workers, fault.pick), fault, how)


def _everybody(fault: Fault, cluster: Cluster) -> Done:
    for member in cluster.members:
        member.kill(fault.lasts)
    return "all members", []


def _kill_desk(fault: Fault, cluster: Cluster) -> Done:
    """While it is sent a form, if that is soon."""
    cluster.sending.wait(FORM_WITHIN)
    return _kill(cluster.desk, fault)


def _pool_process(fault: Fault, cluster: Cluster) -> Done:
    return _signal(_pool(cluster, fault), signal.SIGKILL), []


def _stop_worker(fault: Fault, cluster: Cluster) -> Done:
    stopped = _one(cluster.workers, fault.pick)
    pids = stopped.pids()
    _signal(pids, signal.SIGSTOP)
    return stopped.name, [lambda: _go_on(pids)]


def _stop_pool_process(fault: Fault, cluster: Cluster) -> Done:
    pool = _pool(cluster, fault)
    return _signal(pool, signal.SIGSTOP), [lambda: _go_on(pool)]


def _asked(cluster: Cluster, ask: Callable[[Broker], object]) -> bool:
    """Ask the broker; whether it answered. It may be away or full just now, which is a fault
    already."""
    with client(cluster.redis_url, timeout=5) as broker, suppress(RedisError, OSError):
        ask(broker)
        return True
    return False


def _flush(_fault: Fault, cluster: Cluster) -> Done:
    there = _asked(cluster, lambda broker: broker.flushall())
    return ("redis" if there else NOBODY), []


def _replace_redis(fault: Fault, cluster: Cluster) -> Done:
    """What has its place knows nothing, as one that was set up anew after a loss."""
    done = _kill(cluster.redis, fault)
    command = cluster.redis.command
    shutil.rmtree(Path(command[command.index("--dir") + 1]) / "appendonlydir", ignore_errors=True)
    return done


def _fill_redis(_fault: Fault, cluster: Cluster) -> Done:
    there = _asked(cluster, lambda broker: broker.config_set("maxmemory", 1))

    def more() -> None:
        if not _asked(cluster, lambda broker: broker.config_set("maxmemory", 0)):
            cluster.redis.kill(0)  # it stands still; one that is started anew has no limit

    return ("redis" if there else NOBODY), [more]


def _password(fault: Fault, cluster: Cluster) -> Done:
    """It counts at once for whoever connects; members learn it when they are started anew, one
    after the other."""
    new = f"p{int(fault.at * 1000)}"
    there = _asked(cluster, lambda broker: broker.config_set("requirepass", new))
    cluster.change_password(new)
    if not there:
        cluster.redis.kill(0)  # one that stands still has it from its next start on
    return "redis, then each member", _one_by_one(cluster, lambda _: None)


def _one_by_one(cluster: Cluster, *changes: Callable[[Program], None]) -> list[Step]:
    """Steps that make each of *changes* to one member after the other, and end it in order; it is
    started again."""

    def step(member: Program, change: Callable[[Program], None]) -> None:
        change(member)
        member.kill(0.1, signal.SIGTERM)

    return [partial(step, member, each) for each in changes for member in cluster.members]


def _configure(_fault: Fault, cluster: Cluster) -> Done:
    return "each member", _one_by_one(cluster, *rollout.configuration(cluster))


def _upgrade(_fault: Fault, cluster: Cluster) -> Done:
    """Members of two releases run beside each other; those of the one before are killed, end
    themselves, and are started as what they were, meanwhile."""
    return "each member", _one_by_one(cluster, rollout.release(cluster))


def _go_back(_fault: Fault, cluster: Cluster) -> Done:
    """Once a run: what follows is another log, which says so."""
    made = time.time()
    if any(each.restore for each in cluster.lost) or not rollout.back_up(cluster):
        return NOBODY, []

    def back() -> object:
        # A standby that lags would take the place of what was restored.
        return AGAIN if cluster.lagging.is_set() or not rollout.restore(cluster, made) else LOST

    return "all", [back]


def _clock(ahead: float) -> How:
    def carried_out(fault: Fault, cluster: Cluster) -> Done:
        member = _one(cluster.members, fault.pick)
        clock = cluster.clocks[member.name]
        clock.set(ahead)
        return member.name, [partial(clock.set, 0)]

    return carried_out


def _postgres_clock(ahead: float) -> How:
    def carried_out(_fault: Fault, cluster: Cluster) -> Done:
        clock = cluster.postgres_clock
        assert clock is not None
        clock.set(ahead)
        return "postgres", [partial(clock.set, 0)]

    return carried_out


def _sandbox(fault: Fault, cluster: Cluster) -> Done:
    """One of the processes that read captures, as the kernel does where memory is short."""
    found = [
        pid for worker in cluster.workers for one in worker.pids()[1:] for pid in children(one)
    ]
    return _signal(found and [found[int(fault.pick * len(found))]], signal.SIGKILL), []


def _little_memory(fault: Fault, cluster: Cluster) -> Done:
    """The kernel kills one of a worker's processes, whichever it likes, again and again."""
    worker = _one(cluster.workers, fault.pick)
    pids = [pid for one in worker.pids() for pid in (one, *children(one))]
    group = Group(f"wirecopy-{os.getpid()}-{int(fault.at * 1000)}")
    group.limit(pids, MEMORY_LEFT)
    return worker.name, [group.end]


def _postgres(how: signal.Signals) -> How:
    def carried_out(fault: Fault, cluster: Cluster) -> Done:
        assert cluster.postgres is not None
        return _kill(cluster.postgres, fault, how)

    return carried_out


def _fill(fault: Fault, cluster: Cluster) -> Done:
    host = cluster.hosts[HAVE_DATA[int(fault.pick * len(HAVE_DATA))]]
    assert host.disk is not None
    host.disk.fill()
    return f"disk of {host.name}", [host.disk.empty]


HOW: Mapping[str, How] = {
    "kill a worker": _worker(signal.SIGKILL),
    "end a worker": _worker(signal.SIGTERM),
    "kill a pool process": _pool_process,
    "kill a beat": lambda fault, cluster: _kill(_one(cluster.beats, fault.pick), fault),
    "kill a web": lambda fault, cluster: _kill(_one(cluster.webs, fault.pick), fault),
    "kill the desk": _kill_desk,
    "kill all members": _everybody,
    "stop a worker": _stop_worker,
    "stop a pool process": _stop_pool_process,
    "restart Redis": lambda fault, cluster: _kill(cluster.redis, fault, signal.SIGTERM),
    "kill Redis": lambda fault, cluster: _kill(cluster.redis, fault),
    "FLUSHALL": _flush,
    "replace Redis by an empty one": _replace_redis,
    "fill the memory of Redis": _fill_redis,
    "change the password of Redis": _password,
    "roll out another configuration": _configure,
    "roll out the next release": _upgrade,
    "go back to a backup": _go_back,
    "set a clock ahead": _clock(HOUR),
    "set a clock back": _clock(-DAY),
    "set PostgreSQL's clock ahead": _postgres_clock(HOUR),
    "set PostgreSQL's clock back": _postgres_clock(-DAY),
    "kill what reads captures": _sandbox,
    "leave a worker little memory": _little_memory,
    "restart PostgreSQL (fast)": _postgres(signal.SIGINT),
    "restart PostgreSQL (immediate)": _postgres(signal.SIGQUIT),
    "kill a PostgreSQL backend": lambda fault, cluster: (
        _signal(_backend(cluster, fault), signal.SIGKILL),
        [],
    ),
    "fill the disk": _fill,
}
