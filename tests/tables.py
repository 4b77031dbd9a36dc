"""What is made of ``wirecopy/form.json``: a script for the verifier in the browser, and tables in
``docs/statement.md``. ``python -m tests.tables write`` makes them anew.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from publish.web import pages
from wirecopy.form import FORM

DOCS = Path(__file__).parents[1] / "docs"
SCRIPT = Path(pages.__file__).parent / "static" / "form_table.js"
_SHOWN = ("body", "characters", "letters", "claims")
"""What the browser needs: it reads no feeds."""


def script() -> str:
    """The table as a module of JavaScript."""
    of = {name: FORM[name] for name in _SHOWN}
    return (
        "// Made of wirecopy/form.json by `python -m tests.tables write`.\n\n"
        f"export const FORM = {json.dumps(of, indent=1)};\n"
    )


def page(text: str) -> str:
    """*text*, that of the specification, with the tables as they have to be."""
    for name, made in (
        ("body", _body()),
        ("rss", _elements("rss")),
        ("atom", _elements("atom")),
        ("json", _members()),
        ("unsigned", "\n".join(f"* {each}" for each in FORM["unsigned"])),
        ("claims", _claims()),
    ):
        marks = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, _, rest = text.partition(marks[0])
        _, _, after = rest.partition(marks[1])
        text = f"{before}{marks[0]}\n{made}\n{marks[1]}{after}"
    return text


def _body() -> str:
    rows = ["| element | attributes |", "|---|---|"]
    plain = " ".join(tags for tags, own in FORM["body"]["elements"].items() if not own)
    rows.append(f"| any of these | `{FORM['body']['any']}` |")
    rows.append(f"| `{plain}` | no others |")
    rows += [f"| `{tags}` | `{own}` |" for tags, own in FORM["body"]["elements"].items() if own]
    return "\n".join(rows)


def _elements(format: str) -> str:
    rows = [f"| in an {'`item`' if format == 'rss' else '`entry`'} | attributes |", "|---|---|"]
    bare: dict[str, list[str]] = {}
    for path, stated in FORM[format].items():
        *around, name = path.rstrip("*").split("/")
        where = f" in `{around[-1]}`" if around else ", several" if path.endswith("*") else ""
        if stated:
            told = ", ".join(map(_attribute, stated.split()))
            rows.append(f"| `{name}`{where} | {told} |")
        else:
            bare.setdefault(where, []).append(name)
    rows += [f"| `{' '.join(found)}`{where} | none |" for where, found in bare.items()]
    return "\n".join(rows)


def _attribute(stated: str) -> str:
    name, _, values = stated.partition("=")
    said = f"`{name.removesuffix('@')}`"
    if values:
        return f"**{said}** of {' or '.join(f'`{each}`' for each in values.split('|'))}"
    return f"**{said}**" if name.endswith("@") else said


def _members() -> str:
    return f"```json\n{_shape(FORM['json'])}\n```"


def _shape(shape: Any) -> str:
    """A shape on few lines: one for each member of the item."""
    lines = [f" {json.dumps(name)}: {json.dumps(inside)}" for name, inside in shape.items()]
    return "{\n" + ",\n".join(line for one in lines for line in _broken(one)) + "\n}"


def _broken(line: str) -> Iterator[str]:
    while len(line) > 100:
        cut = line.rindex(", ", 0, 100)
        yield line[:cut]
        line = f"  {line[cut + 2 :]}"
    yield line


def _claims() -> str:
    of = FORM["claims"]
    true = {
        "headline": "`verbatim headline-only`",
        "unedited": "every scope but `with-inputs edited unknown`",
    }
    rows = [
        f"| {', '.join(f'`{words}`' for words in of[name])} | {said} |"
        for name, said in true.items()
    ]
    return "\n".join(["| words | true of |", "|---|---|", *rows])


def files() -> dict[Path, str]:
    """The files and what they have to hold."""
    specification = DOCS / "statement.md"
    return {SCRIPT: script(), specification: page(specification.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    if sys.argv[1:] != ["write"]:
        sys.exit(__doc__)
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
