"""compose.yaml and the Dockerfile: valid, and as little allowed as will do."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from desk.broker import binary
from desk.up import NAMES
from stories.config import unknown_variables
from tests import containers

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


def test_only_web_and_desk_are_published_and_by_default_to_this_machine() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert published == {
        name: [
            {
                "target": port,
                "host_ip": f"${{{name.upper()}_ADDRESS:-127.0.0.1}}",
                "published": f"${{{name.upper()}_PORT:-{port}}}",
            }
        ]
        for name, port in (("web", 8080), ("desk", 8081))
    }


def test_the_desk_runs_for_who_wants_it() -> None:
    assert {name: s["profiles"] for name, s in SERVICES.items() if "profiles" in s} == {
        "desk": ["desk"]
    }
    assert OURS["desk"]["environment"]["WIRECOPY_DESK__LISTEN"] == "0.0.0.0:8081"


def test_only_who_must_reaches_the_outside() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"web", "worker", "poller", "desk"}
    assert all("inside" in service["networks"] for service in SERVICES.values())


@ours
def test_ours_wait_for_what_they_need_and_have_time_to_end(service: dict[str, Any]) -> None:
    assert service["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    assert service["stop_grace_period"] == "60s"


@every_service
def test_no_secret_stands_in_the_file_or_in_an_address(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        if "PASSWORD" in name:
            assert value.startswith("${POSTGRES_PASSWORD:?"), name
        if "://" in value:
            assert "$" not in value, name
            assert urlsplit(value).password is None, name


def test_one_image_is_built_once_and_pulled_by_nobody() -> None:
    assert [name for name, service in OURS.items() if "build" in service] == ["worker"]
    assert {service["pull_policy"] for service in OURS.values()} == {"never"}


def test_dependencies_are_a_layer_of_their_own() -> None:
    """A change of code must not write them anew."""
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    dependencies, build, last = stages[-3:]
    assert "requirements/run.txt" in dependencies
    assert not any(f"COPY {name} " in dependencies for name in ("desk", "stories", "wirecopy"))
    assert "AS build" in build
    copied = [line for line in last.splitlines() if line.startswith("COPY --from")]
    assert [line.split()[1] for line in copied] == ["--from=dependencies", "--from=build"]


def test_the_broker_is_of_the_version_that_the_tests_run_on() -> None:
    said = subprocess.run([binary(), "--version"], capture_output=True, text=True, check=True)
    if "Valkey" not in said.stdout:
        pytest.skip("another server is on the PATH")
    tested = re.search(r"v=([0-9.]+)", said.stdout)
    assert tested
    assert SERVICES["redis"]["image"] == f"valkey/valkey:{tested[1]}-alpine"


def test_the_head_says_all_that_an_operator_must_know() -> None:
    head = (ROOT / "compose.yaml").read_text().partition("\nname:")[0]
    for words in (
        "Compose 2",
        "up --detach --build --wait",
        "restart",
        "chmod 644",
        "chmod 600",
        "10001",
        "headers_env",
        "first start",
        "WEB_ADDRESS",
        "WEB_PORT",
    ):
        assert words in head


def test_without_an_engine_the_run_of_the_containers_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert containers.main() == 1
    assert "no Docker Engine" in capsys.readouterr().err


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
    assert all(OURS[name]["volumes"] == shared for name in ("poller", "beat", "web", "desk"))


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
