"""What is seen again and again while a run goes on, so that what grows with time shows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import func, select

from bench.cost import tree_cpu_seconds, tree_pss
from bench.table import Table
from stories.db import Store, storage, tables
from workers.address import Broker
from workers.metrics import KEY, POLL_LAG, TASK_SECONDS

Told = dict[tuple[str, str, str], float]
"""What members told of themselves: the number of a metric's name, its first label, its part."""

PARTS = 4
"""A run is printed in so many parts, of the same length."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at a moment: seconds since any time, polls until then, bytes of the database
    and, by member, seconds of CPU used until then and bytes of memory (PSS)."""

    at: float
    polls: int
    told: Told
    database: int
    cpu: Mapping[str, float]
    memory: Mapping[str, int]


def sample(store: Store, broker: Broker, at: float, members: Mapping[str, int]) -> Sample:
    """What is to be seen now of *members*, the process ids of their trees by name."""
    # CPU is looked at right beside the polls that it was used for: memory takes a while.
    memory = {name: tree_pss(pid) or 0 for name, pid in members.items()}
    database = storage.size(store)
    cpu = {name: tree_cpu_seconds(pid) for name, pid in members.items()}
    return Sample(at, polls(store), told(broker), database, cpu, memory)


def polls(store: Store) -> int:
    """How many polls there have been."""
    with store.read() as conn:
        return int(
            conn.execute(select(func.coalesce(func.sum(tables.wires.c.polls), 0))).scalar_one()
        )


def told(broker: Broker) -> Told:
    """All metrics that members have told until now."""
    found: dict[bytes, bytes] = broker.hgetall(broker.prefix + KEY)  # type: ignore[assignment]
    sums: Told = {}
    for field, amount in found.items():
        name, labels, part = json.loads(field)
        key = (name, labels[0] if labels else "", str(part))
        sums[key] = sums.get(key, 0) + float(amount)
    return sums


def since(before: Told, after: Told) -> Told:
    """What was told between the two."""
    return {key: amount - before.get(key, 0) for key, amount in after.items()}


def lag(between: Told, share: float) -> float:
    """The quantile of the seconds from due to polled, between the bounds of the buckets."""
    bounds = [0.0, *POLL_LAG.buckets, POLL_LAG.buckets[-1]]
    counts = {
        int(part): amount
        for (name, _, part), amount in between.items()
        if name == POLL_LAG.name and part != "sum"
    }
    wanted = share * sum(counts.values())
    seen = 0.0
    for number in sorted(counts):
        if counts[number] and seen + counts[number] >= wanted:
            low, high = bounds[number], bounds[min(number + 1, len(bounds) - 1)]
            return float(low + (high - low) * (wanted - seen) / counts[number])
        seen += counts[number]
    return 0.0


def tasks(between: Told) -> dict[str, tuple[int, float]]:
    """By task how many there were, and the milliseconds on the wall that one took."""
    counts: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for (name, task, part), amount in between.items():
        if name == TASK_SECONDS.name:
            into = seconds if part == "sum" else counts
            into[task] = into.get(task, 0) + amount
    return {
        task.rpartition(".")[2]: (int(count), 1e3 * seconds.get(task, 0) / count)
        for task, count in sorted(counts.items())
        if count
    }


def parts(samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """The first and the last sample of each of :data:`PARTS` parts; each begins where the one
    before ends. There is one sample more than parts, at least."""
    ends = [samples[(len(samples) - 1) * part // PARTS] for part in range(PARTS + 1)]
    return list(pairwise(ends))


def table(samples: Sequence[Sample]) -> Table:
    """The parts of a run side by side."""
    pairs = parts(samples)
    made = Table(
        "series",
        f"In {len(pairs)} parts of {pairs[0][1].at - pairs[0][0].at:.0f} s",
        ("", *(f"until {after.at - samples[0].at:,.0f} s" for _, after in pairs)),
    )

    def row(name: str, *cells: float) -> None:
        made.rows.append((name, *cells))

    between = [since(before.told, after.told) for before, after in pairs]
    spans = [after.at - before.at for before, after in pairs]
    counts = [after.polls - before.polls for before, after in pairs]
    row("polls a second", *(n / span for n, span in zip(counts, spans, strict=True)))
    row("due → polled: p50, s", *(lag(each, 0.5) for each in between))
    row("due → polled: p99, s", *(lag(each, 0.99) for each in between))
    row("database, MB", *(after.database / 1e6 for _, after in pairs))
    for name in samples[0].cpu:
        used = [after.cpu[name] - before.cpu[name] for before, after in pairs]
        row(f"{name}: cores", *(cpu / span for cpu, span in zip(used, spans, strict=True)))
        each = zip(used, counts, strict=True)
        row(f"{name}: µs a poll", *(1e6 * cpu / max(count, 1) for cpu, count in each))
    for name in samples[0].memory:
        row(f"{name}: MB", *(after.memory[name] / 1e6 for _, after in pairs))
    return made
