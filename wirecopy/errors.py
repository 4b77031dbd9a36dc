"""The errors of the library, and the base of all others of Wirecopy."""


class WirecopyError(Exception):
    """Anything that Wirecopy refuses or could not do; one line, for people."""


class ParseError(WirecopyError):
    """The bytes of a capture, or of one item in it, are not what they claim to be."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state


class Refused(ValueError):  # noqa: N818 (it reads as what happened)
    """A document is not what it has to be; the message says so in one clause."""


class Missing(Refused):
    """A document that is needed could not be had."""
