"""``python -m tests.vectors write`` makes vectors anew, and the example of the specification."""

import json
import sys
from pathlib import Path

from tests.vectors import custody, example, log, restores, statements, withdrawals

FOLDER = Path(__file__).parent


def files() -> dict[Path, str]:
    """The files and what they have to hold."""
    made = {
        "statements.json": statements.vectors(),
        "log.json": log.vectors(),
        "restores.json": restores.vectors(),
        "custody.json": custody.vectors(),
        "withdrawals.json": withdrawals.vectors(),
    }
    data = {FOLDER / name: json.dumps(value, indent=1) + "\n" for name, value in made.items()}
    return {**data, example.PAGE: example.page(example.PAGE.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    if sys.argv[1:] != ["write"]:
        sys.exit(__doc__)
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
