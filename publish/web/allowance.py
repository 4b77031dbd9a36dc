"""How often somebody may come: a bucket that fills as time goes by."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial

REMEMBERED = 10_000
"""Of whom it is known how often they came: some megabytes."""


class Allowance:
    """*burst* at once, and *a_second* more each second after those; *monotonic* in seconds."""

    def __init__(self, monotonic: Callable[[], float], burst: float, a_second: float) -> None:
        self._monotonic = monotonic
        self._burst, self._a_second = burst, a_second
        self._left, self._at = burst, monotonic()

    def wait(self) -> float:
        """Take one; 0.0, or the seconds until there is one."""
        now = self._monotonic()
        self._left = min(self._left + (now - self._at) * self._a_second, self._burst)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._a_second
        self._left -= 1
        return 0.0


class Allowances:
    """An :class:`Allowance` for each of many, those who came last. For any thread."""

    def __init__(self, monotonic: Callable[[], float], burst: float, a_second: float) -> None:
        self._new = partial(Allowance, monotonic, burst, a_second)
        self._lock = threading.Lock()
        self._of: OrderedDict[Hashable, Allowance] = OrderedDict()

    def wait(self, who: Hashable) -> float:
        """Take one of *who*'s; 0.0, or the seconds until there is one."""
        with self._lock:
            allowance = self._of.pop(who, None) or self._new()
            while len(self._of) >= REMEMBERED:
                self._of.popitem(last=False)
            self._of[who] = allowance
            return allowance.wait()
