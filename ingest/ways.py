"""The ways in: by which place the files of a wire are had, of its configuration."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from net.errors import FetchError
from net.folder import Folder
from net.places import File, Got, Place, Remote
from stories.config import Way, Wire


def place_of(wire: Wire, agent: str) -> Place:
    """The place where the files of *wire* are, open; *agent* is who we say that we are.

    :raises FetchError: where it cannot be opened.
    """
    if wire.way == "list":
        from ingest.linked import Linked  # it asks as a poll does, and polls come here

        return Linked(wire, agent)
    return _PLACES[wire.way](wire)


class Nowhere:
    """Of a wire that is sent to us: a poll looks at nothing, and tells how long nothing came."""

    def look(self) -> list[File]:
        """Nothing."""
        return []

    def read(self, file: File, known: str | None) -> Got | None:
        """Never called, as nothing is there.

        :raises FetchError: always.
        """
        raise FetchError("not-a-file", f"{file.name}: a wire that is sent to us has no files")

    def remove(self, file: File) -> None:
        """Nothing is there to be deleted."""

    def close(self) -> None:
        """Nothing was opened."""


def _sftp(wire: Wire) -> Place:
    from net.sftp import Sftp  # asyncssh takes a tenth of a second to import

    key_file = str(wire.client_key) if wire.client_key else None
    return Sftp(_remote(wire), key_file=key_file, host_keys=wire.host_keys)


def _ftp(wire: Wire) -> Place:
    from net.ftp import Ftp

    return Ftp(_remote(wire), tls=urlsplit(wire.url).scheme == "ftps")


def _remote(wire: Wire) -> Remote:
    parts = urlsplit(wire.url)
    return Remote(
        host=parts.hostname or "",
        port=parts.port,
        path=_from_home(wire.path),
        user=wire.user,
        secret=wire.secret.get_secret_value() if wire.secret else None,
        allow_private=wire.allow_private,
        max_bytes=wire.max_bytes,
        subfolders=wire.subfolders,
        seconds=wire.timeout.total_seconds(),
    )


def _from_home(path: str) -> str:
    """*path* as a server takes it: ``/~/out`` is ``out`` where the login leads."""
    return path.removeprefix("/~/") if path.startswith("/~/") else path if path[1:] else "."


_PLACES: Mapping[Way, Callable[[Wire], Place]] = {
    "folder": lambda wire: Folder(wire.path, wire.max_bytes, subfolders=wire.subfolders),
    "sftp": _sftp,
    "ftp": _ftp,
    "push": lambda _: Nowhere(),
}
