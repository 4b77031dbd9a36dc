"""People at the desk, without a browser: forms are read from pages, filled in and sent."""

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from lxml import html

from desk.newsroom.app import create
from publish.web.app import App
from stories import clock
from stories.config import Config
from stories.db import Store, people
from stories.db.people import Role
from tests.living import Life, feed, item

PASSWORD = "four words that fit"

ALLOWED = frozenset(
    ("set-cookie", "location", "retry-after", "content-security-policy", "cache-control")
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def page(self) -> html.HtmlElement:
        return html.document_fromstring(self.body.decode())

    @property
    def words(self) -> str:
        """What can be read."""
        return " ".join(self.page.text_content().split())


@dataclass
class Browser:
    """Keeps one cookie, and sends forms as they stand on its page."""

    app: App
    cookie: str = ""
    address: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)
    last: Answer | None = None

    def ask(
        self,
        path: str,
        form: Mapping[str, str] | None = None,
        method: str = "",
        **headers: str,
    ) -> Answer:
        """One request; a redirection is not followed."""
        body = urlencode(form or {}).encode()
        every = {"host": "127.0.0.1:8081", **self.headers}
        if form is not None:
            every |= {
                "content-type": "application/x-www-form-urlencoded",
                "origin": "http://127.0.0.1:8081",
            }
        every |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            every["cookie"] = self.cookie
        parts = urlsplit(path)
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method or ("GET" if form is None else "POST"),
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in every.items()],
            "client": (self.address, 50000),
            "server": ("127.0.0.1", 8081),
        }
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        async def answered() -> None:
            await self.app(scope, receive, send)

        asyncio.run(answered())
        found = {name.decode(): value.decode() for name, value in told[0]["headers"]}
        if kept := re.match(r"([\w-]+=[^;]*)", found.get("set-cookie", "")):
            self.cookie = kept[1]
        sent = b"".join(message.get("body", b"") for message in told[1:])
        self.last = Answer(told[0]["status"], found, sent)
        return self.last

    def opened(self, path: str) -> Answer:
        """The page at *path*, redirections followed."""
        answer = self.ask(path)
        while answer.status == 303:
            answer = self.ask(answer.headers["location"].partition("#")[0])
        return answer

    def send(self, action: str, **fields: str) -> Answer:
        """The form of the last page that leads to *action*, filled in and sent; not followed."""
        assert self.last is not None
        return self.ask(*filled(self.last, action, **fields))

    def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        self.opened("/sign-in")
        return self.send("/sign-in", name=name, password=password)


def filled(on: Answer, action: str, **fields: str) -> tuple[str, dict[str, str]]:
    """Where the form on a page sends that leads to *action*, and what."""
    form = next(each for each in on.page.forms if (each.get("action") or "") == action)
    assert form.method == "POST"
    sent = {n: v or "" for n, v in form.form_values()}
    assert {*fields} <= {each.get("name") for each in form.inputs}
    return action, {**sent, **fields}


def newsroom(life: Life) -> App:
    """The desk of a life's store."""
    return create(life.config, life.store)


def person(store: Store, name: str, role: Role = "editor", password: str | None = None) -> None:
    """Let somebody in; with a password, if it is given hashed."""
    now = clock.now()
    with store.write() as conn:
        people.add(conn, name, role, "root", now)
        if password is not None:
            people.give_link(conn, people.key_of(name), "link", now.replace(year=now.year + 1))
            people.set_password(conn, "link", password, now)


def signed_in(app: App, store: Store, name: str, role: Role = "editor") -> Browser:
    """The browser of somebody who has signed in; without a password, which takes its time."""
    with store.write() as conn:
        now = clock.now()
        people.add(conn, name, role, "root", now)
        token = secrets.token_urlsafe(32)
        people.begin(conn, people.key_of(name), token, now, now.replace(year=now.year + 1))
    return Browser(app, f"desk={token}")


def living(config: Config, store: Store, *items: str) -> Life:
    """A store that has received *items*."""
    life = Life(config, store)
    life.begin()
    if items:
        life.receive(*items)
    return life


__all__ = ["Life", "feed", "item"]
