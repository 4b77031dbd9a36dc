"""Two rows of one kind held against each other, field by field."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any


def differing(
    before: Any, after: Any, passed_over: Sequence[str] = ()
) -> dict[str, tuple[Any, Any]]:
    """The fields of two dataclass instances that differ, as (before, after).

    JSON objects are compared member by member: ``data.headline`` says more than ``data``.
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name in (f.name for f in fields(before)):
        old, new = getattr(before, name), getattr(after, name)
        if old == new or name in passed_over:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            for part in sorted(old.keys() | new.keys()):
                if old.get(part) != new.get(part):
                    found[f"{name}.{part}"] = (old.get(part), new.get(part))
        else:
            found[name] = (old, new)
    return found
