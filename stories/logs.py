"""Logs: one line an event, with the ids that it concerns.

Readable on a terminal, JSON elsewhere. The logs of every library (Celery, Alembic, the web server)
have the same form. Ids are bound once, where they are known::

    with structlog.contextvars.bound_contextvars(wire="pti", capture=12):
        log.info("parsed", items=20)

Passwords, keys and tokens are masked in everything that is logged, and what a wire sent cannot
forge lines or drive a terminal: control characters are shown, not sent.
"""

import logging
import re
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any, Literal, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from stories import clock

Mode = Literal["auto", "json", "console"]

LONGEST = 4000
"""Most characters of one logged text: a hostile headline must not fill the disk."""

LONGEST_TRACEBACK = 20_000

QUIET = {
    "celery.worker.strategy": logging.WARNING,  # "received", twice a second for the ticks alone
    "celery.app.trace": logging.WARNING,  # "succeeded", which workers.base says with its ids
    "asyncssh": logging.WARNING,  # a dozen lines a connection, with user and addresses
    "alembic": logging.WARNING,  # seven lines a start about plugins, and each migration
}
"""Loggers whose INFO lines repeat what ours say."""

FIRST = ("timestamp", "level", "logger", "event")
"""Keys that come first in a line, so that lines can be read as columns."""

_SECRET_KEY = re.compile(
    r"(?i)passw|secret|token|authorization|cookie|credential|(?:api|private|signing|access)[-_]?key"
)
_STORE = re.compile(
    r"(?i)\b((?:postgres(?:ql)?(?:\+\w+)?|rediss?|redis\+socket|unix)://[^\s:@/]*):\S+@"
)
"""A password in the address of a database or broker, whatever characters stand in it unescaped."""
_USERINFO = re.compile(r"(?<=://)([^\s/?#@:]{0,200}):[^\s/?#]{1,400}@")
_QUERY = re.compile(
    r"(?i)([?&;](?:[\w.-]{0,40}(?:key|token|secret|pass|pwd|auth|sig|credential|session|jwt|hmac|hash"
    r"|ticket|licen[cs]e)[\w.-]{0,40}|pw|sid|pin|otp|code|access|[pkt](?==\d*[A-Za-z]))=)"
    r"[^\s&;#'\"<>]+"
)
_RANDOM = re.compile(
    r"([?&;][\w.-]{1,40}=)(?=[\w%+/~.]{0,80}\d)(?=[\w%+/~.]{0,80}[A-Za-z])"
    r"(?:[\w%+/~.]{16,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})=*"
)
"""A value of a query that is long and mixed, whatever its name: ``?k=9f8e7d6c5b4a39281706``."""
_BARE = re.compile(
    r"(?<=\?)(?=[\w%+/~.]{0,80}\d)(?=[\w%+/~.]{0,80}[A-Za-z])[\w%+/~.]{16,}(?![\w%+/~.=&-])"
)
"""A query that is nothing else than such a value."""
_HEADER = re.compile(
    r"(?i)((?:proxy-)?authorization|x-api-key|cookie|set-cookie)(['\"]?\s{0,4}[:=]\s{0,4}['\"]?)"
    r"[^'\"\r\n]+"
)
_SCHEME = re.compile(r"(?i)\b(bearer\s|basic\s)(?:(?<=bearer\s)[\w.~+/=-]{12,}|[\w+/]{4,}={1,2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_TRACEBACK = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def masked(text: str) -> str:
    """*text* without the secrets that addresses, headers and query strings carry."""
    text = _STORE.sub(r"\1:***@", text)
    text = _USERINFO.sub(r"\1:***@", text)
    text = _QUERY.sub(r"\1***", text)
    text = _RANDOM.sub(r"\1***", text)
    text = _BARE.sub("***", text)
    text = _HEADER.sub(r"\1\2***", text)
    return _SCHEME.sub(r"\1***", text)


def _plain(text: str, control: re.Pattern[str], longest: int) -> str:
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(text)} characters)"
    return control.sub(lambda m: repr(m[0])[1:-1], masked(text))


def _clean(value: Any, key: str = "") -> Any:
    if key and _SECRET_KEY.search(key):
        return "***"
    if isinstance(value, str):
        return _plain(value, _CONTROL, LONGEST)
    if isinstance(value, dict):
        return {str(k): _clean(v, str(k)) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(v) for v in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _plain(str(value), _CONTROL, LONGEST)


def safe(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor that masks secrets and escapes control characters; it runs last but one."""
    line: EventDict = {}
    for key in (*(k for k in FIRST if k in event), *(k for k in event if k not in FIRST)):
        if key in ("exception", "stack"):
            line[key] = _plain(str(event[key]), _CONTROL_IN_TRACEBACK, LONGEST_TRACEBACK)
        else:
            line[key] = _clean(event[key], key)
    return line


def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor that adds the time, in UTC (RFC 3339)."""
    event["timestamp"] = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    stamp,
)


def configure(mode: Mode = "auto", stream: TextIO | None = None, level: str = "INFO") -> None:
    """Send all logs to *stream* (default: standard error) in *mode*; may be called again.

    ``auto`` is ``console`` on a terminal and ``json`` elsewhere.
    """
    out = stream or sys.stderr
    console = mode == "console" or (mode == "auto" and out.isatty())
    if not console and isinstance(out, TextIOWrapper):
        out.reconfigure(encoding="utf-8", errors="backslashreplace")  # RFC 8259 §8.1
    render: Callable[..., str | bytes]
    if console:
        render = structlog.dev.ConsoleRenderer(colors=out.isatty(), event_key="event")
    else:
        render = structlog.processors.JSONRenderer(ensure_ascii=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*SHARED, structlog.stdlib.ExtraAdder(allow=())],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            safe,
            render,
        ],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # so that a second call to configure() counts
    )


def log_crashes() -> None:
    """Have an error that nobody caught logged like everything else: a log of JSON is JSON only."""

    def crashed(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            structlog.get_logger(__name__).critical("crashed", exc_info=(kind, error, trace))

    sys.excepthook = crashed
