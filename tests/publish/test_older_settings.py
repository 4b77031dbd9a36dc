"""A rolling restart: a worker still has the old file when the new settings were noted."""

from publish import renderer
from publish.rerender import rerender_if_changed, settings_digest
from stories.db import Store
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
        assert all(b"New" in body for body in life.bodies().values())
        assert renderer.render_waiting(store, old, settings=settings_digest(old)) == 0
