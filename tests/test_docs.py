"""The README: whole tables, and every page of docs/ within a reader's reach."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DELIMITER = re.compile(r"\|(?: ?:?-+:? ?\|)+")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_row_stands_in_a_table_with_a_head(page: Path) -> None:
    """GitHub Flavored Markdown §4.10: a table ends at the first line that is not a row."""
    code = False
    table: list[str] = []
    for line in [*page.read_text(encoding="utf-8").splitlines(), ""]:
        code ^= line.startswith("```")
        if line.startswith("|") and not code:
            table.append(line)
        elif table:
            assert len(table) > 2, table
            assert DELIMITER.fullmatch(table[1]), f"no head above: {table[0]}"
            assert {len(re.findall(r"(?<!\\)\|", row)) for row in table} == {table[0].count("|")}
            table = []


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_the_readme_leads_to_every_page(page: Path) -> None:
    assert f"](docs/{page.name})" in PAGES[0].read_text(encoding="utf-8")


def test_the_readme_names_the_long_run_of_crashes() -> None:
    assert "`make crash" in PAGES[0].read_text(encoding="utf-8")
