"""A rolling restart: a worker still has the old file when the new settings were noted."""

from publish import renderer
from publish.rerender import rerender_if_changed, settings_digest
from publish.served import served
from stories.db import Store, feeds
from tests.conftest import ConfigOf
from tests.living import Life, item

WIRE = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}


def test_who_has_the_older_settings_leaves_the_work_to_others(
    config: ConfigOf, store: Store
) -> None:
    old, new = (config(wires=[WIRE], feeds=[{"name": "all", "title": t}]) for t in ("Old", "New"))
    life = Life(old, store)
    life.begin()
    life.receive(item("a", "Reeds"))
    with life.frozen():
        assert rerender_if_changed(store, new)
        assert renderer.render_waiting(store, old, settings=settings_digest(old)) == 0
        assert renderer.render_waiting(store, new, settings=settings_digest(new)) == 2
        with store.read() as conn:
            found = {f: served(conn, new, "all", f) for f in feeds.FORMATS}
            told = feeds.rows_of(conn, "all")
        assert all(row is not None and b"New" in row.body for row in found.values())
        assert all(row is not None and row.etag == told[f].etag for f, row in found.items())
        assert renderer.render_waiting(store, old, settings=settings_digest(old)) == 0


def test_a_limit_of_house_style_has_nothing_rendered_anew(config: ConfigOf) -> None:
    feed = {"name": "all", "title": "All"}
    one, two = (config(wires=[WIRE], feeds=[feed | more]) for more in ({}, {"headline_limit": 60}))
    assert settings_digest(one) == settings_digest(two)
