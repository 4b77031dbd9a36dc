"""compose.yaml and the Dockerfile: valid, and as little allowed as will do."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from desk.up import NAMES
from stories.config import unknown_variables

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "wirecopy"}

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
ours = pytest.mark.parametrize("service", OURS.values(), ids=OURS)


def run(program: str, *arguments: str) -> None:
    """Run a checker that was installed beside the Python that runs this; it must find nothing."""
    done = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_yaml_keeps_the_compose_specification() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    run("hadolint", "Dockerfile")


def test_the_services_are_our_members_and_what_they_need() -> None:
    assert set(SERVICES) == {*NAMES, "redis", "postgres"}
    assert set(OURS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_of_our_services_runs_its_member(name: str) -> None:
    assert OURS[name]["command"] == ["up", name]


@every_service
def test_every_service_says_how_it_is_and_comes_back(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert "max-size" in service["logging"]["options"]
    assert service["mem_limit"]


@every_service
def test_no_service_may_do_more_than_it_must(service: dict[str, Any]) -> None:
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["user"] not in ("root", "0", "0:0")
    assert not {"privileged", "network_mode", "pid", "ipc", "devices"} & set(service)
    assert not any("docker.sock" in str(volume) for volume in service["volumes"])


def test_only_the_web_is_published_and_by_default_to_this_machine() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"web"}
    assert SERVICES["web"]["ports"] == ["${WEB_LISTEN:-127.0.0.1:8080}:8080"]


def test_only_who_must_reaches_the_outside() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"web", "worker", "poller"}
    assert all("inside" in service["networks"] for service in SERVICES.values())


@ours
def test_ours_wait_for_what_they_need_and_have_time_to_end(service: dict[str, Any]) -> None:
    assert service["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    assert service["stop_grace_period"] == "60s"


@every_service
def test_no_secret_stands_in_the_file(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        if "PASSWORD" in name or "@" in value:
            assert "${POSTGRES_PASSWORD:?" in value, name


def test_every_variable_that_is_named_as_a_setting_is_one() -> None:
    """The whole of .env reaches the members, what compose itself reads of it too."""
    texts = [(ROOT / name).read_text() for name in ("compose.yaml", "Dockerfile")]
    names = re.findall(r"WIRECOPY_\w+", "\n".join(texts))
    assert "WIRECOPY_DATABASE_URL" in names
    assert unknown_variables(dict.fromkeys(names, "")) == []


def test_the_broker_keeps_what_waits_and_never_forgets() -> None:
    words = SERVICES["redis"]["command"]
    settings = dict(zip(words[1::2], words[2::2], strict=True))
    assert settings["--appendonly"] == "yes"
    assert settings["--appendfsync"] == "everysec"
    assert settings["--maxmemory-policy"] == "noeviction"


def test_what_must_last_is_on_volumes() -> None:
    assert set(COMPOSE["volumes"]) == {"data", "keys", "postgres", "redis"}
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]
    assert "redis:/data" in SERVICES["redis"]["volumes"]
    for service in OURS.values():
        assert {"type": "volume", "source": "data", "target": "/data"} in service["volumes"]


def test_private_keys_are_where_they_are_used_and_nowhere_else() -> None:
    volume = {"type": "volume", "source": "keys", "target": "/keys"}
    assert {n for n, s in OURS.items() if volume in s["volumes"]} == {"worker"}
    assert all(s["environment"]["WIRECOPY_SIGNING__KEYS"] == "/keys" for s in OURS.values())
    assert "--mode 0700 /data /keys" in (ROOT / "Dockerfile").read_text()
    shared = [v for v in OURS["worker"]["volumes"] if v != volume]
    assert all(OURS[name]["volumes"] == shared for name in ("poller", "beat", "web"))


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_images_of_others_are_pinned_by_tag(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert tag
    assert "latest" not in tag


def test_the_image_holds_every_room_and_no_rubbish() -> None:
    copied = {
        line.split()[1]
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line and len(line.split()) == 3
    }
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert rooms == {"wirecopy", "net", "stories", "ingest", "publish", "workers", "desk"}
    assert rooms <= copied
    assert copied | {"pyproject.toml", "README.md", "LICENSE"} == allowed


def test_the_image_installs_exactly_what_was_locked_and_runs_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes" in text
    last = text.rpartition("FROM ")[2]
    assert "USER 10001:10001" in last
    assert all(service["user"] == "10001:10001" for service in OURS.values())
    assert "pip" not in last
