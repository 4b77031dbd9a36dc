"""Who asks: people with a session, which a password begins, or whom a proxy names.

The cookie holds a random token, from which the token of forms is made (against forgery by other
sites); a session is kept under the digest of it. Nobody's cookie is a session before the password
was right, and then it is another token. A proxy's header stands in the place of a session.
"""

import hmac
import ipaddress
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from starlette.requests import Request
from starlette.responses import Response

from desk.newsroom.forms import Form
from publish.web.allowance import Allowances
from stories import clock
from stories.config import Config
from stories.db import Store, people
from stories.db.people import Person, Role, may
from stories.errors import WirecopyError

SESSION = timedelta(hours=12)
"""After which who signed in has to do so again: a shift."""

SHORTEST, LONGEST = 12, 256
"""Characters of a password."""

PER_NAME = (10, 1 / 60)
PER_ADDRESS = (30, 1 / 5)
"""Tries to sign in under one name, and from one address: at once, and a second after those."""

_HASHING = threading.BoundedSemaphore(2)
"""Passwords looked at together: each takes 64 MiB for a tenth of a second."""

_HASHER = PasswordHasher()
"""argon2id as RFC 9106 §4 recommends second: 64 MiB, three passes, four lanes."""

_COOKIE = "desk"


class SignInError(WirecopyError):
    """Somebody is not let in. ``wait`` is in seconds, 0 where waiting helps nothing."""

    def __init__(self, status: int, text: str, wait: int = 0) -> None:
        super().__init__(text)
        self.status = status
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, None for a stranger, with the token of their cookie. A ``named`` one is named by
    the proxy, and has no session to end."""

    person: Person | None
    token: str
    named: bool = False

    @property
    def form_token(self) -> str:
        """What each form of theirs has to hold."""
        return hmac.new(self.token.encode(), b"form", "sha256").hexdigest()

    @property
    def name(self) -> str:
        """Their name, under which what they do is kept; empty for a stranger."""
        return self.person.name if self.person is not None else ""

    def may(self, role: Role) -> bool:
        """Whether they may do what takes that role."""
        return self.person is not None and may(self.person.role, role)


class Door:
    """Lets people in to the desk of *config*; *monotonic* in seconds. For any thread."""

    def __init__(
        self, config: Config, store: Store, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._header = config.desk.header
        self._trusted = [ipaddress.ip_network(each) for each in config.desk.trusted]
        self._origin = config.desk.origin.lower()
        self._secure = self._origin.startswith("https:")
        self._cookie = f"__Host-{_COOKIE}" if self._secure else _COOKIE
        self._names = Allowances(monotonic, *PER_NAME)
        self._addresses = Allowances(monotonic, *PER_ADDRESS)

    def visitor(self, request: Request) -> Visitor:
        """Who sent *request*.

        :raises SignInError: when the proxy names somebody whom nobody knows here.
        """
        token = request.cookies.get(self._cookie, "")
        fresh = token if len(token) == 43 else secrets.token_urlsafe(32)
        name = self._name_in_header(request)
        with self._store.read() as conn:
            if name is not None:
                person = people.named(conn, name)
                if person is None or person.revoked_at is not None:
                    raise SignInError(
                        403,
                        f"You are signed in as “{name[:100]}”, and nobody of that name may use this"
                        " desk. Ask its operator: wirecopy people add NAME --role reader.",
                    )
                return Visitor(person, fresh, named=True)
            found = people.in_session(conn, token, clock.now()) if token == fresh else None
        return Visitor(found, fresh)

    def remember(self, response: Response, token: str) -> None:
        """Have the browser keep *token*."""
        response.set_cookie(
            self._cookie,
            token,
            max_age=int(SESSION.total_seconds()),
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )

    def comes_from_elsewhere(self, request: Request) -> bool:
        """Whether a page of another site led here, and the browser kept our cookie back for that:
        whatever cookie is given then replaces it, and no form of a page that is open is good."""
        elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
        return elsewhere and self._cookie not in request.cookies

    def is_own_page(self, request: Request) -> bool:
        """Whether a page of ours sent a form, as far as the browser says."""
        origin = request.headers.get("origin", "").lower()
        # A page that was opened under another name of this machine is ours, too.
        host = request.headers.get("host", "").lower()
        is_here = not self._secure and urlsplit(origin).netloc == host != ""
        return origin == self._origin or is_here

    def is_own_form(self, request: Request, visitor: Visitor, form: Form) -> bool:
        """Whether *form* was filled in on a page of ours that this visitor was given."""
        if "origin" in request.headers and not self.is_own_page(request):
            return False
        given = form.get("csrf", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, visitor.form_token.encode())

    def sign_in(self, request: Request, name: str, password: str) -> str:
        """The token of a new session of the person of that *name*.

        :raises SignInError: for a wrong name or password, in the same words and the same time; or
            after too many tries.
        """
        waits = (
            self._addresses.wait(counted_as(self.address(request))),
            self._names.wait(people.key_of(name)[:200]),
        )
        if max(waits) > 0:
            wait = int(max(waits)) + 1
            raise SignInError(429, f"Too many tries. Try again in {wait} seconds.", wait)
        with self._store.read() as conn:
            person = people.named(conn, name[:200])
        known = person.password if person is not None and person.revoked_at is None else None
        right = is_right(password, known or _nobodys())
        if known is None or person is None or not right:
            raise SignInError(403, "Name or password is wrong.")
        return self.begin(person)

    def begin(self, person: Person) -> str:
        """The token of a new session of *person*."""
        token, now = secrets.token_urlsafe(32), clock.now()
        with self._store.write() as conn:
            people.begin(conn, person.key, token, now, now + SESSION)
        return token

    def sign_out(self, visitor: Visitor) -> None:
        """End the session."""
        with self._store.write() as conn:
            people.end(conn, visitor.token)

    def linked(self, token: str) -> Person:
        """Whose link to set a password *token* is.

        :raises SignInError: when it is no good.
        """
        with self._store.read() as conn:
            person = people.linked(conn, token, clock.now())
        if person is None:
            raise SignInError(
                410,
                "This link has been used, or is too old. Ask the operator for a new one:"
                " wirecopy people link NAME.",
            )
        return person

    def set_password(self, token: str, password: str, again: str) -> str:
        """Set the password of whose link *token* is; the token of a new session of theirs.

        :raises SignInError: when link or password are no good.
        """
        person = self.linked(token)
        if why := weak(password, person.name):
            raise SignInError(422, why)
        if password != again:
            raise SignInError(422, "The two are not the same. Type the password again.")
        kept = hashed(password)
        with self._store.write() as conn:
            # Of two who use one link at once, one is late.
            done = people.set_password(conn, token, kept, clock.now())
        return self.begin(done or self.linked(token))

    def address(self, request: Request) -> str:
        """The address of who asks: behind a trusted proxy, what that says."""
        hops = [_peer(request)]
        if self._is_trusted(hops[0]):
            said = request.headers.get("x-forwarded-for", "")
            hops += [hop for part in reversed(said.split(",")) if (hop := part.strip())]
        return next((hop for hop in hops if not self._is_trusted(hop)), hops[-1])[:64]

    def _name_in_header(self, request: Request) -> str | None:
        if self._header is None or not self._is_trusted(
            request.client.host if request.client else ""
        ):
            return None
        # Of two, one is perhaps the browser's own, which the proxy let through.
        given = request.headers.getlist(self._header)
        name = given[0].encode("latin-1").decode("utf-8", "replace") if len(given) == 1 else ""
        return " ".join(name.split()) or None

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._trusted)


def counted_as(address: str) -> str:
    """What tries from *address* are counted by: an IPv6 address by its first 64 bits, which one
    line or machine has all of (RFC 6177 §2); one of IPv4 by itself, also where it is written in
    IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def _peer(request: Request) -> str:
    """The address from which *request* came to us, of a proxy perhaps."""
    return request.client.host if request.client else ""


def weak(password: str, name: str) -> str:
    """Why *password* is not taken, as a sentence; empty when it is. Long ones are good, and nobody
    is asked for capitals or digits (NIST SP 800-63B §3.1.1)."""
    if len(password) < SHORTEST:
        return f"The password is too short: take {SHORTEST} characters or more, such as four words."
    if len(password) > LONGEST:
        return f"The password is too long: at most {LONGEST} characters are taken."
    if len(set(password)) < 5 or people.key_of(name) == people.key_of(password):
        return "The password is too easy to guess. Take four words that do not belong together."
    return ""


def hashed(password: str) -> str:
    """The argon2id hash of *password*, as PHC writes it."""
    with _HASHING:
        return _HASHER.hash(_spelt(password))


def is_right(password: str, kept: str) -> bool:
    """Whether *password* is that of the hash *kept*."""
    try:
        with _HASHING:
            return _HASHER.verify(kept, _spelt(password[: 4 * LONGEST]))
    except VerifyMismatchError:
        return False


def _spelt(password: str) -> bytes:
    """*password* as keyboards of all systems send it (RFC 8265 §4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")


@cache
def _nobodys() -> str:
    """A hash that takes as long to check as anybody's, for names that nobody has."""
    return hashed(secrets.token_urlsafe(32))
