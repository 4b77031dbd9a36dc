"""The library stands alone: it needs two packages and no other room, and a copy of it works."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import wirecopy
from tests.signed import FORMATS, Issuer, samples
from tests.signing import canonical, jwks

FOLDER = Path(wirecopy.__file__).parent
ROOMS = {"wirecopy", "net", "stories", "ingest", "publish", "workers", "desk", "bench", "tests"}
NEEDED = {"cryptography", "selectolax"}
PROGRAM = """
import json, sys
before = set(sys.modules)
import copied.__main__, copied.https
from copied import verify
verdicts = [
    [entry.verdict for entry in verify("feed." + name, "keys.json").entries]
    for name in ("rss", "atom", "json")
]
print(json.dumps([verdicts, sorted(set(sys.modules) - before)]))
"""


def test_a_copy_of_the_folder_is_all_it_takes(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "copied", ignore=shutil.ignore_patterns("__pycache__"))
    issuer = Issuer()
    entries = [issuer.sign(story) for story in samples()]
    for form in FORMATS:
        (tmp_path / f"feed.{form}").write_bytes(issuer.feed(entries, form))
    (tmp_path / "keys.json").write_bytes(canonical(jwks(issuer.signer, log=issuer.log)))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdicts, modules = json.loads(done.stdout)
    assert verdicts == [["verified"] * 3] * 3
    tops = {name.split(".")[0] for name in modules}
    assert not tops & ROOMS
    others = {n for n in tops if n not in sys.stdlib_module_names and not n.startswith("_")}
    assert others - {"copied", "cython_runtime"} == NEEDED


def test_every_import_is_relative_or_of_a_library() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            tops = {name.split(".")[0] for name in names}
            assert tops <= NEEDED | sys.stdlib_module_names, file
