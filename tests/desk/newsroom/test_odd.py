"""Odd requests: none is answered with 500, whatever stands in address, cookie, header and form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stories import clock
from stories.db import Store
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Browser, living, newsroom, signed_in
from tests.living import item

ODD = ("\0", "\ud800", "\u202e", "%00", "%", "é", "'", '"><b>', "\\", "..", "9" * 30, "-1", "1e9")
TEXT = st.lists(st.sampled_from([*ODD, "a", "1", "-", "2h", " "]), max_size=6).map("".join)
FIELDS = ("csrf", "version", "edits", "back", "text", "reason", "name", "password", "q", "before")


@pytest.mark.repeated
def test_nothing_odd_is_our_fault(config: ConfigOf, store: Store) -> None:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    proxy = {"login": "header:X-User", "trusted": ["10.0.0.1"]}
    life = living(config(wires=[wire], desk=proxy), store, item("one", "Ferry sinks"))
    app = newsroom(life)
    meera = signed_in(app, store, "Meera", "chief")
    (name,) = life.stories().values()
    csrf = meera.opened("/queues/all").page.xpath("string(//input[@name='csrf']/@value)")
    acts = ("headline", "revert", "undo", "settle", "hold", "release", "writing", "draft", "kill")
    paths = (
        *("/queues/all", "/queues/new", "/queues/mine", "/sign-in", "/quarantine"),
        *(f"/stories/{name}/{act}" for act in acts),
    )

    @given(
        st.sampled_from(paths),
        st.dictionaries(st.sampled_from(FIELDS), TEXT, max_size=4),
        TEXT,
        st.booleans(),
        st.booleans(),
    )
    @settings(max_examples=40)
    def asked(path: str, given_: dict[str, str], odd: str, posts: bool, knows: bool) -> None:
        form = {k: v.encode("utf-8", "replace").decode() for k, v in given_.items()}
        plain = odd.encode("ascii", "ignore").decode().replace("\0", "")
        query = "&".join(f"{k}={v}" for k, v in form.items()).encode("ascii", "ignore").decode()
        cookie = meera.cookie if knows else f"desk={plain}"
        browser = Browser(app, cookie, address=plain if len(plain) % 2 else "10.0.0.1")
        headers = {} if knows else {"x_user": plain, "x_forwarded_for": plain}
        sent = {"csrf": csrf, **form} if posts else None
        answer = browser.ask(f"{path}?{query}", sent, **headers)
        assert answer.status < 500, answer.text

    with clock.reading(lambda: life.now):
        asked()
        for many in (1, 30, 5_000):
            for path in (
                "/stories/{}",
                f"/stories/{name}/raw/{{}}",
                "/quarantine/{}/{}",
                "/wires/{}",
            ):
                answer = meera.ask(path.format("9" * many, "9" * many))
                assert answer.status == 404, (path, many)
