"""What is done when: a pure function of the seed, so that a run can be told by one number.

The plan is the same for the same seed; which instruction a process is executing when it is killed
is not, and need not be: the claim is that it does not matter.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: how often it is drawn beside the others, and how long it lasts (seconds).
    One that is ``named`` is carried out only where it is asked for by its name."""

    weight: float
    shortest: float = 0.0
    longest: float = 0.0
    named: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when (seconds after the start), what, for how long, and upon whom.

    ``pick`` lies between 0 and 1 and chooses among those who are there when it happens.
    """

    at: float
    kind: str
    lasts: float
    pick: float


KINDS: Mapping[str, Kind] = {
    # A killed process is started again, as a container would be, after as long as it "lasts".
    "kill a worker": Kind(4, 0.1, 3),
    "kill a pool process": Kind(5),
    "kill a beat": Kind(2, 0.1, 3),
    "kill a web": Kind(2, 0.1, 3),
    "kill the desk": Kind(1, 0.1, 3),
    "kill all members": Kind(1, 0.1, 3),
    "end a worker": Kind(1, 0.1, 3),
    # Longer than any lease, so that others take over what the sleeper still believes to hold.
    "stop a worker": Kind(2, 2, 45),
    "stop a pool process": Kind(1, 2, 45),
    "restart Redis": Kind(2, 0.1, 5),
    "kill Redis": Kind(1, 0.1, 5),
    "FLUSHALL": Kind(2),
    "replace Redis by an empty one": Kind(1, 0.1, 5),
    "fill the memory of Redis": Kind(1, 1, 15),
    "change the password of Redis": Kind(1, 5, 20),
    "roll out another configuration": Kind(1, 20, 50),
    "roll out the next release": Kind(1, 10, 40),
    "go back to a backup": Kind(0.2, 10, 50),
    "set a clock ahead": Kind(1, 2, 30),
    "set a clock back": Kind(1, 2, 30),
    # What is logged while it is ahead does not verify for an hour, and keys cannot be rotated.
    "set PostgreSQL's clock ahead": Kind(1, 2, 30, named=True),
    "set PostgreSQL's clock back": Kind(1, 2, 30),
    "kill what reads captures": Kind(2),
    "leave a worker little memory": Kind(1, 2, 10),
    "restart PostgreSQL (fast)": Kind(2, 0.1, 5),
    "restart PostgreSQL (immediate)": Kind(2, 0.1, 5),
    "kill a PostgreSQL backend": Kind(1),
    "fill the disk": Kind(1, 1, 8),
}
"""All kinds. A run leaves out those that it has nothing to do with."""

BETWEEN: Mapping[str, Kind] = {
    "part two hosts (dropped)": Kind(4, 2, 60),
    "part two hosts (refused)": Kind(3, 2, 45),
    "part two hosts (one way)": Kind(3, 2, 45),
    "part two hosts (other way)": Kind(3, 2, 45),
    "connections open and dead": Kind(3, 20, 60),
    "a COMMIT is lost": Kind(3, 1, 5),
    "the answer to a COMMIT is lost": Kind(3, 1, 5),
    "no name service (dropped)": Kind(1, 2, 20),
    "no name service (refused)": Kind(1, 2, 20),
    "a slow line": Kind(1, 5, 40),
    "a line that trickles": Kind(1, 5, 40),
    "a line that falls silent": Kind(1, 5, 60),
    "a line that resets": Kind(1, 2, 20),
    "power cut of a host": Kind(2, 1, 10),
    "stop a host": Kind(1, 2, 45),
    "a disk that is read-only": Kind(1, 2, 10),
    "fail over PostgreSQL": Kind(2, 0.1, 5),
    "fail over to a lagging standby": Kind(1, 2, 10),
}
"""Those that need several hosts."""

PACE = 1.5
"""Seconds between two faults of a storm are this and as many again, drawn exponentially."""

STORM = (20.0, 60.0)
"""Seconds a storm lasts, at least and at most."""


def plan(
    seed: int, seconds: float, kinds: Mapping[str, Kind], calm: float, pace: float = PACE
) -> list[Fault]:
    """The faults of a run of so many *seconds*, in order: storms, with *calm* seconds after each.

    In a storm faults come close together and overlap. Every kind comes once, in random order,
    before chance decides: a short run has them all. None lasts longer than its storm, so that the
    calm is one: what a storm leaves must be whole again within it.
    """
    chance = random.Random(seed)
    first = sorted(kinds)
    chance.shuffle(first)
    faults = []
    start = 0.0
    while start < seconds:
        end = min(start + chance.uniform(*STORM), seconds)
        at = start
        while (at := at + pace * (1 + chance.expovariate(1))) < end:
            name = first.pop() if first else _drawn(chance, kinds)
            kind = kinds[name]
            lasts = chance.uniform(kind.shortest, kind.longest)
            faults.append(Fault(at, name, min(lasts, end - at), chance.random()))
        start = end + calm
    return faults


def _drawn(chance: random.Random, kinds: Mapping[str, Kind]) -> str:
    names = sorted(kinds)
    return chance.choices(names, [kinds[n].weight for n in names])[0]
