"""How often somebody may come: a bucket that fills as time goes by."""

from collections.abc import Callable


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
