"""A command of ``wirecopy``, run in this process, in a folder with a configuration."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desk.cli.app import main

Run = Callable[..., tuple[int, list[str], str]]
"""Takes arguments; gives exit code, lines of standard output, and standard error."""


def runner(
    command: str,
    toml: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs *command* in *folder*, configured by *toml*."""
    (folder / "wirecopy.toml").write_text(toml, encoding="utf-8")
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, list[str], str]:
        with pytest.raises(SystemExit) as ended:
            main([command, *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out.splitlines(), err

    return run
