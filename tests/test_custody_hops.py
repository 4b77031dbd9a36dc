"""The way of a story over three houses, agency, partner and paper, each a Wirecopy with a store of
its own, polled by its command and served by its own process; then checked back to the agency."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import hostile
from tests.processes import until
from tests.serving import Port, free_port
from tests.test_custody import FIRST, wire

WIRECOPY = Path(sys.executable).with_name("wirecopy")


@dataclass
class Site:
    """One house: its folder, where it is served, and the process that does."""

    folder: Path
    name: str
    port: int = field(default_factory=free_port)
    web: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> str:
        return f"{self.url}/.well-known/jwks.json"

    def configure(self, url: str, keys: str | None = None) -> None:
        signed = f'keys = "{keys}"\nmust_sign = true\n' if keys else ""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "wirecopy.toml").write_text(
            f'[publisher]\nname = "{self.name}"\nurl = "https://{self.name}.example"\n'
            f'[site]\nurl = "{self.url}"\n'
            f'[[wires]]\nname = "w"\nagency = "Wire"\nurl = "{url}"\nallow_private = true\n{signed}'
            '[[feeds]]\nname = "all"\ntitle = "All"\n'
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        clean = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
        return subprocess.run(
            [WIRECOPY, *arguments],
            cwd=self.folder,
            env=clean,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def does(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, (self.name, arguments, done.stdout, done.stderr)
        return done.stdout

    def ask(self, path: str) -> bytes:
        found = Port(self.port).ask(path)
        assert found.status == 200, (path, found.status)
        return found.body


@contextmanager
def serving(site: Site) -> Iterator[None]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WIRECOPY_")}
    with (site.folder / "web.log").open("wb") as log:
        site.web = subprocess.Popen(
            [WIRECOPY, "up", "web"],
            cwd=site.folder,
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        until(Port(site.port).open)
        yield
    finally:
        site.web.terminate()
        site.web.wait(timeout=60)


def verified(reader: Site, *arguments: str) -> list[dict[str, Any]]:
    done = reader.run("verify", *arguments, "--json")
    return json.loads(done.stdout)["entries"]  # type: ignore[no-any-return]


def test_a_reader_follows_a_story_from_the_paper_over_the_partner_to_the_agency(
    tmp_path: Path,
) -> None:
    agency, partner, paper = (Site(tmp_path / n, n) for n in ("agency", "partner", "paper"))
    with hostile.serve() as raw:
        raw.answer("/raw.rss", wire(*FIRST), {"Content-Type": "application/rss+xml"})
        agency.configure(f"{raw.url}/raw.rss")
        agency.does("poll")
        with serving(agency):
            partner.configure(f"{agency.url}/feeds/all.rss", agency.keys)
            partner.does("poll")
            with serving(partner):
                paper.configure(f"{partner.url}/feeds/all.json", partner.keys)
                paper.does("poll")
                [story, *_] = json.loads(paper.does("stories", "--json"))
                paper.does("headline", story["id"], "All at sea", "--by", "Asha")
                with serving(paper):
                    _check(agency, partner, paper, story["id"])


def _check(agency: Site, partner: Site, paper: Site, edited: str) -> None:
    feed = f"{paper.url}/feeds/all.rss"
    for entry in verified(paper, feed):
        assert entry["verdict"] == "verified", entry
        hops = entry["custody"]
        assert [hop["state"] for hop in hops] == ["ok", "ok"], hops
        assert [hop["site"] for hop in hops] == [f"127.0.0.1:{s.port}" for s in (partner, agency)]
    page = paper.ask(f"/stories/{edited}").decode()
    assert "Signed by the agency" in page
    assert f"127.0.0.1:{partner.port}" in page
    assert "headline-only" in paper.ask("/feeds/all.rss").decode()
    said = paper.run("verify", feed)
    assert "before that signed by the key" in said.stdout
    assert "for you to know" in said.stdout
    # Given the keys of both, nobody's word is needed for whose they are.
    given = ("--key", paper.keys, "--key", partner.keys, "--key", agency.keys)
    for entry in verified(paper, feed, *given):
        assert [hop["given"] for hop in entry["custody"]] == [True, True]
    # Somebody else's keys are not theirs.
    for entry in verified(paper, feed, "--key", paper.keys):
        assert [hop["given"] for hop in entry["custody"]] == [False, False]
    # A partner that has gone takes what is behind it along, not the proof of the paper.
    assert partner.web is not None
    partner.web.terminate()
    partner.web.wait(timeout=60)
    for entry in verified(paper, feed):
        assert entry["verdict"] == "verified"
        assert [hop["state"] for hop in entry["custody"]] == ["not checked"]


pytestmark = pytest.mark.slow
