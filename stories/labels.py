"""What people are told of each edit scope, as ``scopes.toml`` words it."""

import tomllib
from importlib.resources import files
from typing import Literal

from stories.models import Value
from wirecopy.scope import SCOPES, Scope

Tone = Literal["same", "near", "other", "open"]


class Label(Value):
    """The words for one edit scope; ``scopes.toml`` says what each of them is for.

    ``sentence`` has holes for ``{agency}`` and ``{parts}``, ``disclosure`` those that the
    configuration allows; an empty ``disclosure`` prints nothing.
    """

    tone: Tone
    label: str
    sentence: str
    meaning: str
    verdict: str
    disclosure: str = ""


_WORDS = tomllib.loads((files("stories") / "scopes.toml").read_text(encoding="utf-8"))

LABELS: dict[Scope, Label] = {scope: Label.model_validate(_WORDS[scope]) for scope in SCOPES}
"""Every edit scope there is, from the least to the most changed."""
