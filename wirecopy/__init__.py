"""The proof: what is measured, signed and logged of a published story, and how it is verified.

One implementation for who issues and who verifies. It imports no other room of Wirecopy, and needs
``cryptography`` and ``selectolax`` alone. As a library::

    import wirecopy

    report = wirecopy.verify("feed.rss", "jwks.json")
    report = wirecopy.Verifier("https://feeds.chronicle.example").verify("feed.rss")
    for entry in report.entries:
        print(entry.verdict, entry.headline, [check.reason for check in entry.failures])

``docs/library.md`` has more.
"""

from .errors import Missing, ParseError, Refused, WirecopyError
from .feed import Entry, read_feed
from .form import ANYBODYS
from .jose import Key, Keys, read_keys
from .online import Verifier
from .report import CHECKS, Check, Report, Result
from .scope import Copy, Digests, Measurement, digests, measure
from .trusted_state import TrustedState
from .verify import Evidence, verify, verify_entries, verify_publishers

__version__ = "0.1.0"

__all__ = [
    "ANYBODYS",
    "CHECKS",
    "Check",
    "Copy",
    "Digests",
    "Entry",
    "Evidence",
    "Key",
    "Keys",
    "Measurement",
    "Missing",
    "ParseError",
    "Refused",
    "Report",
    "Result",
    "TrustedState",
    "Verifier",
    "WirecopyError",
    "__version__",
    "digests",
    "measure",
    "read_feed",
    "read_keys",
    "verify",
    "verify_entries",
    "verify_publishers",
]
