"""Hosts: network namespaces of this machine, each with an address, a name and a disk of its own.

They hang on one bridge, which is in a namespace too: nothing of the machine's own network is
touched. All of it is mounted where this run alone sees it, so that the kernel removes it with the
last process, however the run ends. It needs root on Linux, ip(8), ss(8) and iptables(8).

A run on one machine is the special case in which all hosts are one, :func:`alone`.
"""

import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.crash.disk import Disk, mount, mounted, private_mounts

DATABASES, BROKER, AGENCY = ("db1", "db2"), "broker", "agency"
WORKS, WEBS, BEAT = ("work1", "work2"), ("web1", "web2"), "beat"
OUTSIDE = "outside"
"""Where the desk, the courier, the reader and the subscriber of the hub are."""

RESOLVER = "names"
"""The host of the name service."""

OBSERVER = "observer"
"""The harness itself, which sees everything: it is never parted from anybody."""

NAMES = (OBSERVER, RESOLVER, *DATABASES, BROKER, AGENCY, *WORKS, *WEBS, BEAT, OUTSIDE)

HAVE_DATA = (*DATABASES, BROKER, *WORKS, *WEBS)
"""Those that write to their disks."""

TALK = (
    *((a, b) for a in (*WORKS, *WEBS, BEAT, OUTSIDE) for b in DATABASES),
    *((a, BROKER) for a in (*WORKS, *WEBS, BEAT)),
    *((a, b) for a in WORKS for b in (AGENCY, OUTSIDE)),
    *((OUTSIDE, web) for web in WEBS),
    DATABASES,
)
"""The pairs that have anything to say to each other; between others a partition is none."""

_NETWORK = "10.213.0"
_NEW_NETWORK, _BIND = 0x40000000, 0x1000
_RUN = Path("/run/netns")


class NoHostsError(Exception):
    """Hosts cannot be made here; says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host: its name, its address, the folder for its data, and its disk if it has its own."""

    name: str
    address: str
    data: Path
    disk: Disk | None = None

    @property
    def apart(self) -> bool:
        """Whether it is a namespace of its own."""
        return self.name in NAMES

    def command(self, *command: str) -> list[str]:
        """*command*, to be run on this host; it is that process, not a child of it."""
        return ["ip", "netns", "exec", self.name, *command] if self.apart else [*command]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is on this host in the block; threads that it starts there stay there."""
        if not self.apart:
            yield
            return
        with Path("/proc/thread-self/ns/net").open() as back, (_RUN / self.name).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(back.fileno())

    def filtered(self, *rules: str) -> Callable[[], None]:
        """Let packets go by these *rules* of iptables(8), before any other; how to undo that."""
        self._filter(f"-I {rule}" for rule in rules)
        return lambda: self._filter(f"-D {rule}" for rule in rules)

    def _filter(self, rules: Iterable[str]) -> None:
        told = "\n".join(["*filter", *rules, "COMMIT", ""])
        self.run("iptables-restore", "--wait", "--noflush", told=told)

    def connections(self, address: str) -> list[str]:
        """Rules of iptables(8) that drop what goes through each connection with *address*."""
        rules = []
        for line in self.run("ss", "-Htn", "state", "established", "dst", address).splitlines():
            near, far = (one.rpartition(":") for one in line.split()[2:4])
            ends = near[2], far[2]
            rules.append("INPUT -p tcp -s {} --dport {} --sport {} -j DROP".format(far[0], *ends))
            rules.append("OUTPUT -p tcp -d {} --sport {} --dport {} -j DROP".format(far[0], *ends))
        return rules

    def cut_off(self) -> Callable[[], None]:
        """Let nothing in or out, and forget every connection without a word; how to undo the
        first. Whoever then speaks to it through one of them is told that there is none, as by a
        host that was started anew; and the same ports may be connected again."""
        undo = self.filtered("INPUT -j DROP", "OUTPUT -j DROP")
        self.run("ss", "-K", "state", "connected")
        return undo

    def run(self, *command: str, told: str = "") -> str:
        """What *command* answers on this host when it is *told* something."""
        return _run(*self.command(*command), told=told)


def alone(data: Path, disk: Disk | None) -> Mapping[str, Host]:
    """One host for everybody: this machine."""
    return dict.fromkeys(NAMES, Host("here", "127.0.0.1", data, disk))


@contextmanager
def network(folder: Path, size: int) -> Iterator[Mapping[str, Host]]:
    """All hosts by name, each with a disk of *size* bytes in *folder*; this thread, and what it
    starts, is :data:`OBSERVER` in the block. Each finds the others by their names.

    :raises NoHostsError: where they cannot be made.
    """
    if sys.platform != "linux" or os.getuid() != 0:
        raise NoHostsError("they need root on Linux")
    if missing := [one for one in ("ip", "iptables", "ss") if shutil.which(one) is None]:
        raise NoHostsError(f"{', '.join(missing)} not found: Debian's iproute2 and iptables")
    if not private_mounts():
        raise NoHostsError("mounts of our own are not permitted")
    with ExitStack() as stack:
        try:
            _RUN.mkdir(exist_ok=True)
            mount(b"tmpfs", _RUN, 0, b"mode=755")
            _run("ip", "netns", "add", "bridge")
            _run("ip", "-n", "bridge", "link", "add", "bridge", "type", "bridge")
            _run("ip", "-n", "bridge", "link", "set", "bridge", "up")
            hosts = {
                name: _plugged_in(stack, name, number, folder / name, size)
                for number, name in enumerate(NAMES, 1)
            }
            _resolve_by(hosts[RESOLVER], folder)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "")
            raise NoHostsError(f"they cannot be made here: {error} {said}") from error
        with hosts[RESOLVER].entered():
            stack.enter_context(_name_service(hosts))
        with hosts[OBSERVER].entered():
            yield hosts


def _plugged_in(stack: ExitStack, name: str, number: int, data: Path, size: int) -> Host:
    """A new host, with a cable to the bridge."""
    data.mkdir()
    host = Host(name, f"{_NETWORK}.{number}", data, stack.enter_context(mounted(data, size)))
    ours = ("ip", "-n", name)
    _run("ip", "netns", "add", name)
    _run(*ours, *f"link add eth0 type veth peer name {name} netns bridge".split())
    _run(*f"ip -n bridge link set {name} master bridge up".split())
    _run(*ours, *f"addr add {host.address}/24 dev eth0".split())
    _run(*ours, *["link", "set", "eth0", "up"])
    _run(*ours, *["link", "set", "lo", "up"])
    return host


def _resolve_by(resolver: Host, folder: Path) -> None:
    """Put our files of where names are looked up over the machine's own, for this run alone."""
    for name, text in (
        ("resolv.conf", f"nameserver {resolver.address}\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ):
        file, known = folder / name, Path("/etc") / name
        file.write_text(text)
        if known.exists():
            mount(os.fsencode(file), known, _BIND, None)


@contextmanager
def _name_service(hosts: Mapping[str, Host]) -> Iterator[None]:
    """Tell addresses of names (RFC 1035), by UDP."""
    service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    service.bind((hosts[RESOLVER].address, 53))

    def serve() -> None:
        while True:
            try:
                asked, client = service.recvfrom(512)
            except OSError:  # closed
                return
            with suppress(OSError, IndexError, struct.error):
                service.sendto(_answer(asked, hosts), client)

    threading.Thread(target=serve, name="names", daemon=True).start()
    try:
        yield
    finally:
        service.close()


def _answer(asked: bytes, hosts: Mapping[str, Host]) -> bytes:
    at, labels = 12, []
    while length := asked[at]:
        labels.append(asked[at + 1 : at + 1 + length].decode(errors="replace"))
        at += 1 + length
    question = asked[12 : at + 5]
    (kind,) = struct.unpack_from("!H", asked, at + 1)
    host = hosts.get(".".join(labels).lower())
    told = b""
    if host is not None and kind == 1:  # A; of any other kind there is nothing
        told = struct.pack("!HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(host.address)
    flags = 0x8580 if host is not None else 0x8583
    return asked[:2] + struct.pack("!HHHHH", flags, 1, bool(told), 0, 0) + question + told


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _run(*command: str, told: str = "") -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, input=told, text=True, timeout=30
    )
    return done.stdout


def send(pids: Iterable[int], how: signal.Signals) -> None:
    """Send *how* to those of *pids* that still run."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)
