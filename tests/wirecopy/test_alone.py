"""The verifier stands alone: it imports nothing else of Wirecopy, and works where it is copied."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import wirecopy
from tests.signed import FORMATS, Issuer, samples
from tests.signing import canonical, jwks

ROOMS = {"stories", "ingest", "publish", "workers", "desk", "bench", "tests"}
NEEDED = {"cryptography", "selectolax"}
PROGRAM = """
import json, sys
from {package} import verify, read_keys
keys = read_keys(open("keys.json", "rb").read())
verdicts = []
for name in ("rss", "atom", "json"):
    report = verify(open("feed." + name, "rb").read(), keys)
    verdicts.append([entry.verdict for entry in report.entries])
print(json.dumps([verdicts, sorted(sys.modules)]))
"""


def ran(package: str, folder: Path) -> tuple[list[list[str]], set[str]]:
    """The verdicts on three feeds, and the modules that a fresh interpreter then has."""
    issuer = Issuer()
    entries = [issuer.sign(story) for story in samples()]
    for form in FORMATS:
        (folder / f"feed.{form}").write_bytes(issuer.feed(entries, form))
    (folder / "keys.json").write_bytes(canonical(jwks(issuer.signer, log=issuer.log)))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(package=package)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdicts, modules = json.loads(done.stdout)
    return verdicts, set(modules)


def test_it_imports_nothing_else_of_wirecopy(tmp_path: Path) -> None:
    verdicts, modules = ran("wirecopy", tmp_path)
    assert verdicts == [["verified"] * 3] * 3
    own = {name for name in modules if name.split(".")[0] in ROOMS}
    assert own - {"stories"} == {n for n in own if n.startswith("wirecopy")} - {"stories"}


def test_a_copy_of_the_folder_is_all_it_takes(tmp_path: Path) -> None:
    source = Path(wirecopy.__file__).parent
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, tmp_path / "feedcheck", ignore=kept)
    verdicts, modules = ran("feedcheck", tmp_path)
    assert verdicts == [["verified"] * 3] * 3
    assert not {name for name in modules if name.split(".")[0] in ROOMS}


def test_it_needs_two_packages(tmp_path: Path) -> None:
    source = Path(wirecopy.__file__).parent
    shutil.copytree(source, tmp_path / "feedcheck")
    _, modules = ran("feedcheck", tmp_path)
    bare = subprocess.run(
        [sys.executable, "-c", "import json, sys; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    tops = {name.split(".")[0] for name in modules - set(json.loads(bare.stdout))}
    others = {n for n in tops if n not in sys.stdlib_module_names and not n.startswith("_")}
    assert others - {"feedcheck", "cython_runtime"} == NEEDED


def test_every_import_is_relative_or_of_a_library() -> None:
    """So a copy under any name works."""
    for file in Path(wirecopy.__file__).parent.glob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(tuple(f"from {room}" for room in ROOMS)), file
