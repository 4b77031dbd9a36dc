"""Faults between hosts, and of whole hosts (:mod:`tests.crash.hosts`); from the main thread."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import psycopg

from tests.crash import hosts as net
from tests.crash import relay
from tests.crash.cluster import Cluster, follow, lead, postgres_command
from tests.crash.hosts import Host
from tests.crash.plan import Fault
from tests.crash.programs import Program
from tests.crash.rollout import Lost, forget

PARTED = " | "
"""Stands between the names of two hosts that are parted."""

NOBODY = "nobody"
"""Upon whom a fault was carried out that found nobody, as they were all down."""

PROMOTED_WITHIN = 15
"""Seconds; it may look for the primary by a name that nobody tells, and waits for that to end."""

AGAIN, LOST = object(), object()
"""What a step answers that is to be tried again soon; and one by which the store lost something."""

Step = Callable[[], object]
Done = tuple[str, Sequence[Step]]
"""Upon whom, and the steps that follow, in equal pauses: the last, which ends the fault, after as
long as it lasts."""

How = Callable[[Fault, Cluster], Done]


def _of(names: Sequence[str], fault: Fault, cluster: Cluster) -> Host:
    return cluster.hosts[names[int(fault.pick * len(names))]]


def _pair(fault: Fault, cluster: Cluster) -> tuple[Host, Host]:
    one, other = net.TALK[int(fault.pick * len(net.TALK))]
    return cluster.hosts[one], cluster.hosts[other]


def _parted(*rules: str) -> How:
    """A partition of two hosts: *rules* for the first, with OTHER for the address of the second."""

    def carried_out(fault: Fault, cluster: Cluster) -> Done:
        one, other = _pair(fault, cluster)
        undo = one.filtered(*(rule.replace("OTHER", other.address) for rule in rules))
        return PARTED.join((one.name, other.name)), [undo]

    return carried_out


def _dead(fault: Fault, cluster: Cluster) -> Done:
    """What is connected stays so, and nothing goes through it any more; a new connection would do.

    As a firewall leaves it that has forgotten them.
    """
    one, other = _pair(fault, cluster)
    undo = one.filtered(*one.connections(other.address))
    return PARTED.join((one.name, other.name)), [undo]


def _commits(rule: str) -> How:
    """Between a host and PostgreSQL, what the *rule* names is dropped, and the connection broken
    then: in the middle of a commit."""

    def carried_out(fault: Fault, cluster: Cluster) -> Done:
        host = _of((*net.WORKS, *net.WEBS, net.BEAT, net.OUTSIDE), fault, cluster)
        undo = host.filtered(f"{rule} -m string --algo bm --string COMMIT -j DROP")

        def broken() -> None:
            for database in net.DATABASES:
                host.run("ss", "-K", "dst", cluster.hosts[database].address)
            undo()

        return host.name, [broken]

    return carried_out


def _nameless(how: str) -> How:
    def carried_out(_fault: Fault, cluster: Cluster) -> Done:
        return net.RESOLVER, [cluster.hosts[net.RESOLVER].filtered(f"INPUT -p udp {how}")]

    return carried_out


def _programs(cluster: Cluster, host: Host) -> list[Program]:
    """Of Wirecopy and the servers, those that live on *host*."""
    return [a for a in (*cluster.services, *cluster.members) if a.host.name == host.name]


def _power_cut(fault: Fault, cluster: Cluster) -> Done:
    """A host is gone without a word: whoever was connected to it does not hear of that until it
    is back, and then only who speaks to it."""
    host = _of((*net.WORKS, *net.WEBS, net.BEAT), fault, cluster)
    undo = host.cut_off()
    for program in _programs(cluster, host):
        program.kill(fault.lasts)
    return host.name, [undo]


def _stopped(fault: Fault, cluster: Cluster) -> Done:
    """All of a host stands still, longer than any lease."""
    names = (*net.WORKS, *net.WEBS, net.BEAT, net.BROKER, net.DATABASES[0])
    host = _of(names, fault, cluster)
    pids = [pid for program in _programs(cluster, host) for pid in program.pids()]
    net.send(pids, signal.SIGSTOP)
    return host.name, [partial(net.send, pids, signal.SIGCONT)]


def _read_only(fault: Fault, cluster: Cluster) -> Done:
    """A host starts over with a disk that nobody can write to."""
    host = _of((*net.WORKS, *net.WEBS, net.BEAT, net.BROKER), fault, cluster)
    assert host.disk is not None
    for program in _programs(cluster, host):
        program.kill(0)
    host.disk.protect()
    return f"disk of {host.name}", [host.disk.empty]


def _at(server: Program, *statements: str) -> list[Any]:
    """What PostgreSQL *server* answers to each of *statements*; of rows the first."""
    where = f"host={server.host.address} user=wirecopy dbname=postgres connect_timeout=5"
    with psycopg.connect(where, autocommit=True) as conn:
        ran = [conn.execute(each.encode()) for each in statements]
        return [each.fetchone() if each.description else None for each in ran]


def _streams(standby: Program) -> bool:
    try:
        return _at(standby, "SELECT count(*) FROM pg_stat_wal_receiver") == [(1,)]
    except psycopg.OperationalError:  # it is not there yet, after a fail-over
        return False


def _take_place(cluster: Cluster, back_in: float) -> None:
    """The primary dies, and comes back as the standby of what was its own, which is to be
    promoted."""
    old, new = cluster.databases
    old.kill(back_in)
    new.command = postgres_command(new)
    follow(old, new)
    cluster.databases.reverse()
    if cluster.pool is not None:
        lead(cluster.pool, new)


def _promoted(server: Program) -> bool:
    """Have *server* promoted; whether it is. One that ended before that, as its disk was full,
    comes back as a standby, and has to be told again."""
    ask = f"pg_promote(wait_seconds => {PROMOTED_WITHIN})"
    try:
        told = _at(server, f"SELECT CASE WHEN pg_is_in_recovery() THEN {ask} ELSE true END")
    except psycopg.OperationalError:
        return False
    return told == [(True,)]


def _leads(cluster: Cluster, server: Program) -> bool:
    """Whether *server* is promoted, unless another has taken its place since: a second primary
    would keep all from going on."""
    return cluster.databases[0] is not server or _promoted(server)


def _fail_over(fault: Fault, cluster: Cluster) -> Done:
    """PostgreSQL dies, and its standby takes its place; it comes back as the standby."""
    old, new = cluster.databases
    if not _streams(new):
        return NOBODY, []
    _take_place(cluster, fault.lasts)
    _promoted(new)
    again = [lambda: None if _leads(cluster, new) else AGAIN]
    return f"{new.host.name} for {old.host.name}", again


_LOG = "SELECT origin, size FROM translog ORDER BY id DESC LIMIT 1"
_REPLAYED = "SELECT pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn()"


def _fail_over_behind(_fault: Fault, cluster: Cluster) -> Done:
    """The same with an asynchronous standby, to which nothing comes for as long as it lasts."""
    old, new = cluster.databases
    if not _streams(new):
        return NOBODY, []
    cut = time.time()
    try:
        # Nobody waits for a standby any more; the other has its own setting, as before.
        _at(old, "ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
    except psycopg.OperationalError:
        return NOBODY, []
    _at(new, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
    cluster.lagging.set()
    waits = None

    def take_place() -> object:
        nonlocal waits
        if cluster.lagging.is_set():
            before = waits
            try:
                waits, left = _at(new, _REPLAYED, _LOG)
                (had,) = _at(old, _LOG)
            except psycopg.OperationalError:
                return AGAIN
            if waits not in ((0,), before):  # what stays is a record that came in part
                return AGAIN
            killed = time.time()
            _take_place(cluster, 1.0)
            cluster.lagging.clear()
            forget(cluster, Lost(cut, killed, time.time(), had, left))
        return LOST if _leads(cluster, new) else AGAIN

    return f"{new.host.name} for {old.host.name}", [take_place]


def _bad_line(how: str) -> How:
    """The relay before PostgreSQL is a bad line."""

    def carried_out(_fault: Fault, cluster: Cluster) -> Done:
        assert cluster.relay is not None
        file = cluster.folder / "relay" / "how"
        file.write_text(how)
        return f"line of {cluster.relay.host.name}", [lambda: file.write_text(relay.THROUGH)]

    return carried_out


_FROM_POSTGRES = "INPUT -p tcp --sport 5432"
_TO_POSTGRES = "OUTPUT -p tcp --dport 5432"

HOW: Mapping[str, How] = {
    "part two hosts (dropped)": _parted("INPUT -s OTHER -j DROP", "OUTPUT -d OTHER -j DROP"),
    "part two hosts (refused)": _parted(
        "INPUT -s OTHER -p tcp -j REJECT --reject-with tcp-reset",
        "OUTPUT -d OTHER -p tcp -j REJECT --reject-with tcp-reset",
    ),
    "part two hosts (one way)": _parted("INPUT -s OTHER -j DROP"),
    "part two hosts (other way)": _parted("OUTPUT -d OTHER -j DROP"),
    "connections open and dead": _dead,
    "a COMMIT is lost": _commits(_TO_POSTGRES),
    "the answer to a COMMIT is lost": _commits(_FROM_POSTGRES),
    "no name service (dropped)": _nameless("-j DROP"),
    "no name service (refused)": _nameless("-j REJECT"),
    "a slow line": _bad_line(relay.SLOW),
    "a line that trickles": _bad_line(relay.TRICKLE),
    "a line that falls silent": _bad_line(relay.SILENT),
    "a line that resets": _bad_line(relay.RESET),
    "power cut of a host": _power_cut,
    "stop a host": _stopped,
    "a disk that is read-only": _read_only,
    "fail over PostgreSQL": _fail_over,
    "fail over to a lagging standby": _fail_over_behind,
}
