"""Signing in to the desk: links, passwords, sessions, a proxy's header, and who is kept out."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from threading import Thread

import pytest

from desk.newsroom import app as newsroom
from desk.newsroom import sign_in
from desk.newsroom.app import create
from desk.newsroom.forms import back
from desk.newsroom.sign_in import SESSION, counted_as, hashed, is_right, weak
from stories.config import Config
from stories.db import Store, people
from tests.conftest import ConfigOf, Time
from tests.desk.newsroom.browsing import PASSWORD, Browser, person, signed_in

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@cache
def kept() -> str:
    """The hash of :data:`PASSWORD`, made once: it takes its time."""
    return hashed(PASSWORD)


@pytest.fixture(autouse=True)
def _no_time_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine there would be, and more tries be allowed."""
    monkeypatch.setattr(newsroom, "Door", partial(sign_in.Door, monotonic=lambda: 0.0))


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    return config(desk={})


@pytest.fixture
def browser(conf: Config, store: Store, time: Time) -> Browser:
    person(store, "Priya", password=kept())
    return Browser(create(conf, store))


def test_a_page_leads_to_the_form_and_the_form_back_to_the_page(browser: Browser) -> None:
    asked = browser.ask("/queues/all?wire=pti")
    assert (asked.status, asked.headers["location"]) == (
        303,
        "/sign-in?back=/queues/all%3Fwire%3Dpti",
    )
    browser.opened("/queues/all?wire=pti")
    before = browser.cookie
    done = browser.send("/sign-in", name="priya", password=PASSWORD)
    assert (done.status, done.headers["location"]) == (303, "/queues/all?wire=pti")
    assert browser.cookie != before  # or a session could be given to somebody before
    assert "HttpOnly" in done.headers["set-cookie"]
    assert "SameSite=strict" in done.headers["set-cookie"]
    assert "Priya, editor" in browser.opened("/queues/all").words


def test_a_session_is_kept_by_its_digest_and_ends(
    browser: Browser, store: Store, time: Time
) -> None:
    browser.sign_in("Priya")
    token = browser.cookie.partition("=")[2]
    with store.read() as conn:
        assert people.in_session(conn, token, time.now) is not None
        assert people.in_session(conn, hashlib.sha256(token.encode()).hexdigest(), time.now) is None
    assert browser.ask("/queues/all").status == 200
    time.now += SESSION
    assert browser.ask("/queues/all").status == 303


def test_who_signs_out_is_out_and_who_is_revoked_too(browser: Browser, store: Store) -> None:
    browser.sign_in("Priya")
    stolen = Browser(browser.app, browser.cookie)
    browser.opened("/queues/all")
    assert browser.send("/sign-out").status == 303
    assert stolen.ask("/queues/all").status == 303
    browser.sign_in("Priya")
    with store.write() as conn:
        people.revoke(conn, "priya", "root", NOON)
    assert browser.ask("/queues/all").status == 303
    assert browser.sign_in("Priya").status == 403


@pytest.mark.parametrize(
    ("name", "password"), [("Priya", "another four words"), ("nobody", PASSWORD), ("", "")]
)
def test_wrong_names_and_passwords_are_told_nothing(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    checked: list[str] = []

    def check(password: str, hash_: str) -> bool:
        checked.append(hash_)
        return is_right(password, hash_)

    monkeypatch.setattr(sign_in, "is_right", check)
    done = browser.sign_in(name, password)
    assert done.status == 403
    assert "Name or password is wrong." in done.words
    # The work is the same for a name that nobody has.
    assert [each.split("$")[1:4] for each in checked] == [["argon2id", "v=19", "m=65536,t=3,p=4"]]


def test_too_many_tries_have_to_wait(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "is_right", lambda *_: False)
    tries = [browser.sign_in("Priya").status for _ in range(11)]
    assert tries == [403] * 10 + [429]
    other = Browser(browser.app, address="198.51.100.7")
    refused = other.sign_in("PRIYA")  # nobody gets more by another address
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0
    assert other.sign_in("somebody else").status == 403


def test_one_address_cannot_try_everybody(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "is_right", lambda *_: False)
    tries = [browser.sign_in(f"name {n}").status for n in range(31)]
    assert tries == [403] * 30 + [429]
    assert Browser(browser.app, address="198.51.100.7").sign_in("x").status == 403


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:DB8:1:2::", True),  # a line has all of a /64
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unknown", "unknown", True),  # as a proxy may say
        ("", "unknown", False),
    ],
)
def test_tries_are_counted_by_who_has_an_address(one: str, other: str, alike: bool) -> None:
    assert (counted_as(one) == counted_as(other)) is alike


def test_many_addresses_of_one_line_cannot_try_everybody(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "is_right", lambda *_: False)
    tries = [
        Browser(browser.app, address=f"2001:db8::{n + 1:x}").sign_in(f"name {n}").status
        for n in range(31)
    ]
    assert tries == [403] * 30 + [429]
    assert Browser(browser.app, address="2001:db8:0:1::1").sign_in("x").status == 403


def test_a_link_sets_a_password_once(conf: Config, store: Store, time: Time) -> None:
    person(store, "Arjun")
    with store.write() as conn:
        people.give_link(conn, "arjun", "token", NOON + timedelta(hours=24))
    browser, late = Browser(create(conf, store)), Browser(create(conf, store))
    assert "Welcome, Arjun" in browser.opened("/welcome/token").words
    late.opened("/welcome/token")
    for password, again, why in (
        ("short", "short", "too short"),
        ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "too easy"),
        ("x" * 300, "x" * 300, "too long"),
        (PASSWORD, "another", "not the same"),
    ):
        action, form = filled_welcome(browser, password, again)
        refused = browser.ask(action, form)
        assert refused.status == 422
        assert why in refused.words
    done = browser.ask(*filled_welcome(browser, PASSWORD, PASSWORD))
    assert (done.status, done.headers["location"]) == (303, "/")
    assert browser.ask("/queues/all").status == 200
    assert late.ask(*filled_welcome(late, PASSWORD, PASSWORD)).status == 410
    assert late.ask("/welcome/token").status == 410
    assert Browser(browser.app).sign_in("arjun").status == 303


def filled_welcome(browser: Browser, password: str, again: str) -> tuple[str, dict[str, str]]:
    assert browser.last is not None
    (form,) = browser.last.page.forms
    return "/welcome/token", {**form.fields, "password": password, "again": again}


def test_a_link_is_good_for_a_day_and_a_new_one_ends_sessions(
    browser: Browser, store: Store, time: Time
) -> None:
    browser.sign_in("Priya")
    with store.write() as conn:
        people.give_link(conn, "priya", "token", NOON + timedelta(hours=24))
    other = Browser(browser.app)
    other.opened("/welcome/token")
    assert other.ask(*filled_welcome(other, "other words than before", "other words than before"))
    assert browser.ask("/queues/all").status == 303
    assert browser.sign_in("Priya").status == 403
    with store.write() as conn:
        people.give_link(conn, "priya", "another", NOON + timedelta(hours=24))
    time.now += timedelta(hours=24)
    assert browser.ask("/welcome/another").status == 410


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8081", 303),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1:8080", 403),  # the public site is another one
    ],
)
def test_a_form_of_another_site_is_not_taken(browser: Browser, origin: str, status: int) -> None:
    browser.opened("/sign-in")
    assert browser.last is not None
    (form,) = browser.last.page.forms
    sent = {**form.fields, "name": "Priya", "password": PASSWORD}
    assert browser.ask("/sign-in", sent, origin=origin).status == status


def test_a_form_without_its_token_is_not_taken(conf: Config, store: Store, time: Time) -> None:
    app = create(conf, store)
    arjun, meera = signed_in(app, store, "Arjun"), signed_in(app, store, "Meera")
    arjun.opened("/queues/all")
    assert arjun.last is not None
    theirs = arjun.last.page.forms[0].fields["csrf"]
    for form in ({}, {"csrf": ""}, {"csrf": theirs}, {"csrf": "\u20ac"}):
        assert meera.ask("/sign-out", form).status == 403
    assert meera.ask("/queues/all").status == 200
    assert meera.ask("/sign-out", {"csrf": "x"}, content_type="text/plain").status == 415
    assert meera.ask("/sign-out", {"csrf": "x" * 70_000}).status == 413
    assert meera.ask("/sign-out", {f"f{n}": "" for n in range(60)}).status == 400


PROXY = {"login": "header:X-Remote-User", "trusted": ["10.0.0.0/8", "::1"]}


def test_a_trusted_proxy_says_who_it_is(config: ConfigOf, store: Store, time: Time) -> None:
    person(store, "zoë")
    app = create(config(desk=PROXY), store)
    named = {"x-remote-user": "Zoë".encode().decode("latin-1")}
    inside = Browser(app, address="10.1.2.3", headers=named)
    assert "zoë, editor" in inside.opened("/queues/all").words
    assert "Sign out" not in inside.last.words if inside.last else False
    # Forms are safe, too: the cookie is no session, and the token is made of it.
    assert inside.ask("/stories/aaaaaaaaaaaaa/settle", {"csrf": "x"}).status == 403
    mapped = Browser(app, address="::ffff:10.1.2.3", headers=named)
    assert mapped.opened("/queues/all").status == 200
    for outside in (
        Browser(app, address="192.0.2.1", headers=named),
        Browser(app, address="", headers=named),
        Browser(app, inside.cookie, address="192.0.2.1", headers=named),
        Browser(app, address="10.1.2.3"),
    ):
        assert outside.ask("/queues/all").status == 303
    stranger = Browser(app, address="10.1.2.3", headers={"x-remote-user": "mallory"})
    refused = stranger.ask("/queues/all")
    assert refused.status == 403
    assert "“mallory”" in refused.words
    assert "wirecopy people add" in refused.words
    with store.write() as conn:
        people.revoke(conn, people.key_of("zoë"), "root", NOON)
    assert inside.ask("/queues/all").status == 403


def test_behind_a_trusted_proxy_tries_are_counted_by_who_makes_them(
    config: ConfigOf, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "is_right", lambda *_: False)
    app = create(config(desk={"trusted": ["10.0.0.1"]}), store)

    def tries(forwarded: str, count: int, address: str = "10.0.0.1") -> list[int]:
        browser = Browser(app, address=address, headers={"x-forwarded-for": forwarded})
        return [browser.sign_in(f"{forwarded} {n}").status for n in range(count)]

    assert tries("198.51.100.7", 31)[-1] == 429
    assert tries("203.0.113.1, 198.51.100.7", 1) == [429]  # what it says itself counts for nothing
    assert tries("198.51.100.8", 1) == [403]
    assert tries("198.51.100.9", 31, "192.0.2.9")[-1] == 429  # this one is no proxy
    assert tries("198.51.100.9", 1) == [403]


def test_under_https_the_cookie_is_for_https_alone(
    config: ConfigOf, store: Store, time: Time
) -> None:
    app = create(config(desk={"url": "https://desk.daily.example"}), store)
    answer = Browser(app).ask("/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-desk=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_a_link_from_a_message_leads_on_once_the_page_asks_itself(browser: Browser) -> None:
    browser.sign_in("Priya")
    cookie, browser.cookie = browser.cookie, ""  # browsers send none to who comes from elsewhere
    page = browser.ask("/queues/all?wire=pti&q=%22%3E", sec_fetch_site="cross-site")
    (refresh,) = page.page.xpath("//meta[@http-equiv='refresh']/@content")
    assert refresh == "0; url=/queues/all?wire=pti&q=%22%3E"
    browser.cookie = cookie
    assert browser.ask("/queues/all?wire=pti").status == 200


def test_a_link_from_elsewhere_takes_away_nobodys_cookie(
    config: ConfigOf, store: Store, time: Time
) -> None:
    """The forms of all other pages that are open would be good no longer."""
    person(store, "Priya")
    app = create(config(desk=PROXY), store)
    named = {"x-remote-user": "Priya"}
    for headers in (named, {}):
        at_work = Browser(app, address="10.1.2.3", headers=headers)
        at_work.opened("/sign-in")
        for path in ("/queues/all", "/sign-in"):
            came = Browser(app, address="10.1.2.3", headers=headers)
            assert "set-cookie" not in came.ask(path, sec_fetch_site="cross-site").headers


@pytest.mark.parametrize(
    "there", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/x", "x", "", "/é"]
)
def test_nobody_is_sent_elsewhere(there: str) -> None:
    assert back({"back": there}, "/ours") == "/ours"
    assert back({"back": "/queues/all?q=%22"}, "/ours") == "/queues/all?q=%22"


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("four words that fit", True),
        ("चार अलग शब्द हैं", True),
        ("x" * 12, False),
        ("eleven char", False),
        ("Priya Raman-Iyer", False),
        ("x" * 257, False),
    ],
)
def test_long_passwords_are_good(password: str, good: bool) -> None:
    assert (not weak(password, "priya raman-iyer")) == good


def test_a_password_is_the_same_from_every_keyboard() -> None:
    assert is_right("cafe\u0301 au lait!", hashed("caf\u00e9 au lait!"))
    assert not is_right("cafe au lait!", kept())


def test_passwords_of_many_are_checked_at_once() -> None:
    """OpenSSL never ended two."""
    kept()
    right = list[bool]()
    many = [
        Thread(target=lambda: right.append(is_right(PASSWORD, kept())), daemon=True)
        for _ in range(4)
    ]
    for each in many:
        each.start()
    for each in many:
        each.join(60)
    assert right == [True] * 4
