"""The package that is built and installed: every room in it, with every file that it reads."""

import tomllib
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}


def test_every_room_is_installed() -> None:
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    for room in ROOMS:
        assert any(fnmatchcase(room, pattern) for pattern in patterns), room
    for name in (room for room in ROOT.glob("*/") if (room / "__init__.py").exists()):
        installed = any(fnmatchcase(name.name, pattern) for pattern in patterns)
        assert installed == (name.name in ROOMS), name


def test_every_file_that_code_reads_is_installed_with_it() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            if file.is_file() and file.suffix not in (".py", ".pyc"):
                assert any(fnmatchcase(file.name, pattern) for pattern in patterns), file


def test_the_licence_goes_with_the_package_and_is_the_one_named() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert PROJECT["project"]["license-files"] == ["LICENSE"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_the_command_that_is_installed_can_be_loaded() -> None:
    assert set(PROJECT["project"]["scripts"]) == {"wirecopy"}
    (command,) = (e for e in entry_points(group="console_scripts") if e.name == "wirecopy")
    assert callable(command.load())
