"""One exception tree. Every message says what went wrong, where, and what to do about it."""

from wirecopy.errors import ParseError, WirecopyError

__all__ = [
    "AddressError",
    "ConfigError",
    "ExportError",
    "NewerError",
    "ParseError",
    "RenderError",
    "SigningError",
    "StoreError",
    "UnknownNameError",
    "UnknownOutcomeError",
    "WirecopyError",
]


class ConfigError(WirecopyError):
    """The configuration cannot be used; names file, key and remedy."""


class UnknownNameError(WirecopyError):
    """A wire, feed, story or capture that is not there was asked for."""


class StoreError(WirecopyError):
    """The database cannot be reached or is not one of ours."""


class AddressError(StoreError):
    """What should be the address of a database is none."""


class NewerError(StoreError):
    """A newer Wirecopy has migrated the database, which this one must not touch any more."""


class UnknownOutcomeError(StoreError):
    """The connection was lost while a transaction was committed: perhaps it was, perhaps not."""


class RenderError(WirecopyError):
    """An entry could not be rendered; it stays out of its feeds until it can be."""


NO_HEADLINE = "has no headline"
"""What a :class:`RenderError` says of a story that waits for the desk to write one."""


class SigningError(WirecopyError):
    """A statement or a checkpoint could not be signed; what waits for it stays unpublished."""


class ExportError(WirecopyError):
    """The site could not be written into its folder; what is there stays, and is tried again."""
