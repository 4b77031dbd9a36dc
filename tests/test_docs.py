"""The documentation: complete as the code is, and true in all that can be looked up."""

import importlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin
from xml.etree import ElementTree as ET

import pytest
import typer
from pydantic import BaseModel, TypeAdapter

from desk.cli.app import COMMANDS, line
from desk.exposition import GAUGES
from ingest.formats import FORMATS
from publish.web.app import Site
from stories.config import Config, load, unknown_variables
from tests.publish import samples
from wirecopy.scope import SCOPES
from workers.metrics import METRICS, Counter

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]
ROOMS = {path.parent.name for path in ROOT.glob("*/__init__.py")}

DELIMITER = re.compile(r"\|(?: ?:?-+:? ?\|)+")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """*page* without its blocks of code."""
    return re.sub(r"^ {4}.*$", "", FENCE.sub("", text(page)), flags=re.M)


def cells(page: Path) -> Iterator[list[str]]:
    """The rows of every table in *page*, heads and delimiters too."""
    for row in text(page).splitlines():
        if row.startswith("|"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


# Form.


@every_page
def test_every_row_stands_in_a_table_with_a_head(page: Path) -> None:
    """GitHub Flavored Markdown §4.10: a table ends at the first line that is not a row."""
    code = False
    table: list[str] = []
    for row in [*text(page).splitlines(), ""]:
        code ^= row.startswith("```")
        if row.startswith("|") and not code:
            table.append(row)
        elif table:
            assert len(table) > 2, table
            assert DELIMITER.fullmatch(table[1]), f"no head above: {table[0]}"
            assert {len(re.findall(r"(?<!\\)\|", one)) for one in table} == {table[0].count("|")}
            table = []


def test_the_readme_is_a_page_and_a_half() -> None:
    assert len(text(README).split()) <= 750


# Links.


def anchors(page: Path) -> set[str]:
    """The fragments of *page*'s headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"https?://", target):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name}: {target}"
        assert not fragment or fragment in anchors(there), f"{page.name}: {target}"


def test_the_readme_leads_to_the_index_and_the_index_to_every_page() -> None:
    assert "](docs/README.md)" in text(README)
    listed = set(LINK.findall(text(DOCS / "README.md")))
    assert {page.name for page in DOCS.glob("*.md")} - listed == {"README.md"}


# Names of code.


def _path(name: str) -> bool:
    return bool(re.fullmatch(rf"(?:{'|'.join(ROOMS)})(?:/[\w.\-]+)+/?", name))


def _dotted(name: str) -> bool:
    return bool(re.fullmatch(rf"(?:{'|'.join(ROOMS)})(?:\.\w+)+", name))


def _imports(name: str) -> bool:
    parts = name.split(".")
    for at in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:at]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[at:]:
            found = getattr(found, attribute, None)
        return found is not None
    return False


@every_page
def test_every_module_named_is_there(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        pytest.skip("names what was")
    for name in CODE.findall(prose(page)):
        if _path(name) and "NAME" not in name:
            assert (ROOT / name).exists(), f"{page.name}: {name}"
        elif _dotted(name) and name not in ("wirecopy.toml", *SETTINGS):
            assert _imports(name), f"{page.name}: {name}"


def test_every_function_of_the_walk_is_in_a_module_named_before_it() -> None:
    page = text(DOCS / "architecture.md")
    named: list[str] = []
    for path, function in re.findall(r"`([\w/]+)\.py`|(?<!\*)\*([\w.]+)\*(?!\*)", page):
        if path.split("/")[0] in ROOMS:
            named.append(path.replace("/", ".").removesuffix(".__init__"))
        elif function:
            assert any(_imports(f"{module}.{function}") for module in named), function


@every_page
def test_every_make_target_named_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([\w.-]+):", text(ROOT / "Makefile"), flags=re.M))
    named = re.findall(r"(?:^ {4}|`)make ([a-z][\w-]*)", text(page), flags=re.M)
    assert set(named) <= targets, page.name


def test_ci_runs_the_commands_that_contributors_are_told() -> None:
    """Each once: a test that fails the first time is broken."""
    ran = [line for line in text(ROOT / ".ci" / "run").splitlines() if line.startswith("make ")]
    assert ran == ["make lint", "make test", "make test-all"]
    assert all(command in text(ROOT / "CONTRIBUTING.md") for command in ran)
    assert "make test\n" in text(ROOT / "README.md")


@every_page
def test_every_variable_named_is_a_setting(page: Path) -> None:
    names = re.findall(r"\bWIRECOPY_[A-Z]\w*", text(page))
    assert unknown_variables(dict.fromkeys(names, "")) == [], page.name


# Settings.


def settings(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that ``wirecopy.toml`` may hold, as the documentation writes it, with its field."""
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        many = get_origin(kind) is tuple
        inner = get_args(kind)[0] if many else kind
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from settings(inner, f"{prefix}{name}{'[]' * many}.")
        else:
            yield prefix + name, field


SETTINGS = dict(settings())


def documented_settings() -> dict[str, list[str]]:
    rows = [row for row in cells(DOCS / "configuration.md") if CODE.fullmatch(row[0])]
    names = [row[0].strip("`") for row in rows]
    assert len(names) == len(set(names)), "a key is documented twice"
    return dict(zip(names, rows, strict=True))


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert set(documented_settings()) == set(SETTINGS)
    assert len(SETTINGS) > 40


@pytest.mark.parametrize("name", SETTINGS)
def test_the_default_documented_is_the_default(name: str) -> None:
    field, default = SETTINGS[name], documented_settings()[name][2]
    assert (default == "required") == field.is_required()
    if (written := CODE.fullmatch(default)) and "<" not in default:
        value = tomllib.loads(f"value = {written[1]}")["value"]
        kind: Any = (
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        )
        assert TypeAdapter(kind).validate_python(value) == field.get_default(
            call_default_factory=True
        )


@every_page
def test_every_configuration_shown_is_valid(page: Path, tmp_path: Path) -> None:
    for language, block in FENCE.findall(text(page)):
        if language == "toml":
            file = tmp_path / "wirecopy.toml"
            file.write_text(block, encoding="utf-8")
            load(file)


# Commands.


def options(command: str) -> set[str]:
    group: Any = typer.main.get_command(line([command]))
    found = group.commands[command].params
    return {name for one in found for name in (*one.opts, *one.secondary_opts)} - {"--help", "-h"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(command: str) -> None:
    rows = [
        " ".join(row) for row in cells(DOCS / "commands.md") if re.match(rf"`{command}\b", row[0])
    ]
    assert rows, command
    told = " ".join(rows)
    for option in options(command):
        if option.startswith("--") and option != "--json":  # of lists, said of all of them
            assert re.search(rf"{option}\b", told), f"{command} {option}"


def test_no_command_is_documented_that_is_not_there() -> None:
    first = {row[0] for row in cells(DOCS / "commands.md") if CODE.fullmatch(row[0])}
    assert {row.strip("`").split()[0] for row in first} == set(COMMANDS)


def shown(page: Path) -> Iterator[list[str]]:
    """The words of each ``wirecopy`` command line in *page*."""
    lines = re.findall(r"^ {4}(?:\$ )?(wirecopy .+)$", text(page), flags=re.M)
    for one in [*lines, *(c for c in CODE.findall(prose(page)) if c.startswith("wirecopy "))]:
        yield shlex.split(one.replace("`", ""), comments=True)[1:]


@every_page
def test_every_command_line_shown_parses(page: Path) -> None:
    for words in shown(page):
        if words[0] in ("[--config", "COMMAND", "--help", "--version"):
            continue
        assert words[0] in COMMANDS, f"{page.name}: {words}"
        known = options(words[0]) | {"--help"}
        for word in words[1:]:
            name = word.partition("=")[0]
            assert not name.startswith("-") or name in known, f"{page.name}: {words}"


# What is served.


def test_every_address_is_documented() -> None:
    told = {code for row in cells(DOCS / "feeds.md") for code in CODE.findall(row[0])}
    site = Site(samples.config(), None, None, None, dict, bytes, None)  # type: ignore[arg-type]
    for route in site.starlette().routes:
        path: str = route.path  # type: ignore[attr-defined]
        name = "ID" if path.startswith("/stories") else "NAME"
        written = re.sub(r"\{\w+:path\}", "…", path).replace("{name}", name)
        written = written.replace("{document}", "NUMBER.FORMAT").replace("{token}", "TOKEN")
        assert written in told, path
    assert {"/feeds/NAME.rss", "/feeds/NAME.atom", "/feeds/NAME.json"} <= told


def test_every_metric_is_documented_with_its_labels() -> None:
    gauges = {name: (label,) if label else () for name, (label, _) in GAUGES.items()}
    metrics = {
        **{f"wirecopy_{name}": labels for name, labels in gauges.items()},
        **{f"{one.name}{'_total' * isinstance(one, Counter)}": one.labels for one in METRICS},
    }
    written = {f"{n}{{{','.join(labels)}}}" if labels else n for n, labels in metrics.items()}
    told = {c for row in cells(DOCS / "operations.md") for c in CODE.findall(row[0])}
    assert told == written


def test_every_format_is_documented() -> None:
    assert {one.name for one in FORMATS} <= {row[0] for row in cells(DOCS / "wires.md")}


def test_every_scope_is_documented() -> None:
    told = [CODE.fullmatch(row[0]) for row in cells(DOCS / "feeds.md")]
    assert set(SCOPES) <= {found[1] for found in told if found}


def test_every_element_of_an_entry_is_documented() -> None:
    golden = ROOT / "tests/publish/golden"
    names: set[str] = set()
    for file in [*golden.glob("*.rss"), *golden.glob("*.atom")]:
        prefixes = {space: prefix for _, (prefix, space) in ET.iterparse(file, ["start-ns"])}
        for element in ET.parse(file).iter():
            if element.tag.rpartition("}")[2] in ("item", "entry"):
                for one in element.iter():
                    space, _, name = one.tag.removeprefix("{").rpartition("}")
                    prefix = prefixes.get(space)
                    names.add(f"{prefix}:{name}" if prefix else name)
    for file in golden.glob("*.json"):
        for item in json.loads(file.read_bytes())["items"]:
            names |= {*item, *item["_wirecopy"]}
    page = text(DOCS / "feeds.md")
    for name in names - {"item", "entry", "name"}:
        assert re.search(rf"(?<![a-z:]){name}\b", page), name
