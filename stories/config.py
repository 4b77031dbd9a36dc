"""The configuration: the publisher, its wires and its feeds, as ``wirecopy.toml`` has them.

Every key can also be given as an environment variable: ``WIRECOPY_`` plus the key in capitals,
``__`` between levels (``WIRECOPY_PUBLISHER__NAME``); lists are JSON (``WIRECOPY_WIRES='[…]'``).
The environment wins over the file. Secrets (a wire's ``headers``) never appear in a ``repr``.
"""

import codecs
import difflib
import json
import os
import re
import tomllib
import types
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property, lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from net.ssrf import inside
from stories import broker, folders
from stories.desk_marks import Rule
from stories.errors import ConfigError
from stories.labels import EXCEPTED, LABELS, WORDINGS, Wording
from stories.models import IdentityRule
from wirecopy.custody import ADDRESS
from wirecopy.scope import SCOPES, Part, Scope

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+[smhdw])+", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
"""A language tag (RFC 5646): all languages have codes of two or three letters."""
_LAST_LATIN = 0x24F
_ENGLISH = re.compile(r"\b(?:the|this|that|been|from|with)\b", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_DATABASE = re.compile(r"(?:postgres(?:ql)?|sqlite)(?:\+\w+)?://", re.ASCII)

PREFIX = "WIRECOPY_"
LEVEL = "__"
"""Between the levels of a key, as pydantic-settings reads it; a key has no two underscores."""

FILE = f"{PREFIX}CONFIG"
_FOR_TESTS = f"{PREFIX}TEST_"
_OF_A_SERVICE = re.compile(rf"{PREFIX}(?:SERVICE_(?:HOST|PORT)|PORT)(?:_\w+)?")
"""What Kubernetes sets in every container beside a service named wirecopy."""

LONGEST_TIMEOUT = timedelta(minutes=2)
"""The longest timeout of a wire: a poll must end well before its task is ended
(``workers.app.LONGEST_TASK``), so that a wire that is too slow gets a state that says so."""


LONGEST = timedelta(days=36_500)
"""A hundred years: more than any use, and little enough that no date overflows with it."""


def duration(text: object) -> object:
    """``"90s"``, ``"2m"``, ``"1h30m"``, ``"7d"`` as a timedelta; anything else is refused."""
    if isinstance(text, str) and _DURATION.fullmatch(text):
        # float, as int refuses thousands of digits; exact as far as is allowed.
        parts = re.findall(r"(\d+)([smhdw])", text)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if seconds > LONGEST.total_seconds():
            raise ValueError("too long; at most a hundred years (36500d)")
        return timedelta(seconds=seconds)
    if isinstance(text, timedelta):
        return text
    raise ValueError('not a duration; write a number and a unit, like "90s", "2m", "1h30m" or "7d"')


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            "a name is 1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit"
        )
    return text


def is_address(text: str | None) -> bool:
    """Whether *text* is a web address, and not the name of a file, or nothing."""
    return text is not None and re.match(r"(?i)[a-z][a-z0-9+.-]*://", text) is not None


def _web(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not a web address; write it whole, like https://www.example.com")
    if parts.username or parts.password:
        raise ValueError("credentials do not belong in an address; put them in the wire's headers")
    if not _has_port(parts):
        raise ValueError(
            "what follows the host is no port; write a number from 1 to 65535, or none"
        )
    return text


Way = Literal["pull", "folder", "sftp", "ftp", "push", "list"]
"""How the bytes of a wire come: by asking its address, out of a folder, from a server of files, as
they are sent to us, or by asking the addresses that a list names."""

_WAYS: dict[str, Way] = {
    **{"http": "pull", "https": "pull", "file": "folder"},
    **{"sftp": "sftp", "ftp": "ftp", "ftps": "ftp", "push": "push"},
}


def _source(text: str) -> str:
    """*text* as the address of a wire."""
    parts = urlsplit(text)
    way = _WAYS.get(parts.scheme, "pull")
    if way == "pull":
        return _web(text)
    if parts.query or parts.fragment:
        raise ValueError("has neither ? nor #; write those of a name as %3F and %23")
    if way == "push" and text != "push:":
        raise ValueError('a wire that is sent to us has no address; write "push:"')
    if way == "folder" and (
        parts.netloc not in ("", "localhost") or not re.match("/.", parts.path)
    ):
        raise ValueError("not a folder of this machine; write it whole, like file:///srv/pti")
    if way in ("sftp", "ftp"):
        if "@" in parts.netloc:
            raise ValueError("credentials do not belong in an address; write user and secret_env")
        if not parts.hostname or not _has_port(parts):
            raise ValueError(f"not a server; write it like {parts.scheme}://files.example.com/out")
    return text


def _has_port(parts: SplitResult) -> bool:
    """Whether the port, if there is one, is valid."""
    try:
        return parts.port != 0
    except ValueError:  # its message may hold part of a password
        return False


def _listening(text: str, example: str) -> str:
    """*text* as host and port to listen on."""
    try:
        ok = urlsplit(f"//{text}").port is not None
    except ValueError:
        ok = False
    if not ok:
        raise ValueError(f'write host and port, like "{example}"')
    return text


def _base(text: str) -> str:
    if "?" in text or "#" in text:
        raise ValueError(
            "addresses are made by adding to it, so it has neither ? nor #; end it there"
        )
    return _web(text).rstrip("/")


Duration = Annotated[
    timedelta, BeforeValidator(duration), PlainSerializer(lambda d: f"{int(d.total_seconds())}s")
]
Gap = Annotated[
    timedelta,
    BeforeValidator(lambda v: timedelta(0) if v in ("0s", 0) else duration(v)),
    PlainSerializer(lambda d: f"{int(d.total_seconds())}s"),
]
Name = Annotated[str, BeforeValidator(lambda v: _name(v) if isinstance(v, str) else v)]
Web = Annotated[str, BeforeValidator(lambda v: _web(v) if isinstance(v, str) else v)]
Source = Annotated[str, BeforeValidator(lambda v: _source(v) if isinstance(v, str) else v)]
Base = Annotated[str, BeforeValidator(lambda v: _base(v) if isinstance(v, str) else v)]


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except Exception as error:
        raise ValueError(
            "not a zone of the tz database, like Asia/Kolkata; abbreviations such as IST, which"
            " stands for three zones, are none"
        ) from error
    return text


Zone = Annotated[str, AfterValidator(_zone)]


def _charset(text: str) -> str:
    every = "".join(map(chr, range(32, 127))) + "\\u0041"
    try:
        name = codecs.lookup(text).name
        fits = every.encode().decode(name) == every and every.encode(name) == every.encode()
    except (LookupError, ValueError):
        fits = False
    if not fits or name.startswith("utf"):
        raise ValueError(
            'not the name of an encoding that has ASCII as it is, like "windows-1251", "cp437" or'
            ' "iso-8859-2"; UTF-8, 16 and 32 are known by their bytes'
        )
    return name


Charset = Annotated[str, AfterValidator(_charset)]
"""An encoding by the name that Python has for it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Publisher(_Part):
    """Who publishes, and the addresses of its site, its stories and pictures of itself."""

    name: str = Field(min_length=1)
    url: Base
    staff: str = ""
    story_url: str | None = None
    icon: Web | None = None
    logo: Web | None = None
    withdrawn: Literal["notice", "nothing"] = "notice"
    _authority: str = PrivateAttr("")

    @property
    def staff_name(self) -> str:
        """Who did not edit the story, as the disclosure names them."""
        return self.staff or f"{self.name} staff"

    @property
    def authority(self) -> str:
        """The host of the publisher, which makes its ids different from other publishers': that
        under which the store began, whatever ``url`` is today."""
        return self._authority or urlsplit(self.url).hostname or self.url

    def began_as(self, authority: str) -> None:
        """Let ids be those of the host *authority*."""
        self._authority = authority

    @field_validator("story_url")
    @classmethod
    def _pattern(cls, text: str | None) -> str | None:
        if text is None:
            return None
        _web(text)
        holes = re.findall(r"\{([^{}]*)\}", text)
        if "id" not in holes or set(holes) - {"id", "slug"}:
            raise ValueError("must hold {id}, may hold {slug}, and no other hole")
        return text


class Site(_Part):
    """Where the feeds are served (``url``), the address to listen on, and the folder that has the
    site as files (``export``).

    ``/status`` shows wire addresses and faults, so it answers only requests with ``status_token``,
    and none when it is not set. The client's address proves nothing: behind a proxy on the same
    machine every request comes from loopback. ``/metrics`` is open unless it has a token or an
    address of its own.

    ``stale`` is how long a web serves what the database cannot confirm (publish/web/stale.py).
    """

    url: Base = "http://127.0.0.1:8080"
    listen: str = ""
    timezone: Zone | None = None
    status_token: SecretStr | None = None
    metrics_token: SecretStr | None = None
    metrics_listen: str = ""
    export: Path | None = None
    stale: Gap = timedelta(minutes=5)
    search: bool | None = None

    @property
    def is_searched(self) -> bool:
        """Whether pages have a box for search: if not said, where not only files are served, which
        nobody can ask."""
        return self.search if self.search is not None else self.export is None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on: ``listen``, else those of ``url``."""
        parts = urlsplit(f"//{self.listen}" if self.listen else self.url)
        return parts.hostname or "127.0.0.1", parts.port or 8080

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port that ``/metrics`` is kept to; None for those of the site."""
        parts = urlsplit(f"//{self.metrics_listen}")
        return (parts.hostname or "127.0.0.1", parts.port) if parts.port else None

    @field_validator("status_token", "metrics_token")
    @classmethod
    def _hard_to_guess(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not re.fullmatch(r"[!-~]{16,200}", token.get_secret_value()):
            raise ValueError("write 16 to 200 ASCII characters without spaces, drawn at random")
        return token

    @field_validator("listen", "metrics_listen")
    @classmethod
    def _listen(cls, text: str) -> str:
        return text and _listening(text, "0.0.0.0:8080")


Grant = Literal["tdm", "ai-index", "ai-input", "ai-train", "pictures"]
"""What a licence may let machines do with copy besides finding it (publish/licence.py); and whether
we may keep its pictures."""


class Wire(_Part):
    """One incoming feed of an agency. The scheme of its ``url`` says by which way it comes."""

    name: Name
    aliases: tuple[Name, ...] = ()
    url: Source
    agency: str | None = None
    code: str | None = None
    every: Duration = timedelta(minutes=5)
    allow_private: bool = False
    timezone: Zone = "UTC"
    charset: Charset | None = None
    language: str | None = None
    noindex: bool = False
    grants: tuple[Grant, ...] = ()
    rights: str | None = None
    canonical: Literal["own", "agency"] = "own"
    identity: IdentityRule = "guid"
    conserve: Literal["quarantine", "unknown"] = "quarantine"
    trust_validators: bool = True
    trust_ttl: bool = True
    push: bool = False
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    headers_env: dict[str, str] = Field(default_factory=dict)
    proxy: SecretStr | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    user: str = ""
    secret: SecretStr | None = None
    secret_env: str = ""
    secret_file: Path | None = None
    host_keys: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    subfolders: bool = False
    delete_taken: bool = False
    links: bool = False
    timeout: Duration = timedelta(seconds=30)
    max_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    expires_after: Duration | None = None
    trim: tuple[Rule, ...] = ()
    keys: str | None = None
    must_sign: bool = False

    @field_validator("keys")
    @classmethod
    def _address_or_file(cls, keys: str | None) -> str | None:
        if keys is not None and not keys.strip():
            raise ValueError(
                "is empty; write the address of the agency's key set, or the name of a file of it"
            )
        if keys is None or not is_address(keys):
            return keys
        if not ADDRESS.fullmatch(_web(keys)):
            raise ValueError(
                "is no address that verifiers ask; write the host in ASCII (xn--…), and a path"
                " whose spaces and letters beyond ASCII are percent-encoded"
            )
        return keys

    @property
    def way(self) -> Way:
        """How its bytes come."""
        return "list" if self.links else _WAYS[urlsplit(self.url).scheme]

    @property
    def path(self) -> str:
        """The folder that its address names, on this machine or on a server."""
        return unquote(urlsplit(self.url).path, errors="surrogateescape")

    @field_validator("every", "timeout", "expires_after")
    @classmethod
    def _not_nothing(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(seconds=1):
            raise ValueError("must be at least 1s")
        return value

    @field_validator("timeout")
    @classmethod
    def _within_a_task(cls, value: timedelta) -> timedelta:
        if value > LONGEST_TIMEOUT:
            raise ValueError("must be at most 2m; ask the agency to make a slower feed faster")
        return value

    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, data: Any) -> Any:
        """Take the values of ``headers_env`` and ``secret_env`` from the variables they name, so
        that the file need not be secret."""
        if not isinstance(data, dict):
            return data
        if isinstance(named := data.get("headers_env"), dict):
            found = {key: _variable(f"headers_env: {key}", name) for key, name in named.items()}
            data = {**data, "headers": {**data.get("headers", {}), **found}}
        if name := data.get("secret_env"):
            data = {**data, "secret": _variable("secret_env", name)}
        return data

    @field_validator("proxy")
    @classmethod
    def _of_a_proxy(cls, proxy: SecretStr | None) -> SecretStr | None:
        address = proxy.get_secret_value() if proxy is not None else ""
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https", "socks5", "socks5h")
        if address and not (known and parts.hostname and _has_port(parts)):
            raise ValueError(
                "not the address of a proxy; write it like http://proxy.example:3128 (http, https,"
                ' socks5 or socks5h), or "" for none'
            )
        return proxy

    @model_validator(mode="after")
    def _signed_by_somebody(self) -> "Wire":
        if self.must_sign and self.keys is None:
            raise ValueError(
                "must_sign: nobody's signature can be checked without keys; name the agency's,"
                ' as keys = "https://agency.example/.well-known/jwks.json"'
            )
        return self

    @model_validator(mode="after")
    def _key_of_a_certificate(self) -> "Wire":
        if self.client_key and not self.client_cert and self.way != "sftp":
            raise ValueError("client_key: is of no use without client_cert; name the certificate")
        return self

    @field_validator("secret")
    @classmethod
    def _one_line(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not re.fullmatch(r"[^\r\n\0]+", secret.get_secret_value()):
            raise ValueError("must be one line, and not empty")
        return secret

    @field_validator("host_keys")
    @classmethod
    def _fingerprints(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", key):
                raise ValueError(
                    f"{key[:60]!r} is no fingerprint; write it as ssh-keygen -lf prints it, like"
                    " SHA256:uNiVztksCsDhcc0u9e8BrhW+5Z0Ml3uEY5P7gCOoKFc"
                )
        return keys

    @field_validator("headers")
    @classmethod
    def _headers(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for key, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", key):
                raise ValueError(f"{key!r} is not a header name (RFC 9110 §5.1)")
            if re.search(r"[\r\n\0]", value.get_secret_value()):
                raise ValueError(f"the value of {key} holds a line break")
        return headers


RULES = frozenset(
    ("agency", "code", "timezone", "charset", "language", "identity", "conserve", "max_bytes")
) | {"keys", "must_sign", "trim", "rights"}
"""What of a wire decides how its captures are read and its stories are shown: it is kept when the
wire leaves the configuration, so that a replay gives what was published. Neither secrets nor what
the agency's licence lets machines do are."""


def as_left(name: str, url: str, rules: Mapping[str, Any] | None) -> Wire:
    """The wire of that *name*, which was at *url* and had these *rules* when it was last
    configured, as far as they are known and still mean something."""
    try:
        return Wire(name=name, url=url, **(rules or {}))
    except ValidationError:
        return Wire.model_construct(name=name, url=url)


def _variable(key: str, name: object) -> str:
    """The value of the environment variable *name*, which the wire's *key* names."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        # Unnamed here: it may be the secret itself.
        raise ValueError(
            f"{key}: is no name of an environment variable; put its value into one, and the"
            " variable's name here"
        )
    value = os.environ.get(name, "")
    if not value:
        raise ValueError(
            f"{key}: the environment variable {name} is not set; set it for every process of"
            " Wirecopy"
        )
    return value


class Politeness(_Part):
    """How many polls of a host and of an agency run at once, and the gap between two starts."""

    per_host: int = Field(default=2, ge=1)
    per_agency: int = Field(default=4, ge=1)
    gap: Gap = timedelta(seconds=1)


class Media(_Part):
    """Whether pictures are kept and served by ourselves, in which ``widths``."""

    keep: bool = False
    widths: tuple[int, ...] = (320, 640, 1280)
    max_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024)

    @field_validator("widths")
    @classmethod
    def _ascend(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        ascending = list(widths) == sorted(set(widths))
        if not (1 <= len(widths) <= 8 and ascending and widths[0] >= 64 and widths[-1] <= 4096):
            raise ValueError("write one to eight widths in pixels, 64 to 4096, the smallest first")
        return widths


class Retention(_Part):
    """How long what was received is kept. What still stands on its wire is always kept."""

    captures: Duration = timedelta(days=90)
    versions: Duration = timedelta(days=3650)
    pictures: Duration = timedelta(days=90)


class Alerts(_Part):
    """Where alerts go, besides the log and ``wirecopy status``: a web hook, JSON by POST. And when
    one begins (``workers.alerts.judge``)."""

    url: Web | None = None
    failing_after: Duration = timedelta(hours=1)
    quiet_after: Duration = timedelta(hours=1)
    quiet_times: float = Field(4, ge=1, le=1000)


class Hub(_Part):
    """Push by WebSub: a hub of our own, or with a ``url`` another one's, which is told of changes.

    Off without this table: a hub has to be reached where the feeds say.
    """

    enabled: bool = True
    url: Web | None = None
    allow_private: bool = False
    signature: Literal["sha256", "sha384", "sha512"] = "sha256"


class Desk(_Part):
    """The desk in the browser: its own address to listen on (``listen``), the address under which
    people open it (``url``), and who says who they are (``login``).

    ``password``: they do, with the password that they set. ``header:NAME``: a proxy that has signed
    them in does, in that header of a request. It is believed if it comes from one of the
    ``trusted`` addresses, and otherwise not looked at. Off without this table. ``timezone`` is that
    of the times on its pages; if not said the site's, else the machine's.
    """

    enabled: bool = True
    listen: str = "127.0.0.1:8081"
    url: Base | None = None
    login: str = "password"
    trusted: tuple[str, ...] = ()
    on_update: Literal["publish", "hold-headline"] = "publish"
    timezone: Zone | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        parts = urlsplit(f"//{self.listen}")
        return parts.hostname or "127.0.0.1", parts.port or 8081

    @property
    def origin(self) -> str:
        """The address under which people open it: ``url``, else that of ``listen``."""
        host, port = self.address
        with suppress(ValueError):
            if ip_address(host).is_unspecified:
                host = "127.0.0.1"  # a page cannot be opened at "every address"
        return self.url or f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def header(self) -> str | None:
        """The header, in lower case, in which a proxy says who asks; None for passwords alone."""
        kind, _, name = self.login.partition(":")
        return name.lower() if kind == "header" else None

    @field_validator("listen")
    @classmethod
    def _listen(cls, text: str) -> str:
        return _listening(text, "127.0.0.1:8081")

    @field_validator("url")
    @classmethod
    def _whole_host(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).path:
            raise ValueError("the desk has a host of its own; write it without a path")
        return url

    @field_validator("login")
    @classmethod
    def _known_way(cls, text: str) -> str:
        if not re.fullmatch(r"password|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+", text):
            raise ValueError(
                'write "password", or "header:" and its name, like header:X-Remote-User'
            )
        return text

    @field_validator("trusted")
    @classmethod
    def _networks(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for each in addresses:
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(
                    f"{each!r} is no address; write one, like 127.0.0.1, or a network, like"
                    " 10.0.0.0/8"
                ) from error
        return addresses

    @model_validator(mode="after")
    def _believes_somebody(self) -> "Desk":
        if self.header is not None and not self.trusted:
            raise ValueError(
                "login: a header is believed from trusted addresses alone; name your proxy's, as"
                ' trusted = ["127.0.0.1"]'
            )
        return self


class Signing(_Part):
    """The folder of the private keys, and how long a new key is published before it signs.

    Whoever checks a statement may have the list of keys from as long ago as ``overlap``.
    """

    keys: Path | None = None
    overlap: Gap = timedelta(days=1)


class Feed(_Part):
    """One outgoing feed: stories that match *every* criterion given, *any* value within one."""

    name: Name
    aliases: tuple[Name, ...] = ()
    title: str = Field(min_length=1)
    description: str = ""
    wires: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    urgency: tuple[int, ...] = ()
    scopes: tuple[Scope, ...] = ()
    limit: int = Field(default=50, ge=1, le=1000)
    private: bool = False
    headline_limit: int | None = Field(default=None, ge=1, le=300)

    @field_validator("agencies", "categories", "places", "keywords")
    @classmethod
    def _words(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(any(c.isprintable() and not c.isspace() for c in name) for name in names):
            raise ValueError("holds an empty text, which selects nothing; take it out")
        return names

    @field_validator("languages")
    @classmethod
    def _tags(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        for tag in languages:
            if not _LANGUAGE.fullmatch(tag.replace("_", "-")):
                raise ValueError(
                    f"{tag!r} is no language tag, so it selects nothing; write its code, like"
                    ' "en", "hi" or "en-IN" (RFC 5646)'
                )
        return languages


def _check_way(wire: Wire) -> None:
    """Refuse a wire that lacks what its way needs, or has what means nothing for it.

    Not the wire's own affair: what reads captures is told neither secrets nor ways.
    """
    secret, fault = wire.secret or wire.secret_file, ""
    if wire.way == "push" and not secret:
        fault = "secret_env: name the variable with the secret that senders must have"
    elif wire.way == "sftp" and not (wire.user and (secret or wire.client_key)):
        fault = "user: an sftp wire needs it, and secret_env or client_key"
    elif wire.links and _WAYS[urlsplit(wire.url).scheme] != "pull":
        fault = "links: is for https and http, as a list is asked for there"
    elif secret and wire.way in ("pull", "list", "folder"):
        fault = "secret: is for push, sftp and ftp; credentials of HTTP are headers"
    elif wire.push and wire.way != "pull":
        fault = "push: is for feeds that are asked over http and https, which name a hub"
    elif wire.keys and wire.way == "push":
        fault = "keys: is for wires that are asked; what is sent to us proves itself by its secret"
    elif wire.files and wire.way in ("pull", "push"):
        fault = "files: is for folders, sftp, ftp and lists of links; nothing else has several"
    elif (wire.delete_taken or wire.subfolders) and wire.way not in ("folder", "sftp", "ftp"):
        key = "delete_taken" if wire.delete_taken else "subfolders"
        fault = f"{key}: is for folders, sftp and ftp; nothing else has files"
    if fault:
        raise ValueError(f"wires: {wire.name!r}: {fault}")


def _check_push(wire: Wire, site: Site) -> None:
    """Refuse to ask hubs to push to where none can: each would be asked in vain for ever."""
    host = urlsplit(site.url).hostname or ""
    if wire.push and (kind := inside(host, allow_private=wire.allow_private)):
        raise ValueError(
            f"wires: {wire.name!r}: push: a hub has to reach us at site.url, and {host} is {kind};"
            " set site.url to the address that the internet knows, or leave push out"
        )


def _check_aliases(kind: str, listed: Sequence[Wire] | Sequence[Feed]) -> None:
    """Refuse a former name that is somebody's name, or of two."""
    live, taken = {each.name for each in listed}, dict[str, str]()
    for each in listed:
        for alias in each.aliases:
            if alias in live:
                raise ValueError(
                    f"{kind}: {alias!r} is an alias of {each.name!r} and a name; an alias is a"
                    " former name, so take it out or rename the other"
                )
            if taken.setdefault(alias, each.name) != each.name:
                raise ValueError(
                    f"{kind}: {alias!r} is an alias of {taken[alias]!r} and {each.name!r}; only one"
                    " can go on with what it had"
                )


def _untrue(scope: str, line: str) -> str:
    """The words of a disclosure that claim more than *scope* means; empty for none."""
    # Imported here: it takes a tenth of a second, and most configurations have no such lines.
    from wirecopy.claims import contradiction
    from wirecopy.text import plain

    return contradiction(scope, [plain(line)])


def _check_line(scope: str, line: str, language: str) -> None:
    """Refuse a disclosure for *scope* in *language* that cannot be printed, or is untrue."""
    if scope not in SCOPES:
        raise ValueError(f"{scope!r} is no edit scope; they are {', '.join(SCOPES)}")
    allowed = ["{staff}", "{publisher}", "{agency}"]
    if scope in EXCEPTED and _base_of(language) in WORDINGS:
        allowed.append("{parts}")
    if {*re.findall(r"\{[^{}]*\}", line)} - {*allowed} or line.count("{") != line.count("}"):
        raise ValueError(
            f"the line for {scope!r} may hold {', '.join(allowed[:-1])} and {allowed[-1]} only"
        )
    if untrue := _untrue(scope, line):
        raise ValueError(
            f"the line for {scope!r} says {untrue!r}, which is not true of that scope, and"
            " every verifier would say so; word it otherwise, or leave it out"
        )


def _base_of(language: str) -> str:
    """The language of a tag without its region or script: ``hi`` of ``hi-IN``."""
    return language.lower().replace("_", "-").partition("-")[0]


def _script(letter: str) -> str:
    """The script of *letter* by the first word of its name: ``DEVANAGARI``, ``ARABIC``."""
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""


def _listed(words: Wording, parts: Sequence[Part], *, film: bool) -> str:
    """The *parts* as a sentence names them: ``the headline, links and pictures``."""
    names = {"headline": words.headline, "links": words.links, "packaging": words.packaging}
    names["media"] = words.film if film else words.media
    *first, last = [names[part] for part in parts if part in names] or [""]
    return f"{', '.join(first)}{words.and_}{last}" if first else last


def _line_of(words: Wording, scope: Scope) -> str:
    """Our sentence for *scope* in the language of *words*; empty for none."""
    return words.whole if scope == "verbatim" else words.except_ if scope in EXCEPTED else ""


Kind = Literal["wire", "feed"]


class Disclosure(NamedTuple):
    """The sentence under a story, empty for none; its language, empty where that is not known."""

    text: str
    language: str


class Config(BaseSettings):
    """Everything that is configured. Load it with :func:`load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=LEVEL, extra="forbid", frozen=True
    )

    publisher: Publisher
    site: Site = Site()
    wires: tuple[Wire, ...] = ()
    feeds: tuple[Feed, ...] = ()
    disclosures: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    politeness: Politeness = Politeness()
    media: Media = Media()
    retention: Retention = Retention()
    alerts: Alerts = Alerts()
    hub: Hub = Hub(enabled=False)
    desk: Desk = Desk(enabled=False)
    signing: Signing = Signing()
    user_agent: str = ""
    data: Path = Path("wirecopy-data")
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    worker_processes: int = Field(default=2, ge=1, le=256)
    log: Literal["auto", "json", "console"] = "auto"
    _began: dict[Kind, dict[str, str]] = PrivateAttr(default_factory=dict)
    _left: dict[str, Wire] = PrivateAttr(default_factory=dict)

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not _DATABASE.match(url.get_secret_value()):
            raise ValueError(
                "not the address of a database; write postgresql://USER@HOST/NAME, or sqlite:///PATH"
            )
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            broker.parse(url.get_secret_value())
        return url

    @field_validator("disclosures", mode="before")
    @classmethod
    def _are_lines(cls, given: Any) -> Any:
        """Refuse what is no line in one sentence; the two types of a value make two of it."""
        tables = [given, *given.values()] if isinstance(given, dict) else []
        for table in (t for t in tables if isinstance(t, dict)):
            for key, line in table.items():
                if not isinstance(line, str) and (table is not given or not isinstance(line, dict)):
                    raise ValueError(f'{key}: must be text in quotes, like "…"')
        return given

    @field_validator("disclosures")
    @classmethod
    def _known_scopes(cls, lines: dict[str, str | dict[str, str]]) -> dict[str, Any]:
        for key, line in lines.items():
            if isinstance(line, str):
                _check_line(key, line, "en")
            elif key in SCOPES or not _LANGUAGE.fullmatch(key):
                raise ValueError(
                    f"{key!r} is no language; write a table for each, like [disclosures.hi]"
                )
            else:
                for scope, each in line.items():
                    _check_line(scope, each, key)
        return lines

    @model_validator(mode="after")
    def _whole(self) -> "Config":
        names = [w.name for w in self.wires]
        for kind, listed in (("wires", self.wires), ("feeds", self.feeds)):
            for twice in (n for n, times in Counter(e.name for e in listed).items() if times > 1):
                raise ValueError(f"{kind}: two are named {twice!r}; give each its own name")
            _check_aliases(kind, listed)
        for each in self.wires:
            _check_way(each)
            _check_push(each, self.site)
        if self.site.metrics_address == self.site.address:
            raise ValueError("site.metrics_listen: is where the site is; take another port")
        if self.desk.enabled and self.desk.address in (
            self.site.address,
            self.site.metrics_address,
        ):
            raise ValueError("desk.listen: is where the site is; take another port")
        known = set(names)
        for feed in self.feeds:
            for wire in feed.wires:
                if wire not in known:
                    now = next((w.name for w in self.wires if wire in w.aliases), None)
                    if now is not None:
                        raise ValueError(
                            f"feeds: {feed.name!r} asks for wire {wire!r}, which is {now!r} now;"
                            " write that"
                        )
                    raise ValueError(
                        f"feeds: {feed.name!r} asks for wire {wire!r}, which is none of [[wires]]:"
                        f" correct the name, or add it there{_near(wire, names)}"
                    )
        return self

    @property
    def outgoing(self) -> tuple[Feed, ...]:
        """The feeds configured, or, when none are, one feed ``all`` of every wire."""
        return self.feeds or (Feed(name="all", title=self.publisher.name),)

    @property
    def public_feeds(self) -> tuple[Feed, ...]:
        """Those of :attr:`outgoing` that anybody may read. What stands in none of them is shown to
        subscribers of private feeds alone."""
        return tuple(feed for feed in self.outgoing if not feed.private)

    @property
    def public_names(self) -> list[str]:
        """The names of :attr:`public_feeds`."""
        return [feed.name for feed in self.public_feeds]

    @property
    def has_own_pages(self) -> bool:
        """Whether people read the stories on our own site."""
        return self.publisher.story_url is None

    @property
    def database(self) -> str | Path:
        """Where the store is: ``database_url``, else the path of SQLite's file in the data folder.

        A path, and no URL made of it: folders may hold ``?``, ``#`` and ``%``.
        """
        if self.database_url is None:
            return self.data.resolve() / "wirecopy.sqlite3"
        return self.database_url.get_secret_value()

    @property
    def keys_folder(self) -> Path:
        """Where the private keys are: ``signing.keys``, else ``keys`` in the data folder."""
        return self.signing.keys or self.data / "keys"

    @property
    def is_hub(self) -> bool:
        """Whether we are the hub of our feeds."""
        return self.hub.enabled and self.hub.url is None

    @cached_property
    def hub_address(self) -> str | None:
        """The hub that our feeds name, None for none."""
        if not self.hub.enabled:
            return None
        return self.hub.url or f"{self.site.url}/hub"

    @property
    def agent(self) -> str:
        """The User-Agent: ``user_agent``, else our name and the site's address."""
        return self.user_agent or f"Wirecopy/1.0 (+{self.site.url}/)"

    def wire(self, name: str) -> Wire | None:
        """The wire of that name, or None."""
        return self._wires_by_name.get(name)

    def first_name(self, kind: Kind, name: str) -> str:
        """The name under which the wire or feed *name* began, of which ids are made: so no other
        name moves them."""
        return self._began.get(kind, {}).get(name, name)

    def rules(self, wire: str) -> Wire | None:
        """How copy of the *wire* of that name is read and shown: as configured, or, where it is
        configured no longer, as last configured (:data:`RULES`)."""
        return self._wires_by_name.get(wire) or self._left.get(wire)

    @property
    def every_rules(self) -> tuple[Wire, ...]:
        """The wires configured, and after them those that were."""
        return (*self.wires, *(self._left[name] for name in sorted(self._left)))

    def address_of(self, wire: str) -> str | None:
        """The address of the wire of that name, as last configured."""
        known = self.rules(wire)
        return known.url if known else None

    def recall(
        self, authority: str, began: Mapping[Kind, dict[str, str]], left: Mapping[str, Wire]
    ) -> None:
        """Take from the store what this file does not say: the host and the first names of which
        ids are made, and the wires that are configured no longer, as they last were."""
        self.publisher.began_as(authority)
        self._began, self._left = dict(began), dict(left)

    @cached_property
    def _wires_by_name(self) -> dict[str, Wire]:
        return {w.name: w for w in self.wires}

    def siblings(self, wire: str) -> list[str]:
        """The wires of the agency of the *wire* of that name, itself the first, by their first
        names: those of the same ``code``, else ``agency``; itself alone where it has neither."""
        known = self.wire(wire)
        whose = (known.code or known.agency) if known is not None else None
        others = self._wires_by_agency.get(whose or "", ())
        names = [wire, *(name for name in others if name != wire)]
        began = self._began.get("wire", {})
        return [began.get(name, name) for name in names]

    def family(self, wire: str) -> tuple[str, ...]:
        """:meth:`siblings`, by their names of today."""
        return self.present_names(self.siblings(wire))

    @cached_property
    def _wires_by_agency(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for wire in sorted(self.wires, key=lambda wire: wire.name):
            if whose := wire.code or wire.agency:
                found.setdefault(whose, []).append(wire.name)
        return found

    def present_names(self, first: Sequence[str]) -> tuple[str, ...]:
        """What the wires with these *first* names are called today."""
        now = {began: name for name, began in self._began.get("wire", {}).items()}
        return tuple(now.get(name, name) for name in first)

    def feed(self, name: str) -> Feed | None:
        """The outgoing feed of that name, or None."""
        return next((f for f in self.outgoing if f.name == name), None)

    def public_feed(self, name: str) -> Feed | None:
        """The outgoing feed of that name if anybody may read it, or None."""
        feed = self.feed(name)
        return None if feed is None or feed.private else feed

    def disclosure(
        self,
        scope: Scope,
        agency: str,
        parts: Sequence[Part] = (),
        language: str | None = None,
        *,
        film: bool = False,
        beside: str = "",
    ) -> Disclosure:
        """The sentence to print under a story of *scope* by *agency*, in whose *parts* it differs.

        *language* is the story's, in which *beside* is written; *film* when not only pictures are
        among its media.
        """
        line, spoken = self._line(scope, (language or "").lower(), beside)
        words = WORDINGS.get(_base_of(spoken), WORDINGS["en"])
        values = {
            "staff": self.publisher.staff_name,
            "publisher": self.publisher.name,
            "agency": agency,
            "parts": _listed(words, parts, film=film),
        }
        text = re.sub(r"\{(staff|publisher|agency|parts)\}", lambda m: values[m[1]], line).strip()
        return Disclosure(text, spoken)

    def _line(self, scope: Scope, language: str, beside: str) -> tuple[str, str]:
        """The line for *scope* in the story's *language* if there is one, and its language."""
        for tag in dict.fromkeys((language, _base_of(language))):
            lines = self._disclosures_by_language.get(tag)
            if lines is not None:
                words = WORDINGS.get(_base_of(tag))
                if line := lines.get(scope, _line_of(words, scope) if words else None):
                    return line, tag
                if scope in lines:  # left empty: nothing is printed
                    return "", tag
        ours = self.disclosures.get(scope)
        if not isinstance(ours, str):
            return LABELS[scope].disclosure, "en"
        # Nobody said the language of this line. English is known by its words; what is in another
        # script than Latin is in the story's language if the story is written in that script.
        script = next((_script(c) for c in ours if c.isalpha() and ord(c) > _LAST_LATIN), "")
        if script:
            return ours, language if script in map(_script, beside) else ""
        return ours, "en" if _ENGLISH.search(ours) else ""

    @cached_property
    def _disclosures_by_language(self) -> dict[str, dict[str, str]]:
        return {
            key.lower(): lines for key, lines in self.disclosures.items() if isinstance(lines, dict)
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment above the file (whose table arrives as init values), and nothing else."""
        return env_settings, init_settings


MOST_BYTES = 16 * 1024 * 1024
"""Of a configuration; ten thousand wires take 2 MB."""


def load(path: Path | None = None) -> Config:
    """The configuration from *path*, else from ``WIRECOPY_CONFIG``, else from ``./wirecopy.toml``.

    :raises ConfigError: in one line per fault, naming file, key and remedy. Without a file, the
        environment alone may configure everything.
    """
    named = path or (Path(p) if (p := os.environ.get(FILE)) else None)
    file = named or Path("wirecopy.toml")
    text = ""
    if file.is_file():
        try:
            if file.stat().st_size > MOST_BYTES:
                raise ConfigError(
                    f"{file}: larger than {MOST_BYTES:,} bytes; it is no wirecopy.toml"
                )
            text = file.read_text(encoding="utf-8-sig")  # Windows' editors begin with a BOM
        except UnicodeDecodeError as error:
            raise ConfigError(f"{file}: not UTF-8: {error}; save it as UTF-8") from error
        except OSError as error:
            owner = folders.user_name(file.stat().st_uid)
            raise ConfigError(
                f"{file}: cannot be read: {error.strerror}; it belongs to {owner} and this process"
                f" runs as {folders.user_name(os.geteuid())}: chmod a+r it, with its secrets moved"
                " to environment variables (headers_env), or chown it"
            ) from error
    elif named:
        what = "no file, but a folder or device" if file.exists() else "no such file"
        raise ConfigError(f"{file}: {what}; write one (docs/configuration.md) or correct --config")
    elif "WIRECOPY_PUBLISHER__NAME" not in os.environ and "WIRECOPY_PUBLISHER" not in os.environ:
        raise ConfigError(
            "no configuration: `wirecopy init` writes a wirecopy.toml here"
            " (docs/configuration.md has every key); or name one with --config PATH or"
            " WIRECOPY_CONFIG"
        )
    config = _validated(file, text, tuple(sorted(os.environ.items())))
    keys = config.signing.keys
    moved = config.signing.model_copy(update={"keys": _beside(file, keys) if keys else None})
    wires = tuple(_with_files_beside(file, wire) for wire in config.wires)
    export = config.site.export
    site = config.site.model_copy(update={"export": _beside(file, export) if export else None})
    return config.model_copy(
        update={
            "data": _beside(file, config.data),
            "signing": moved,
            "site": site,
            "wires": wires,
        }
    )


@lru_cache(maxsize=1)
def _validated(file: Path, text: str, _environment: tuple[tuple[str, str], ...]) -> Config:
    """The configuration that *text*, of *file*, and the environment make.

    The last one is remembered: a process forked from one that has it shares it, as long as nothing
    was changed.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}{_at(text, str(error))}") from error
    except RecursionError:  # thousands of brackets
        raise ConfigError(f"{file}: nested too deep; no setting is a list in a list") from None
    if strangers := unknown_variables(os.environ):
        raise ConfigError("\n".join(strangers))
    try:
        return Config(**table)
    except ValidationError as error:
        raise ConfigError("\n".join(_say(file, e, table) for e in error.errors())) from None
    except RecursionError:
        raise ConfigError("environment: a variable is nested too deep; none needs it") from None
    except SettingsError as error:
        field = re.search(r'for field "(\w+)"', str(error))
        where = variable([field[1]]) if field else str(error)
        what = EMPTY if os.environ.get(where) == "" else "not JSON; lists and tables are"
        raise ConfigError(f"environment: {where}: {what}") from None


def _with_files_beside(file: Path, wire: Wire) -> Wire:
    """*wire* with the files that it names beside the configuration *file*, unless absolute."""
    named = {"client_cert": wire.client_cert, "client_key": wire.client_key}
    found: dict[str, Any] = {key: _beside(file, path) for key, path in named.items() if path}
    if wire.keys is not None and not is_address(wire.keys):
        found["keys"] = str(_beside(file, Path(wire.keys)))
    if wire.secret_file is not None:
        found["secret"] = _secret_in(_beside(file, wire.secret_file), wire.name)
    secret: SecretStr = found.get("secret") or wire.secret or SecretStr("")
    if wire.way == "push" and len(secret.get_secret_value()) < SHORTEST:
        raise ConfigError(
            f"{file}: wire {wire.name}: its secret is shorter than {SHORTEST} characters, and who"
            " guesses it may publish; draw one at random, like openssl rand -hex 24"
        )
    return wire.model_copy(update=found) if found else wire


SHORTEST = 16
"""Characters of the secret with which copy is sent to us."""


def _secret_in(file: Path, wire: str) -> SecretStr:
    """The secret that *file* holds, in its one line."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{file}: secret_file of wire {wire}: cannot be read: {why}") from error
    if not re.fullmatch(r"[^\r\n\0]+", text):
        raise ConfigError(f"{file}: secret_file of wire {wire}: must hold one line, the secret")
    return SecretStr(text)


def _beside(file: Path, folder: Path) -> Path:
    """*folder* as *file* names it: beside the file as it was named itself.

    A link is not followed: what it leads to changes, as with a ConfigMap of Kubernetes, and the
    stories must not. Release 0.1 followed it; what it left there, and nobody made here, is used.
    """
    here, followed = file.absolute().parent / folder, file.resolve().parent / folder
    return followed if followed.exists() and not here.exists() else here


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A line for each variable that is named like ours and sets no key.

    Only the first level is checked here: validation refuses what is wrong below it.
    """
    tables = {variable([k]) for k, f in Config.model_fields.items() if _is_table(f.annotation)}
    known = [FILE, *(variable([key]) for key in Config.model_fields)]
    faults = []
    for name in sorted(n for n in environ if n.upper().startswith(PREFIX)):
        first, level, _ = name.upper().partition(LEVEL)
        if first.startswith(_FOR_TESTS) or _OF_A_SERVICE.fullmatch(first):
            continue
        if first not in known or (level and first == FILE):
            close = [v for v in every_variable() if _letters(v) == _letters(name.upper())]
            close = close or difflib.get_close_matches(first, known, 1)
            every = "docs/configuration.md names all; unset"
            remedy = f"did you mean {close[0]}? Correct or unset" if close else every
            faults.append(f"environment: {name}: unknown key; {remedy} it")
        elif level and first not in tables:
            faults.append(f"environment: {name}: {first} has no keys below it; lists are JSON")
    return faults


def every_variable() -> Iterator[str]:
    """The variables of all keys but those in lists, which are JSON."""
    for key, field in Config.model_fields.items():
        yield variable([key])
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (variable([key, below]) for below in field.annotation.model_fields)


def _letters(name: str) -> str:
    return name.replace("_", "")


def _is_table(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel | dict)


def variable(keys: Sequence[int | str]) -> str:
    """The variable that sets the key at *keys*, from the first level down."""
    return PREFIX + LEVEL.join(str(key) for key in keys).upper()


def _depth_of_variable(environ: Mapping[str, str], keys: Sequence[int | str]) -> int:
    """How many of *keys* the variable names that the value at *keys* came from; 0 for none.

    The others are found in the JSON that it holds. A table may be part file, part environment;
    a list is from one of them.
    """
    values = {name.upper(): value for name, value in environ.items()}
    for depth in range(len(keys), 0, -1):
        value = values.get(variable(keys[:depth]))
        if value is not None and _holds(value, keys[depth:]):
            return depth
    return 0


def _holds(value: str, keys: Sequence[int | str]) -> bool:
    """Whether there is something at *keys* in *value*, the JSON of a variable."""
    if not keys:
        return True
    try:
        found = json.loads(value)
    except ValueError:
        return False
    for key in keys:
        if isinstance(found, list):
            return True
        if not isinstance(found, dict) or key not in found:
            return False
        found = found[key]
    return True


_SLIPS = (
    (",", "; no comma belongs after a value, but between those of a list"),
    (";", "; nothing belongs after a value; take it out"),
    (":", "; between key and value stands ="),
    ("(?i)(?:true|yes|on)\\b", "; write true, in small letters"),
    ("(?i)(?:false|no|off)\\b", "; write false, in small letters"),
    ("[“”„«‘’]", '; text stands in straight quotes, "'),
    ("//", "; comments begin with #"),
    ("$", "; a value is missing, or its last quote"),
)
"""How what cannot be read goes on, and what is mostly meant."""


def _at(text: str, message: str) -> str:
    """The place of *text* that *message* of the TOML parser is about, and what is mostly wrong."""
    place = re.search(r"at line (\d+), column (\d+)", message)
    if place is None:
        return ""
    line = text.splitlines()[int(place[1]) - 1] if text else ""
    rest = line[int(place[2]) - 1 :].lstrip()
    hint = next((say for pattern, say in _SLIPS if re.match(pattern, rest)), "")
    if message.startswith(("Cannot", "Expected ']")):
        hint = "; it is there twice" * message.startswith("Cannot")
    if not hint and re.fullmatch(r"[\w.-]+\s*=\s*(?:\d+[A-Za-z]|[^\s\"'\[{\d]).*", line.strip()):
        hint = "; text stands in quotes"
    # The key alone, as the value may be secret.
    key = re.match(r"[\s\[]*[\w.-]*\]*", line)
    return f": {key[0].strip()}{hint}" if key and key[0].strip() else hint


_TABLES = ("model_type", "dict_type")
_TYPES = {
    "string_": 'text in quotes, like "…"',
    "path_": 'text in quotes, like "…"',
    "bool_": "true or false, without quotes",
    "int_": "a whole number, without quotes",
    "float_": "a number, without quotes",
}
"""What a value has to be, by how the type of the fault begins (pydantic's)."""


def _say(file: Path, error: ErrorDetails, table: Mapping[str, Any]) -> str:
    keys = error["loc"]
    depth = _depth_of_variable(os.environ, keys) or (0 if file.is_file() else len(keys))
    whose = "environment" if depth or not file.is_file() else str(file)
    where = variable(keys[:depth]) if depth else ""
    value: Any = None if depth else table
    name = ""
    for step in keys[depth:]:
        value = _below(value, step)
        if isinstance(step, int):
            named = value.get("name") if isinstance(value, Mapping) else None
            where += f"[{step}]"
            name = f" (named {named!r})" if isinstance(named, str) else name
        else:
            where += f".{step}" if where else str(step)
    what = remedy(error, of_variable=bool(depth))
    return f"{whose}: {where}{name}: {what}" if where else f"{whose}: {what}"


EMPTY = "is empty; give it a value, or leave it out"


def remedy(error: ErrorDetails, *, of_variable: bool) -> str:
    """What is wrong, and what to write instead, in the file or in a variable."""
    keys, kind = error["loc"], error["type"]
    names = [key for key in keys if isinstance(key, str)]
    what = error["msg"].removeprefix("Value error, ")
    if error["input"] == "" and (of_variable or kind == "string_too_short"):
        what = EMPTY
    elif kind == "extra_forbidden":
        *parents, last = keys
        what = f"unknown key{_near(str(last), _keys(parents))}"
        if parents and last in Config.model_fields:
            what = (
                f"unknown key; {last} belongs to no table: put it at the top of the file, above the"
                " first [table]"
            )
    elif kind == "missing":
        what = "is missing; add it"
    elif kind in _TABLES and of_variable:
        what = 'must be an object in JSON: {"key": "value"}'
    elif kind in (*_TABLES, "tuple_type") and names in (["wires"], ["feeds"]):
        what = f"must be tables: write [[{keys[0]}]], in two brackets, above the keys of each"
    elif kind == "tuple_type":
        given = json.dumps(error["input"], default=str, ensure_ascii=False)
        what = f"must be a list: [{given}]"
    elif kind in _TABLES and len(keys) > 1:
        what = f'must be a table: {keys[-1]} = {{ Name = "value" }}'
    elif kind in _TABLES:
        what = f"must be a table: write [{keys[0]}], in one bracket, above its keys"
    elif wanted := next((say for begins, say in _TYPES.items() if kind.startswith(begins)), ""):
        what = f"must be {wanted}"
    return what


def _below(value: Any, step: int | str) -> Any:
    """What is at *step* in *value*; None where nothing is."""
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _near(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known here: {', '.join(known) or 'none'}"


def _keys(parents: list[int | str]) -> list[str]:
    model: Any = Config
    for step in parents:
        fields = getattr(model, "model_fields", {})
        if step in fields:
            model = fields[step].annotation
            while get_origin(model) in (tuple, Union, types.UnionType):
                model = get_args(model)[0]
    return list(getattr(model, "model_fields", {}))
