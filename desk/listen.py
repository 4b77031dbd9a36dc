"""Whether an address can be listened on: asked before anything starts, and by who then listens."""

import errno
import socket

from stories.config import Config
from stories.errors import WirecopyError


def listen_on(
    host: str, port: int, setting: str = "[site] listen", member: str = "web"
) -> tuple[str, int]:
    """The numeric address and the port to listen on.

    Granian shares a port with whoever listens there already (SO_REUSEPORT), so that two servers
    would split the readers; this makes sure that nobody does.

    :raises WirecopyError: naming the address, what is wrong with it, and the remedy.
    """
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as error:
        raise WirecopyError(
            f"{member}: cannot listen on {where}: {_why(error, setting)}"
        ) from error
    return str(address[0]), port


def listen_as_desk(config: Config) -> tuple[str, int]:
    """Where the desk of *config* listens.

    :raises WirecopyError: when there is none, or it cannot.
    """
    if not config.desk.enabled:
        raise WirecopyError("desk: there is none; write a table [desk] into wirecopy.toml")
    return listen_on(*config.desk.address, "[desk] listen", "desk")


def _why(error: OSError, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            "another program does already (a second `wirecopy up`?);"
            f" stop it, or set another address: {setting}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not; take a port from 1024 up: {setting}"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            "that is not an address of this machine; set one that is,"
            f' like "0.0.0.0:8080": {setting}'
        )
    return f"{error.strerror or error}; set another address: {setting}"
