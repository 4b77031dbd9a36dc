"""A whole run: start all programs, carry out the plan, wait for calm, judge the result."""

import json
import random
import shutil
import statistics
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from ingest.poll import lease_for
from stories import clock
from stories import logs as log
from stories.db import SQLAlchemyError, Store, captures, connect, feeds, outbox, subscriptions
from stories.db.subscriptions import Subscribers
from stories.errors import StoreError
from tests import hostile, servers
from tests.crash import clocks, faults
from tests.crash.between import AGAIN, LOST, NOBODY, PARTED, Step
from tests.crash.browser import Browser
from tests.crash.cluster import Cluster, Places, Size, build
from tests.crash.courier import Courier
from tests.crash.disk import mounted
from tests.crash.hosts import OBSERVER, OUTSIDE, Host, alone, network
from tests.crash.hub import Hub
from tests.crash.judge import Day, Verdict, judge, pushed, reading
from tests.crash.keys import Keys, command
from tests.crash.night import Sampler, begins
from tests.crash.plan import PACE, Fault, plan
from tests.crash.rollout import Lost, failover_untold, untold
from tests.crash.watch import Act, Desk, Hiding, Thread, Watch, waited
from tests.file_servers import sftp
from tests.load.load import Load
from tests.load.site import recall
from tests.subscriber import Came, Subscriber, echo, subscriber
from workers.dispatch import BATCH_LEASE

START_WITHIN = 120.0
"""Seconds until all wires have been polled once, on a busy machine."""

SETTLE_WITHIN = 180.0
"""Seconds after the last fault within which nothing may be left to do, or less than before."""

END_WITHIN = 60.0
"""Seconds a member has to end after SIGTERM."""

STARTS_WITHIN = 15.0
"""Seconds that a process may take to start."""

NOTICED_WITHIN = 2.0
"""Seconds until the harness sees that a web died, or is back."""

COMES_BACK = 75.0
"""Seconds that a web may take to answer after it died, or after the last fault from then on has
ended: until then its database may be away."""

FOLLOWED = "all"
"""The feed to which somebody subscribes."""

REFUSED = 0.1
"""The share of what is pushed to which the answer is a 500."""

DISK = 512 * 1024 * 1024
DISK_A_MINUTE = 32 * 1024 * 1024


def say(line: str) -> None:
    """Tell it now: a run takes minutes."""
    print(line, flush=True)


@dataclass(slots=True)
class Done:
    """A fault as it happened: when it began and ended (seconds since 1970), and upon whom."""

    fault: Fault
    whom: str
    began: float
    ended: float


@dataclass(slots=True)
class Outcome:
    """What happened in a run, for the table: of each of the *kinds* of fault, 0 times as well."""

    kinds: Sequence[str] = ()
    done: list[Done] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    recoveries: Mapping[str, list[float]] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)


def bound(cluster: Cluster) -> float:
    """Within how many seconds after a storm every wire must have been polled well.

    One interval; the longest lease, as whoever had the wire may have died in the last instant; the
    time in which processes start on a busy machine; and the waits after three failures in a row of
    the agency's own.
    """
    every = max(w.every.total_seconds() for w in cluster.config.wires)
    lease = max(lease_for(cluster.config), BATCH_LEASE).total_seconds()
    return every + lease + STARTS_WITHIN + every * (2 + 4 + 8)


def run(
    size: Size,
    seconds: float,
    pace: float = PACE,
    logs: Path | None = None,
    kinds: str = "",
    several: bool = False,
) -> Outcome:
    """A run of so many *seconds* of faults of those *kinds*, on *several* hosts or on one, and what
    came of it; all logs are left in *logs*.

    :raises NoHostsError: where several hosts cannot be made.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(servers.throwaway())
        if logs is not None:
            stack.callback(shutil.copytree, folder / "logs", logs, dirs_exist_ok=True)
        folder.chmod(0o711)  # PostgreSQL, run as somebody else when we are root, passes through
        if size.speed != 1:
            clocks.begin(begins(seconds), size.speed)
            stack.enter_context(clock.reading(lambda: datetime.fromtimestamp(clocks.now(), UTC)))
        room = DISK + int(DISK_A_MINUTE * seconds / 60)
        if several:
            hosts = stack.enter_context(network(folder, room))
        else:
            data = folder / "disk"
            data.mkdir()
            disk = stack.enter_context(mounted(data, room))
            hosts = alone(data, disk)
            if disk is None:
                say("no disk of our own here (it needs root on Linux): it will not be filled")
        outside = hosts[OUTSIDE]
        with outside.entered():
            places = _places(stack, folder, outside)
            pushes = stack.enter_context(subscriber(outside.address))
        cluster = build(folder, hosts, size, places)
        # The desk and the judge are this process; what they log is read beside the others' logs.
        own = stack.enter_context((folder / "logs" / "harness.log").open("a", encoding="utf-8"))
        log.configure("json", own)
        stack.callback(_destroy, cluster)
        possible = {} if size.speed != 1 else faults.possible(cluster, kinds)
        planned = plan(size.seed, seconds, possible, bound(cluster) + 5, pace) if possible else []
        outcome = _Run(cluster, size, seconds, planned, folder, pushes).whole()
        outcome.kinds = sorted(possible)
        return outcome


def _places(stack: ExitStack, folder: Path, host: Host) -> Places:
    for name in ("drop", "fetch", "keys"):
        (folder / name).mkdir()
    server = stack.enter_context(sftp(folder / "fetch", folder / "keys", host.address))
    hub = Hub(stack.enter_context(hostile.serve(host=host.address)))
    return Places(folder / "drop", folder / "fetch", server, hub)


def _destroy(cluster: Cluster) -> None:
    for program in reversed(list(cluster.programs())):
        program.destroy()


class _Run:
    def __init__(
        self,
        cluster: Cluster,
        size: Size,
        seconds: float,
        planned: Sequence[Fault],
        folder: Path,
        pushes: Subscriber,
    ) -> None:
        self.cluster = cluster
        self.pushes = pushes
        self.size = size
        self.plan = planned
        self.seconds = seconds
        self.folder = folder
        self.outcome = Outcome()
        self.running = [cluster.agency, *cluster.services]
        self.down: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.away: dict[str, float] = {}
        self.starts: dict[str, int] = {}
        self.sampler: Sampler | None = None
        self.pushed_before = self.changes_before = 0

    def whole(self) -> Outcome:
        """From the first start to the verdict."""
        cluster, outcome = self.cluster, self.outcome
        load, start = self._start()
        watch = Watch(cluster.config)
        browser = Browser(cluster.config.desk.origin, cluster.sending)
        desk = Desk(cluster.config, self.size.seed, cluster.hidden, browser)
        courier = Courier(cluster, load, start)
        night = self.size.speed != 1
        hours = (self.seconds / 12, self.seconds / 8)
        keys = Keys(cluster, self.size.seed, *([hours] if night else []))
        subscribed = self._subscribe()
        wires = len(cluster.config.wires)
        outside, observer = (cluster.hosts[name] for name in (OUTSIDE, OBSERVER))
        with (
            _running(watch, observer),
            _running(desk, outside),
            _running(courier, outside),
            _running(keys, outside),
        ):
            self._wait("all wires polled", START_WITHIN, lambda: len(watch.polls) >= wires)
            self.running.append(cluster.reader)
            say(f"{len(self.plan)} faults in {self.seconds:.0f} s")
            if night:
                self.sampler = Sampler(cluster, self.seconds)
            self._break()
            sampler, self.sampler = self.sampler, None
            desk.stop()
            keys.stop()
            courier.close()
            self._wait("all delivered, and no file left", SETTLE_WITHIN, courier.done)
            calm = datetime.fromtimestamp(clocks.now(), UTC)
            took = self._wait(
                "every wire polled well again",
                SETTLE_WITHIN,
                lambda: len(watch.polled_since(calm)) >= wires,
            )
            end = clocks.now()
            outcome.figures["until every wire was polled well again"] = f"{took:.1f} s"
        self.running.remove(cluster.agency)
        cluster.agency.finish(10)
        with _opened(cluster.config.database) as store:
            took = self._wait(
                "nothing left to do", SETTLE_WITHIN, lambda: _idle(store), lambda: _waiting(store)
            )
            outcome.figures["until nothing was left to do"] = f"{took:.1f} s"
            took = self._wait("all pushed", SETTLE_WITHIN, lambda: not _subscribers(store).behind)
            outcome.figures["until all was pushed"] = f"{took:.1f} s"
            lost = cluster.lost
            told = self._wait(
                "the fail-over told", SETTLE_WITHIN, lambda: not failover_untold(store, lost)
            )
            outcome.figures["until the last fail-over was told"] = f"{told:.1f} s"
            unverified = self._verified()
            slow = self._stop()
            calms = self._calms(end, bound(cluster))
            seen = [s for s in watch.seen if not any(each.hides(s) for each in lost)]
            delivered = {
                edition: replace(one, taken=one.taken and not _any(lost, one.at))
                for edition, one in courier.delivered.items()
            }
            done = [replace(a, done=None) if _any(lost, a.at) else a for a in desk.acts]
            hid = [replace(h, done=None) if _any(lost, h.at) else h for h in desk.hidings]
            acts: list[Act | Hiding] = [*done, *hid]
            day = Day(load, start, end, seen, acts, calms, bound(cluster), delivered)
            outcome.figures["calms as long as the bound"] = f"{len(calms)}"
            with _opened(f"sqlite:///{self.folder}/replayed.sqlite3") as empty:
                outcome.verdict = judge(day, cluster.config, store, None if night else empty)
            if sampler is not None:
                figures, grown = sampler.grown()
                outcome.figures |= figures
                outcome.verdict.check("nothing grew by more than it may", grown)
            outcome.verdict.check("every member ended in order", slow)
            outcome.verdict.check("what is served verifies", unverified)
            outcome.verdict.check("what the log lost is told", untold(store, lost))
            outcome.verdict.check("a fail-over is told", failover_untold(store, lost))
            outcome.verdict.check("every key made or revoked is on record", keys.lost(store))
            outcome.figures["keys made, revoked"] = f"{len(keys.made)}, {len(keys.revoked)}"
            bodies = [each.body for each in self.pushes.delivered][self.pushed_before :]
            subscribed = max(subscribed, self.changes_before)
            fleeting = [w.name for w in cluster.config.wires if w.expires_after is not None]
            pushed(bodies, subscribed, FOLLOWED, store, outcome.verdict, fleeting)
        self._reader_told()
        outcome.recoveries = self._recoveries(watch)
        called = cluster.places.hub.verified
        outcome.figures["verified by the agency's hub"] = f"{called}"
        outcome.verdict.check("the agency's hub was asked to push", [] if called else ["never"])
        outcome.figures["of forms in the browser done"] = (
            f"{browser.answers[303]} of {sum(browser.answers.values())}"
        )
        outcome.figures["of forms in the browser broken off"] = f"{browser.broken_off}"
        outcome.figures["polls"] = f"{sum(watch.polls.values()):,}"
        for thread, failures in (
            ("watch", watch.failures),
            ("desk", desk.failures),
            ("courier", courier.failures),
            ("keys", keys.failures),
        ):
            outcome.notes += [f"{thread}, {n} times: {why}" for why, n in failures.items()]
        outcome.notes += self._ended_alone()
        return outcome

    def _start(self) -> tuple[Load, float]:
        """Start agency and services, then the members; the load, and when it began."""
        cluster = self.cluster
        self._wait(
            "the agency", START_WITHIN, lambda: _get(cluster.agency_url + "/simulation.json")
        )
        load, start = _agreed(cluster.agency_url)
        with _opened(cluster.config.database) as store:
            self._wait("the database", START_WITHIN, lambda: _migrated(store))
        self.running += cluster.members
        return load, start

    def _subscribe(self) -> int:
        """Subscribe to a feed; after which of its changes what is pushed begins."""
        site = self.cluster.config.site.url
        form = {
            "hub.mode": "subscribe",
            "hub.topic": f"{site}/feeds/{FOLLOWED}.rss",
            "hub.callback": self.pushes.url,
        }
        asked = urlencode(form).encode()
        chance = random.Random(self.size.seed)

        def answer(came: Came) -> tuple[int, bytes]:
            # Some of what it takes it says that it did not.
            return (500 if chance.random() < REFUSED and came.body else 200), echo(came)[1]

        self.pushes.answer = answer
        with _opened(self.cluster.config.database) as store:
            self._wait("a web", START_WITHIN, lambda: _get(f"{site}/hub", data=asked))
            self._wait("subscribed", START_WITHIN, lambda: _subscribers(store).subscribed)
            with store.read() as conn:
                return feeds.newest(conn, FOLLOWED)

    def _break(self) -> None:
        """Carry out the plan."""
        began = time.monotonic()
        later: list[tuple[float, Done, Step]] = []

        def follow(now: float) -> None:
            for due in [each for each in later if each[0] <= now]:
                later.remove(due)
                step = due[2]
                answer = step()
                due[1].ended = time.time()
                if answer is LOST:
                    step, answer = self._forget, self._forget()
                if answer is AGAIN:
                    later.append((time.monotonic() + 1, due[1], step))
                self._parted(due[1])

        for fault in [*self.plan, None]:
            at = began + (self.seconds if fault is None else fault.at)
            while time.monotonic() < at:
                self._turn()
                follow(time.monotonic())
                time.sleep(0.02)
            if fault is not None:
                now = time.time()
                whom, steps = faults.carry_out(fault, self.cluster)
                done = Done(fault, whom, now, now + fault.lasts)
                self.outcome.done.append(done)
                say(f"{fault.at:7.1f} s  {fault.kind}: {whom}, {fault.lasts:.1f} s")
                pause = fault.lasts / max(len(steps), 1)
                begun = time.monotonic()
                later += [(begun + pause * n, done, each) for n, each in enumerate(steps, 1)]
        until = time.monotonic() + SETTLE_WITHIN
        while later:
            if time.monotonic() > until:
                kinds = ", ".join({done.fault.kind for _, done, _ in later})
                raise RuntimeError(f"not ended within {SETTLE_WITHIN:.0f} s: {kinds}")
            self._turn()
            follow(float("inf"))

    def _forget(self) -> object:
        """After a loss: what was pushed counts from here, and webs were away in a restore."""
        lost = self.cluster.lost[-1]
        for url in self.cluster.web_urls if lost.restore else ():
            began = self.away.get(url, lost.killed - NOTICED_WITHIN)  # it may have been away before
            self.down[url].append((began, lost.restored))
            self.away[url] = time.time()
        before = len(self.pushes.delivered)
        try:
            with _opened(self.cluster.config.database) as store, store.read() as conn:
                self.changes_before = feeds.newest(conn, FOLLOWED)
        except (SQLAlchemyError, StoreError):  # not there yet
            return AGAIN
        self.pushed_before = before
        return None

    def _calms(self, end: float, shortest: float) -> list[tuple[float, float]]:
        """When nothing was wrong for so long: beginnings and ends, in seconds since 1970."""
        found = []
        over = 0.0
        for done in self.outcome.done:
            if over and done.began - over >= shortest:
                found.append((over, done.began))
            over = max(over, done.ended)
        return [*found, (over, end)] if over and end - over >= shortest else found

    def _turn(self) -> None:
        if self.sampler is not None:
            self.sampler.turn()
        for program in self.running:
            program.turn()
        for web, url in zip(self.cluster.webs, self.cluster.web_urls, strict=True):
            gone = web.process is None or web.ending or web.starts != self.starts.get(url)
            if web in self.running and gone:
                self.starts[url] = web.starts
                self.away.setdefault(url, time.time() - NOTICED_WITHIN)
            if url in self.away and web.process and _get(f"{url}/healthz", timeout=0.5):
                began, now = self.away.pop(url), time.time()
                ended = max([began, *(done.ended for done in self.outcome.done)])
                self.down[url].append((began, min(now + NOTICED_WITHIN, ended + COMES_BACK)))

    def _parted(self, done: Done) -> None:
        """Where the reader was parted from a web, or all of its host stood still, nobody may have
        answered."""
        parted = {*done.whom.split(PARTED)}
        for web, url in zip(self.cluster.webs, self.cluster.web_urls, strict=True):
            if {OUTSIDE, web.host.name} <= parted or {web.host.name} == parted:
                self.down[url].append((done.began, done.ended + NOTICED_WITHIN))

    def _wait(
        self,
        what: str,
        patience: float,
        happened: Callable[[], object],
        left: Callable[[], int] = lambda: 0,
    ) -> float:
        """Seconds until it *happened*. Patience begins anew as long as less is *left*: how fast a
        busy machine works says nothing."""

        def asked() -> bool:
            try:
                return bool(happened())
            except Exception:  # away still
                return False

        began, most = time.monotonic(), left()
        took = waited(asked, patience, self._turn)
        while took is None and (now := left()) < most:
            most = now
            took = waited(asked, patience, self._turn)
        if took is None:
            said = "\n".join(_last_words(self.folder))
            raise RuntimeError(f"{what}: not within {patience:.0f} s\n{said}")
        return time.monotonic() - began

    def _stop(self) -> list[str]:
        """End the reader, then all members in order; who did not."""
        cluster = self.cluster
        self._pause(3.0)  # webs look every second; the reader then reads the last state
        self.running.remove(cluster.reader)
        if cluster.reader.finish(120) != 0:
            self.outcome.notes.append("the reader did not end in order; see its log")
        slow = []
        for member in cluster.members:
            self.running.remove(member)
            member.send_end()
        for member in cluster.members:
            code = member.finish(END_WITHIN)
            if code != 0:
                slow.append(f"{member.name}: {'had to be killed' if code is None else code}")
        return slow

    def _verified(self) -> list[str]:
        """What `wirecopy verify` says of a feed as it is served; nothing, where PostgreSQL's clock
        was ahead: what was logged then fails until its time has come (docs/operations.md)."""
        clock = self.cluster.postgres_clock
        if clock is not None and clock.moved:
            return []
        self._pause(3.0)  # webs look every second
        done = command(self.cluster, "verify", f"{self.cluster.web_urls[0]}/feeds/{FOLLOWED}.rss")
        said = f"{done.stdout}{done.stderr}".splitlines()
        return [] if done.returncode == 0 else [line[:200] for line in said if line][-10:]

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._turn()
            time.sleep(0.05)

    def _reader_told(self) -> None:
        lines = [
            json.loads(line)
            for line in self.cluster.reader_told.read_text(encoding="utf-8").splitlines()
        ]
        counts: dict[str, int] = next((line["counts"] for line in lines if "counts" in line), {})
        for name, count in sorted(counts.items()):
            self.outcome.figures[f"reader: {name}"] = f"{count:,}"
        wrong, absent = reading(lines, self.down)
        check = self.outcome.verdict.check
        check("no feed ever served wrong", wrong)
        check("a web that runs always answers", absent)
        check("the reader read", [] if counts.get("200", 0) > 0 else ["nothing"])

    def _recoveries(self, watch: Watch) -> Mapping[str, list[float]]:
        """By kind of fault: seconds from its end until every wire was polled again."""
        times: dict[str, list[float]] = defaultdict(list)
        ends: dict[str, list[float]] = defaultdict(list)
        for seen in watch.seen:
            ends[seen.wire].append(seen.ended.timestamp())
        for done in self.outcome.done:
            firsts = [next((e for e in found if e > done.ended), None) for found in ends.values()]
            whole = [f for f in firsts if f is not None]
            if whole:
                times[done.fault.kind].append(max(whole) - done.ended)
        return times

    def _ended_alone(self) -> list[str]:
        ended = Counter((e.name, e.code) for each in self.cluster.programs() for e in each.ended)
        return [
            f"{name} ended by itself, {count} times, code {code}"
            for (name, code), count in ended.items()
        ]


def _any(lost: Sequence[Lost], at: float) -> bool:
    return any(each.has(at) for each in lost)


@contextmanager
def _running(thread: Thread, host: Host) -> Iterator[None]:
    with host.entered():
        thread.start()
    try:
        yield
    finally:
        thread.stop()


@contextmanager
def _opened(url: str | Path) -> Iterator[Store]:
    store = connect(url)
    try:
        yield store
    finally:
        store.close()


def _migrated(store: Store) -> bool:
    store.migrate()
    return True


def _idle(store: Store) -> bool:
    with store.read() as conn:
        return not outbox.waiting(conn, clock.now()) and not captures.wires_pending(conn)


def _waiting(store: Store) -> int:
    with store.read() as conn:
        return len(captures.listing(conn, states=["pending"], limit=10**6))


def _subscribers(store: Store) -> Subscribers:
    with store.read() as conn:
        return subscriptions.summary(conn, clock.now(), 0)


def _get(url: str, timeout: float = 5.0, data: bytes | None = None) -> bytes:
    try:
        with urllib.request.urlopen(url, data, timeout=timeout) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        return b""


def _agreed(agency: str) -> tuple[Load, float]:
    """The load, and its moment 0 on our clock: of several answers the one that came fastest."""
    best = (float("inf"), 0.0)
    for _ in range(10):
        sent = clocks.now()
        load, moment = recall(_get(f"{agency}/simulation.json"))
        back = clocks.now()
        best = min(best, (back - sent, (sent + back) / 2 - moment))
    return load, best[1]


def _last_words(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "logs").glob("*.log")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        yield from (f"{path.stem}: {line[:300]}" for line in lines)


def table(outcome: Outcome) -> str:
    """What was done and found, in columns."""
    rows = [
        f"{'fault':34} {'times':>5} {'whole again after: median':>26} {'p95':>9} {'longest':>9}"
    ]
    for kind in outcome.kinds:
        times = outcome.recoveries.get(kind, [])
        count = sum(d.fault.kind == kind and d.whom != NOBODY for d in outcome.done)
        middle = f"{statistics.median(times):.1f} s" if times else "-"
        longest = f"{max(times):.1f} s" if times else "-"
        late = f"{sorted(times)[int(0.95 * len(times))]:.1f} s" if times else "-"
        rows.append(f"{kind:34} {count:5} {middle:>26} {late:>9} {longest:>9}")
    rows.append("")
    figures = {**outcome.verdict.figures, **outcome.figures}
    rows += [f"{name:45} {value:>12}" for name, value in figures.items()]
    rows.append("")
    rows += [f"note: {note}" for note in outcome.notes]
    for claim, wrong in outcome.verdict.wrong.items():
        rows.append(f"{'FAILED' if wrong else 'holds ':6} {claim}")
        rows += [f"       - {one}" for one in wrong[:20]]
        if len(wrong) > 20:
            rows.append(f"       - and {len(wrong) - 20} more")
    return "\n".join(rows)
