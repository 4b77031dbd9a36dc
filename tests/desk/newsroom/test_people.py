"""A chief lets people in at the desk, gives roles and links, and revokes."""

import pytest

from desk.newsroom.app import create
from stories.config import Config
from stories.db import Store, people
from stories.db.people import ROLES
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import PASSWORD, Browser, filled, signed_in


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    return config(desk={})


@pytest.fixture
def chief(conf: Config, store: Store) -> Browser:
    return signed_in(create(conf, store), store, "Asha", "chief")


def role_of(store: Store, name: str) -> str | None:
    with store.read() as conn:
        found = people.named(conn, name)
    return found.role if found is not None and found.revoked_at is None else None


def link_on(browser: Browser) -> str:
    assert browser.last is not None
    return str(browser.last.page.get_element_by_id("link").get("value"))


def test_whom_a_chief_lets_in_sets_a_password_and_works(chief: Browser, store: Store) -> None:
    chief.opened("/people")
    done = chief.send("/people/add", name="Priya <b>Raman</b>", role="editor")
    assert done.status == 200
    assert done.headers["cache-control"] == "no-store"
    assert "<b>" not in done.text
    link = link_on(chief)
    chief.opened("/people")
    assert link not in (chief.last.text if chief.last else "")  # it is shown this once
    other = Browser(chief.app)
    path = link.partition(":8081")[2]
    _, form = filled(other.opened(path), "", password=PASSWORD, again=PASSWORD)
    assert other.ask(path, form).status == 303
    assert "Priya <b>Raman</b>, editor" in other.opened("/queues/all").words
    assert other.ask("/people").status == 403
    with store.read() as conn:
        person = people.named(conn, "priya <b>raman</b>")
    assert (person and person.added_by) == "Asha"


def test_roles_links_and_revoking(chief: Browser, store: Store) -> None:
    arjun = signed_in(chief.app, store, "Arjun", "reader")
    chief.opened("/people")
    assert chief.send("/people/role", name="Arjun", role="editor").status == 303
    assert "Arjun, editor" in arjun.opened("/queues/all").words
    chief.opened("/people")
    assert chief.send("/people/link", name="Arjun").status == 200
    assert "/welcome/" in link_on(chief)
    chief.opened("/people")
    assert chief.send("/people/revoke", name="Arjun").status == 303
    assert arjun.ask("/queues/all").status == 303
    assert role_of(store, "Arjun") is None
    assert "by Asha" in chief.opened("/people").words


@pytest.mark.parametrize(
    ("act", "fields", "told"),
    [
        ("add", {"name": "ARJUN", "role": "editor"}, "is there already"),
        ("add", {"name": " ", "role": "editor"}, "empty"),
        ("add", {"name": "x" * 101, "role": "editor"}, "100"),
        ("add", {"name": "Meera", "role": "king"}, "Choose a role"),
        ("role", {"name": "Arjun", "role": ""}, "Choose a role"),
        ("role", {"name": "asha ", "role": "reader"}, "another chief"),
        ("revoke", {"name": "ASHA"}, "Another chief"),
        ("revoke", {"name": "nobody"}, "nobody of that name"),
        ("link", {"name": "nobody"}, "nobody of that name"),
        ("role", {"name": "nobody", "role": "chief"}, "nobody of that name"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    chief: Browser, store: Store, act: str, fields: dict[str, str], told: str
) -> None:
    signed_in(chief.app, store, "Arjun", "reader")
    page = chief.opened("/people").page
    token = page.xpath("//form[@action='/people/add']/input[@name='csrf']/@value")[0]
    done = chief.ask(f"/people/{act}", {"csrf": token, **fields})
    assert (done.status, told in done.words) == (422, True), done.words
    assert [role_of(store, name) for name in ("Asha", "Arjun", "Meera")] == [
        *("chief", "reader", None)
    ]


@pytest.mark.parametrize("role", [role for role in ROLES if role != "chief"])
def test_nobody_else_may(chief: Browser, store: Store, role: people.Role) -> None:
    other = signed_in(chief.app, store, "Arjun", role)
    page = other.opened("/queues/all").page
    assert not page.xpath("//a[@href='/people']")
    token = page.xpath("//input[@name='csrf']/@value")[0]
    assert other.ask("/people").status == 403
    for act in ("add", "link", "role", "revoke"):
        form = {"csrf": token, "name": "Asha", "role": "chief"}
        assert other.ask(f"/people/{act}", form).status == 403
    assert role_of(store, "Asha") == "chief"


def test_with_a_proxy_nobody_needs_a_link(config: ConfigOf, store: Store) -> None:
    proxy = {"login": "header:X-Remote-User", "trusted": ["127.0.0.1"]}
    signed_in(create(config(desk={}), store), store, "Asha", "chief")
    chief = Browser(create(config(desk=proxy), store), headers={"x-remote-user": "Asha"})
    chief.opened("/people")
    done = chief.send("/people/add", name="Meera", role="reader")
    assert (done.status, "signs in by the proxy" in done.words) == (200, True)
    assert not done.page.xpath("//form[@action='/people/link']")
