"""Verifies Wirecopy's signed feeds. Depends on nothing else of Wirecopy: copy this folder.

Needs ``cryptography``, ``lxml`` and ``selectolax``. It is a second implementation, written from
``docs/statement.md`` and ``docs/text-projection.md`` and not from the issuing code, so that each is
held against the other.

::

    report = verify(feed_bytes, read_keys(jwks_bytes))
    for entry in report.entries:
        print(entry.verdict, entry.headline, [check.reason for check in entry.failures])
"""

from .errors import Refused
from .feed import Entry
from .keys import Key, Keys, read_keys
from .memory import Memory
from .memory import load as load_memory
from .result import CHECKS, Check, Report, Result
from .verify import Aids, verify, verify_entries

__all__ = [
    "CHECKS",
    "Aids",
    "Check",
    "Entry",
    "Key",
    "Keys",
    "Memory",
    "Refused",
    "Report",
    "Result",
    "load_memory",
    "read_keys",
    "verify",
    "verify_entries",
]
