"""The broker's address, read once: every library that connects gets these parts, and no text."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

Check = Literal["required", "optional", "none"]
"""How far a server's certificate is checked."""

FORMS = (
    "write redis://HOST:PORT/NUMBER (rediss:// for TLS), or unix:///SOCKET?db=NUMBER, with %-codes"
    " for special characters of a password"
)

_OPTIONS = {"db", "virtual_host", "username", "password"}
_OPTIONS_OF_TLS = {
    *("ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
}


@dataclass(frozen=True, slots=True)
class Tls:
    """What is asked of a server that speaks TLS, and what it is shown."""

    check: Check = "required"
    check_hostname: bool = True
    authorities: str | None = None
    """A file of certificates to trust; None for those that the system trusts."""
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis or Valkey is: a *socket*, or a *host* and its port."""

    host: str = ""
    port: int = 6379
    socket: Path | None = None
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None

    @property
    def shown(self) -> str:
        """As people may see it: no password."""
        if self.socket is not None:
            return f"unix://{self.socket}?db={self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' * (self.tls is not None)}://{host}:{self.port}/{self.database}"


def parse(text: str) -> Address:
    """The address that *text* is: ``redis://``, ``rediss://``, ``unix://`` or ``redis+socket://``.

    Options as redis-py and Celery document them: ``db``, ``username``, ``password`` and, with
    ``rediss://``, ``ssl_cert_reqs`` and its kin. A certificate is checked unless it says
    ``ssl_cert_reqs=none``.

    :raises ValueError: if it is none, or asks for what is not known here; never tells the password.
    """
    scheme, colon, _ = text.partition("://")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise ValueError(_none()) from None
    if not colon or parts.scheme != scheme or parts.fragment:
        raise ValueError(_none())
    known = _OPTIONS | _OPTIONS_OF_TLS if scheme == "rediss" else _OPTIONS
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in known:
            raise ValueError(f"has no option {name!r}; it may have {', '.join(sorted(known))}")
    username = unquote(parts.username or "") or options.get("username") or None
    password = unquote(parts.password or "") or options.get("password") or None
    number = options.get("db", options.get("virtual_host", ""))
    if scheme in ("redis", "rediss"):
        number = parts.path.removeprefix("/") or number or "0"
        if port == 0 or (parts.path and not parts.path.startswith("/")):
            raise ValueError(_none())
        tls = _tls(options) if scheme == "rediss" else None
        return Address(
            *(unquote(host) or "127.0.0.1", port or 6379, None, _number(number)),
            *(username, password, tls),
        )
    if scheme not in ("unix", "redis+socket") or host or port or len(parts.path) < 2:
        raise ValueError(_none())
    socket = Path(unquote(parts.path))
    return Address("", 0, socket, _number(number or "0"), username, password)


def _none() -> str:
    return f"not the address of a Redis; {FORMS}"


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        raise ValueError(_none())
    return int(text)


def _tls(options: dict[str, str]) -> Tls:
    check = options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if check not in get_args(Check):
        raise ValueError(f"ssl_cert_reqs is one of {', '.join(get_args(Check))}")
    named = options.get("ssl_check_hostname", "true").lower()
    if named not in ("true", "false"):
        raise ValueError("ssl_check_hostname is true or false")
    found: Check = next(c for c in get_args(Check) if c == check)
    return Tls(
        found,
        named == "true" and found != "none",
        options.get("ssl_ca_certs"),
        options.get("ssl_certfile"),
        options.get("ssl_keyfile"),
    )
