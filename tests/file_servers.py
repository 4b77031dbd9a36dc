"""Real servers of files on loopback, in a thread of the test: SFTP, and FTP with or without TLS."""

import asyncio
import queue
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from tests.hostile import CERTIFICATE

with warnings.catch_warnings():  # it stands on asyncore, which Python gave up
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import FTPServer

USER, PASSWORD = "pti", "open-sesame-42"


@dataclass(frozen=True, slots=True)
class Sftp:
    """An SFTP server: its host and port, the fingerprint of its host key, and a key that lets
    *USER* in."""

    host: str
    port: int
    host_key: str
    client_key: Path


class _Gate(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@contextmanager
def sftp(folder: Path, keys: Path, host: str = "127.0.0.1") -> Iterator[Sftp]:
    """A server on *host* that shows *folder* as its root; its keys are made in *keys*."""
    own, theirs = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    client_key, known = keys / "client_key", keys / "authorized"
    theirs.write_private_key(client_key)
    known.write_bytes(theirs.export_public_key())
    ended = threading.Event()
    began: queue.Queue[asyncssh.SSHAcceptor] = queue.Queue()

    async def serve() -> None:
        acceptor = await asyncssh.listen(
            host,
            0,
            server_factory=_Gate,
            server_host_keys=[own],
            authorized_client_keys=str(known),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(folder)),
        )
        async with acceptor:
            began.put(acceptor)
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield Sftp(host, began.get(timeout=30).get_port(), own.get_fingerprint(), client_key)
    finally:
        ended.set()
        thread.join(30)


@contextmanager
def ftp(
    folder: Path, *, tls: bool = False, without: tuple[str, ...] = (), says: str | None = None
) -> Iterator[int]:
    """The port of a server whose root is *folder*; it knows no command in *without*, and *says*
    that it is elsewhere."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elrd")
    base = TLS_FTPHandler if tls else FTPHandler
    commands = {k: v for k, v in base.proto_cmds.items() if k not in without}
    members: dict[str, object] = {"authorizer": authorizer, "proto_cmds": commands}
    members["masquerade_address"] = says
    if tls:
        members |= {"certfile": str(CERTIFICATE), "tls_control_required": True}
        members |= {"tls_data_required": True}
    handler = type("Handler", (base,), members)
    server = FTPServer(("127.0.0.1", 0), handler)
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            server.serve_forever(timeout=0.02, blocking=False)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        ended.set()
        thread.join(30)
        server.close_all()
