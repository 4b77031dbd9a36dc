"""The golden files, in this process and in others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from publish.rerender import RENDERING, settings_digest
from stories.config import Config
from tests.publish.checks import check_atom, check_json, check_rss
from tests.publish.goldens import FOLDER, documents
from wirecopy.encoding import digest


def test_every_byte_is_as_it_was() -> None:
    found = dict(documents())
    assert {path.name for path in FOLDER.iterdir()} == {*found, "RENDERING"}
    for name, document in found.items():
        assert document.decode() == (FOLDER / name).read_text(encoding="utf-8"), name


def test_other_bytes_mean_another_number() -> None:
    assert (FOLDER / "RENDERING").read_text() == f"{RENDERING}\n"


def test_the_digest_of_a_configuration_is_as_it_was() -> None:
    """Any other, and every store that is opened by this code renders everything anew."""
    config = Config.model_validate(
        {
            "publisher": {
                "name": "NDTV",
                "url": "https://www.ndtv.com",
                "staff": "Staff of NDTV",
                "story_url": "https://www.ndtv.com/{slug}-{id}",
            },
            "site": {"url": "https://feeds.ndtv.com", "listen": "0.0.0.0:80"},
            "wires": [
                {
                    "name": "pti",
                    "agency": "Press Trust of India",
                    "url": "https://wire.example/x",
                    "every": "2m",
                    "language": "en",
                    "expires_after": "30d",
                }
            ],
            "feeds": [
                {
                    "name": "india",
                    "title": "India",
                    "wires": ["pti"],
                    "categories": ["a"],
                    "languages": ["en"],
                    "keywords": ["k"],
                    "urgency": [1, 2],
                    "limit": 20,
                }
            ],
            "disclosures": {"edited": "(Changed by {staff}.)"},
        }
    )
    assert settings_digest(config) == (
        "528dc09895671dbd3d0dc7d23de747b561d632701cc02327954f162238983a6f"
    )


def test_golden_files_are_valid_feeds() -> None:
    for path in FOLDER.glob("*.rss"):
        assert len(check_rss(path.read_bytes())) == 1
    for path in FOLDER.glob("*.atom"):
        assert len(check_atom(path.read_bytes())) == 1
    for path in FOLDER.glob("*.json"):
        assert len(check_json(path.read_bytes())) == 1


@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kolkata", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8"},
    ],
)
def test_another_process_writes_the_same(surroundings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.publish.goldens"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **surroundings},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout) == {name: digest(data) for name, data in documents()}
