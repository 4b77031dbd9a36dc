"""What people are told of each edit scope, as ``scopes.toml`` and ``disclosures.toml`` word it."""

import tomllib
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field

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


class Wording(Value):
    """The words of disclosures in one language; ``disclosures.toml`` says what each is for."""

    headline: str
    links: str
    media: str
    film: str
    packaging: str
    and_: str = Field(alias="and")
    whole: str = ""
    except_: str = Field(default="", alias="except")


EXCEPTED: tuple[Scope, ...] = ("headline-only", "headline-media", "packaging")
"""The scopes of stories whose words stand, but for ``{parts}``."""


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("stories") / name).read_text(encoding="utf-8"))


_WORDS = _table("scopes.toml")

LABELS: dict[Scope, Label] = {scope: Label.model_validate(_WORDS[scope]) for scope in SCOPES}
"""Every edit scope there is, from the least to the most changed."""

WORDINGS: dict[str, Wording] = {
    tag: Wording.model_validate(words) for tag, words in _table("disclosures.toml").items()
}
"""By language tag."""
