"""Which room may import which, and what stays pure: the architecture, as far as imports tell it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

FLOORS = {
    "wirecopy": 0,
    "net": 1,
    "stories": 2,
    "stories.db": 3,
    "ingest": 5,
    "publish": 5,
    "workers": 6,
    "desk": 7,
}
"""From the ground up. A module imports from its own room and from floors below; rooms on one floor
do not know each other."""

ON_THE_STORE = ("stories.keys", "stories.transparency", "stories.witness")
"""Signing keys and the log stand on the store that keeps them, on floor 4."""

ONLY_IN = {
    "alembic": ("stories.db",),
    "sqlalchemy": ("stories.db",),
    "celery": ("workers",),
    "kombu": ("workers",),
    "redis": ("workers", "desk"),
    "pycurl": ("net",),
    "asyncssh": ("net",),
    "ftplib": ("net",),
    "feedparser": ("ingest",),
    "feedgen": ("publish",),
}
"""What is known in these rooms alone."""

STORE = ("sqlalchemy", "redis", "celery")

KNOW_THE_STORE = {
    "ingest.collect",
    "ingest.hubs",
    "ingest.intake",
    "ingest.linked",
    "ingest.pinning",
    "ingest.poll",
    "ingest.replay",
    "ingest.subscribe",
    "publish.archive",
    "publish.early",
    "publish.hub",
    "publish.indexer",
    "publish.pictures",
    "publish.push",
    "publish.renderer",
    "publish.rerender",
    "publish.served",
    "publish.web.app",
    "publish.web.archives",
    "publish.web.callback",
    "publish.web.documents",
    "publish.web.export",
    "publish.web.feeds",
    "publish.web.gate",
    "publish.web.hub",
    "publish.web.inbox",
    "publish.web.pages",
    "publish.web.pictures",
    "publish.web.proofs",
    "publish.web.search",
    "publish.web.servers",
    "publish.web.sitemap",
    "publish.web.story",
    "publish.web.views",
    "stories.keys",
    "stories.transparency",
    "stories.witness",
}
"""Every other module of these rooms is pure, or touches files, processes and the network only: it
can be imported, and so understood and tested, without a database and a broker."""

PURE_BESIDES = ("workers.politeness", "desk.article.report")


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the product with its file."""
    for room in sorted({room.split(".")[0] for room in FLOORS}):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


MODULES = dict(modules())
PURE = sorted(
    name
    for name in MODULES
    if name.split(".")[0] in ("wirecopy", "net", "stories", "ingest", "publish")
    and not name.startswith("stories.db")
    and not name.endswith("__main__")
    and name not in KNOW_THE_STORE
) + list(PURE_BESIDES)


def imports(name: str) -> set[str]:
    """What the module imports anywhere in its text, in functions too, by full name."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def place_of(name: str) -> tuple[int, str] | None:
    """The floor of what *name* names, and its room there; None for what is not ours."""
    if name.startswith(ON_THE_STORE):
        return 4, "stories"
    for room, floor in reversed(FLOORS.items()):
        if name == room or name.startswith(f"{room}."):
            return floor, room
    return None


def test_rooms_import_only_from_below() -> None:
    wrong = []
    for name in MODULES:
        here = place_of(name)
        assert here is not None
        for imported in sorted(imports(name)):
            there = place_of(imported)
            if there is not None and there != here and there[0] >= here[0]:
                wrong.append(f"{name} imports {imported}, which is not below it")
    assert wrong == []


def test_libraries_stay_in_their_rooms() -> None:
    wrong = [
        f"{name} imports {imported}; {library} is known in {' and '.join(rooms)} only"
        for name in MODULES
        for imported in imports(name)
        for library, rooms in ONLY_IN.items()
        if imported == library or imported.startswith(f"{library}.")
        if not any(name == room or name.startswith(f"{room}.") for room in rooms)
    ]
    assert wrong == []


def test_pure_modules_load_neither_database_nor_broker() -> None:
    """In a fresh interpreter: what they import may import something, too."""
    assert set(MODULES) >= KNOW_THE_STORE.union(PURE_BESIDES), "a module that has gone is named"
    assert len(PURE) > 60
    script = f"""
import importlib, sys
for name in {PURE!r}:
    importlib.import_module(name)
    loaded = sorted({set(STORE)!r} & sys.modules.keys())
    assert not loaded, f"{{name}} loads {{loaded}}"
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]


def test_the_migrations_are_one_row() -> None:
    """Each follows the one that its number follows, and a store is at the last: branches that were
    made side by side may each have taken the same number, or left one out."""
    folder = ROOT / "stories" / "db" / "migrations" / "versions"
    found = []
    for path in sorted(folder.glob("[0-9]*.py")):
        said = dict(re.findall(r'^(\w*revision) = (?:"(\w+)"|None)$', path.read_text(), re.M))
        assert said["revision"] == path.name[:4]
        found.append((said["down_revision"], said["revision"]))
    assert [before for before, _ in found] == ["", *(own for _, own in found[:-1])]
    engine = (ROOT / "stories" / "db" / "engine.py").read_text(encoding="utf-8")
    assert f'\nHEAD = "{found[-1][1]}"\n' in engine
