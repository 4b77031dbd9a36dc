"""What a story's page says of it to search engines, held against schema.org's own shapes, as the
package schema-dts of npm has them (``make readers``)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from publish.web.app import create
from stories.db import Store
from tests.publish import samples
from tests.publish.shelf import publish
from tests.serving import served

SHAPES = Path(__file__).parents[2] / ".readers/node_modules/schema-dts/dist/schema.d.ts"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHAPES.exists(), reason="wants `make readers`"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

_BASE = re.compile(r"^interface (\w+)Base(?: extends ([^{]+))? \{(.*?)^\}", re.M | re.S)
_PROPERTY = re.compile(r'^    "(\w+)"\?: SchemaValue<(.+), "\1">;$', re.M)
_TEXT = {"Text", "URL", "Date", "DateTime", "string", "CssSelectorType", "PronounceableText"}


class Shapes:
    """The types of schema.org: what each extends, and its own properties with their ranges."""

    def __init__(self, text: str) -> None:
        self.above: dict[str, list[str]] = {}
        self.own: dict[str, dict[str, set[str]]] = {}
        for name, above, body in _BASE.findall(text):
            self.above[name] = re.findall(r"(\w+)Base\b", above)
            self.own[name] = {
                of: {each.strip() for each in values.split("|")} - {"IdReference"}
                for of, values in _PROPERTY.findall(body)
            }

    def line(self, name: str) -> list[str]:
        """The type and all that it extends."""
        above = [each for parent in self.above.get(name, ()) for each in self.line(parent)]
        return [name, *above]

    def range(self, kind: str, of: str) -> set[str] | None:
        """The types that *of* may have in a *kind*; None where it is none of its properties."""
        return next(
            (self.own[each][of] for each in self.line(kind) if of in self.own.get(each, {})), None
        )

    def faults(self, value: dict[str, Any], at: str = "") -> list[str]:
        """What is not as it has to be."""
        kind, found = value.get("@type", ""), []
        for name, said in value.items():
            if name.startswith("@"):
                continue
            where, allowed = f"{at}{kind}.{name}", self.range(kind, name)
            if allowed is None:
                found.append(f"{where}: is none of its properties")
                continue
            for each in said if isinstance(said, list) else [said]:
                if isinstance(each, dict):
                    if not allowed & set(self.line(each.get("@type", ""))):
                        found.append(f"{where}: a {each.get('@type')}, not one of {allowed}")
                    found += self.faults(each, f"{where} ")
                elif isinstance(each, str) and not allowed & _TEXT:
                    found.append(f"{where}: a text, not one of {allowed}")
        return found


def test_what_a_page_says_is_a_news_article_of_schema_org(store: Store) -> None:
    shapes = Shapes(SHAPES.read_text(encoding="utf-8"))
    assert shapes.line("NewsArticle")[:3] == ["NewsArticle", "Article", "CreativeWork"]
    config, stories = samples.config(), (samples.english(), samples.hindi(), samples.urdu())
    publish(store, config, *stories)
    with served(create(config, store, ready=dict, metrics=None)) as port:
        for story in stories:
            page = html.fromstring(port.ask(f"/stories/{story.id}").body)
            told: Any = page.xpath('//script[@type="application/ld+json"]/text()')
            [article] = map(json.loads, told)
            assert article["@type"] == "NewsArticle"
            assert shapes.faults(article) == []
            # Google's for articles, all recommended.
            assert {"headline", "datePublished", "dateModified", "author"} <= set(article)
            assert shapes.faults({**article, "editScope": "verbatim"}) != []
            assert shapes.faults({**article, "publisher": "NDTV"}) != []
