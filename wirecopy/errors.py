"""What is refused, and why: the base of every error of Wirecopy's."""


class WirecopyError(Exception):
    """Anything Wirecopy refuses or could not do, told in one line for a person."""


class ParseError(WirecopyError):
    """The bytes of a capture, or of one item in it, are not what they claim to be."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state


class Refused(ValueError):  # noqa: N818 (it reads as what happened)
    """What is wrong, in one clause that can stand in a table."""


class Missing(Refused):
    """What would have to be looked at is not to be had."""
