"""What can go wrong on the way out."""

from wirecopy.errors import WirecopyError


class FetchError(WirecopyError):
    """A response could not be had. ``state`` is the wire's state it leads to (``timeout`` …)."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state
