"""A folder of an SFTP server, by asyncssh.

The server is the one whose host key the configuration names, or nothing is sent to it. Nothing of
the user's own SSH configuration counts: no agent, no default key, no known_hosts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote

import asyncssh

from net.errors import FetchError
from net.places import (
    MOST_FILES,
    File,
    Got,
    Remote,
    changing,
    legible,
    not_deleted,
    too_large,
    too_many,
    unread,
    walked,
)
from net.reach import fault_of, reach

_PIECE = 1 << 20
_GOODBYE = 2.0
"""Seconds that a server has to close the connection with us."""

Answer = TypeVar("Answer")


class Sftp:
    """The folder *of* a server of SFTP that has one of *host_keys* (fingerprints); the private key
    in the file *key_file* may stand for the secret.

    :raises FetchError: where it cannot be had.
    """

    def __init__(self, of: Remote, *, key_file: str | None, host_keys: Sequence[str]) -> None:
        host = of.host
        self._host, self._max = host, of.max_bytes
        self._path = of.path.encode("utf-8", "surrogateescape")
        self._subfolders = of.subfolders
        self._end = time.monotonic() + of.seconds
        sock = reach(host, of.port or 22, allow_private=of.allow_private, seconds=of.seconds)
        self._runner = asyncio.Runner()
        self._connection: Any = None
        server = _Server(host_keys)
        try:
            self._connection = self._run(
                lambda: asyncssh.connect(
                    host,
                    sock=sock,
                    config=None,
                    username=of.user,
                    password=of.secret,
                    client_keys=[key_file] if key_file else None,
                    agent_path=None,
                    gss_kex=False,
                    gss_auth=False,
                    known_hosts=lambda *_: (
                        [],
                        [],
                        [],
                    ),  # so that the server's key is ours to judge
                    client_factory=lambda: server,
                )
            )
            self._sftp = self._run(lambda: self._connection.start_sftp_client(path_encoding=None))
        except asyncssh.HostKeyNotVerifiable as error:
            self.close()
            raise FetchError(
                "host-key",
                f"{host}: its host key is {server.shown}, which the wire's host_keys do not name;"
                " ask the agency whether it is theirs, and add it",
            ) from error
        except asyncssh.PermissionDenied as error:
            self.close()
            raise FetchError(
                "login",
                f"{host}: it refuses us; check the wire's user and its secret or client_key",
            ) from error
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, FileNotFoundError) as error:
            self.close()
            raise FetchError(
                "login",
                f"{host}: client_key cannot be read: {error}; write a private key without a pass"
                " phrase, as ssh-keygen does",
            ) from error
        except (asyncssh.Error, OSError) as error:
            self.close()
            raise fault_of(error, host) from error

    def look(self) -> Sequence[File]:
        """The files in the folder."""
        return walked(self._in, self._host, subfolders=self._subfolders)

    def _in(self, within: str) -> Sequence[File | str]:
        try:
            return self._run(lambda: self._listed(within))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied) as error:
            if within:  # it is gone, or not ours
                gone = isinstance(error, asyncssh.SFTPNoSuchFile)
                return [] if gone else [unread(within, _plain(error))]
            where = legible(self._path.decode("utf-8", "surrogateescape"))
            raise FetchError(
                "folder", f"{self._host}: {where}: {_plain(error)}; check the wire's url"
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise fault_of(error, self._host) from error

    def read(self, file: File, known: str | None) -> Got | None:
        """The bytes of *file*, if it is still the one that was seen."""
        try:
            body = self._run(lambda: self._bytes(file))
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, OSError) as error:
            raise fault_of(error, self._host) from error
        except asyncssh.SFTPError as error:
            name = legible(file.name)
            raise FetchError("unreadable", f"{name}: {_plain(error)}; ask the agency") from error
        except asyncssh.Error as error:
            raise fault_of(error, self._host) from error
        where = quote(self._named(file.name).lstrip(b"/"))
        return Got(f"sftp://{self._host}/{where}", body, file.mark)

    def remove(self, file: File) -> None:
        """Delete *file*, unless it is another by now."""
        try:
            if _mark(self._run(lambda: self._sftp.lstat(self._named(file.name)))) == file.mark:
                self._run(lambda: self._sftp.remove(self._named(file.name)))
        except asyncssh.SFTPNoSuchFile:
            return
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, OSError) as error:
            raise fault_of(error, self._host) from error
        except asyncssh.SFTPError as error:
            raise not_deleted(file.name, _plain(error)) from error

    async def _listed(self, within: str) -> Sequence[File | str]:
        found: list[File | str] = []
        count = 0
        async for entry in self._sftp.scandir(self._named(within) if within else self._path):
            count += 1
            if count > MOST_FILES:
                raise too_many(self._host)
            name, about = entry.filename.decode("utf-8", "surrogateescape"), entry.attrs
            if "/" in name or "\0" in name or name in (".", ".."):
                continue  # it leads out of the folder
            if about.type == asyncssh.FILEXFER_TYPE_DIRECTORY:
                found.append(name)
            elif about.type == asyncssh.FILEXFER_TYPE_REGULAR:
                order = float(about.mtime or 0)
                found.append(File(within + name, about.size or 0, _mark(about), order=order))
        return found

    async def _bytes(self, file: File) -> bytes:
        body = bytearray()
        async with self._sftp.open(self._named(file.name), "rb") as opened:
            while piece := await opened.read(_PIECE):
                body += piece
                if len(body) > self._max:
                    raise too_large(file.name, self._max)
            about = await opened.stat()
        if _mark(about) != file.mark or len(body) != file.size:
            raise changing(file.name)
        return bytes(body)

    def _named(self, name: str) -> bytes:
        return self._path.rstrip(b"/") + b"/" + name.encode("utf-8", "surrogateescape")

    def _run(self, begin: Callable[[], Awaitable[Answer]]) -> Answer:
        """What *begin* gives, if it does in time."""

        async def bounded() -> Answer:
            async with asyncio.timeout(self._end - time.monotonic()):
                return await begin()

        return self._runner.run(bounded())

    def close(self) -> None:
        """Leave it: say goodbye, but not for long."""
        if self._connection is not None:
            self._connection.abort()
            self._end = time.monotonic() + _GOODBYE
            with suppress(asyncssh.Error, OSError):
                self._run(self._connection.wait_closed)
        self._runner.close()


class _Server(asyncssh.SSHClient):
    """Judges the server by its key; ``shown`` is the fingerprint of what it showed."""

    def __init__(self, host_keys: Sequence[str]) -> None:
        self.shown = "not known"
        self._known = host_keys

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Whether the configuration names *key*."""
        self.shown = key.get_fingerprint()
        return self.shown in self._known


def _mark(about: asyncssh.SFTPAttrs) -> str:
    return f"{about.size} {about.mtime}"


def _plain(error: asyncssh.SFTPError) -> str:
    return legible(error.reason).rstrip(". ")
