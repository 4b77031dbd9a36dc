"""The environment as configuration: which variables are ours, and which one a fault came from."""

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence

PREFIX = "WIRECOPY_"
LEVEL = "__"
"""Between the levels of a key, as pydantic-settings reads it; a key has no two underscores."""

FILE = f"{PREFIX}CONFIG"
_FOR_TESTS = f"{PREFIX}TEST_"
_OF_A_SERVICE = re.compile(rf"{PREFIX}(?:SERVICE_(?:HOST|PORT)|PORT)(?:_\w+)?")
"""What Kubernetes puts into every container beside a service named wirecopy."""


def unknown(
    environ: Mapping[str, str], keys: Collection[str], tables: Collection[str]
) -> list[str]:
    """A line for each variable of ours that would be read by nobody.

    *keys* are those of the first level; those that are *tables* have keys below. What stands
    deeper is left to validation, which is told of it.
    """
    known = [FILE, *(variable([key]) for key in keys)]
    faults = []
    for name in sorted(n for n in environ if n.upper().startswith(PREFIX)):
        first, level, _ = name.upper().partition(LEVEL)
        if first.startswith(_FOR_TESTS) or _OF_A_SERVICE.fullmatch(first):
            continue
        if first not in known or (level and first == FILE):
            faults.append(f"environment: {name}: unknown key; {_near(first, known)} it")
        elif level and first not in {variable([key]) for key in tables}:
            faults.append(f"environment: {name}: {first} has no keys below it; lists are JSON")
    return faults


def _near(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]}? Mend or unset" if close else "README names all; unset"


def variable(keys: Sequence[int | str]) -> str:
    """The variable that sets the key at *keys*, from the first level down."""
    return PREFIX + LEVEL.join(str(key) for key in keys).upper()


def source(environ: Mapping[str, str], keys: Sequence[int | str]) -> int:
    """How many of *keys* the variable names that the value at *keys* came from; 0 for none.

    The others are found in the JSON that it holds. A table may be part file, part environment;
    a list is from one of them.
    """
    values = {name.upper(): value for name, value in environ.items()}
    for depth in range(len(keys), 0, -1):
        value = values.get(variable(keys[:depth]))
        if value is not None and _holds(value, keys[depth:]):
            return depth
    return 0


def _holds(value: str, keys: Sequence[int | str]) -> bool:
    if not keys:
        return True
    try:
        found = json.loads(value)
    except ValueError:
        return False
    for key in keys:
        if isinstance(found, list):
            return True
        if not isinstance(found, dict) or key not in found:
            return False
        found = found[key]
    return True
