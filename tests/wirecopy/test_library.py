"""docs/library.md: every example runs, one after the other, beside the files that it names."""

import re
import sys
from datetime import UTC, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.signed import ISSUED, Issuer, samples
from tests.wirecopy.test_online import SITE, pages
from wirecopy import TrustedState, https, online

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def test_every_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    issuer = Issuer()
    served = pages(issuer, [issuer.sign(story) for story in samples()])
    (tmp_path / "feed.rss").write_bytes(served[f"{SITE}/feeds/india.rss"])
    (tmp_path / "jwks.json").write_bytes(served[f"{SITE}/.well-known/jwks.json"])
    monkeypatch.chdir(tmp_path)
    ISSUED.strptime("2026", "%Y")  # its first call imports a module that needs the real datetime
    # The examples know the present; here it is an hour after the statements were issued.
    present = SimpleNamespace(now=lambda zone: ISSUED + timedelta(hours=1))
    monkeypatch.setitem(sys.modules, "datetime", SimpleNamespace(datetime=present, UTC=UTC))
    monkeypatch.setattr(online, "datetime", present)
    monkeypatch.setattr(https, "fetch", lambda urls: {u: served[u] for u in urls if u in served})
    names: dict[str, Any] = {"pages": served}
    assert len(EXAMPLES) == 7
    for example in EXAMPLES:
        exec(compile(example, str(PAGE), "exec"), names)
        assert names["report"].ok, example
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out[:3]] == ["verified"] * 3
    assert out[-1] == "headline-only ('headline',)"
    assert TrustedState.load(names["seen"].read_bytes()).statements
