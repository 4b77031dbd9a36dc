"""The samples in deploy/: each is what its own tool takes, and names metrics that there are."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from desk.exposition import GAUGES
from workers.metrics import METRICS

DEPLOY = Path(__file__).parent.parent / "deploy"
SERIES = {f"wirecopy_{name}" for name in GAUGES}
SERIES |= {m.name + end for m in METRICS for end in ("", "_total", "_bucket", "_sum", "_count")}


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("name", ["prometheus-alerts.yml", "grafana-dashboard.json"])
def test_metrics_named_are_there(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\bwirecopy_\w+", text))
    assert len(named) > 5
    assert named <= SERIES


def test_the_dashboard_is_json_with_panels_of_their_own() -> None:
    panels = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 5
    assert all(panel["targets"] for panel in panels)


def test_the_rules_are_what_promtool_takes() -> None:
    check = [tool("promtool"), "check", "rules", str(DEPLOY / "prometheus-alerts.yml")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    verify = tool("systemd-analyze")
    for name, started in (("wirecopy.service", ""), ("wirecopy@.service", "web")):
        unit = tmp_path / name.replace("@", f"@{started}")
        text = (DEPLOY / name).read_text(encoding="utf-8")
        unit.write_text(text.replace("/opt/wirecopy/bin/wirecopy", "/bin/true"), encoding="utf-8")
        done = subprocess.run(
            [verify, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
        )
        assert name.split(".")[0].rstrip("@") not in done.stderr, done.stderr


def test_the_proxy_is_what_nginx_takes(tmp_path: Path) -> None:
    nginx, openssl = tool("nginx"), tool("openssl")
    pem, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        [
            openssl,
            *["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"],
            "-out",
            pem,
            "-keyout",
            key,
        ],
        check=True,
        capture_output=True,
    )
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"(ssl_certificate) \S+;", rf"\1 {pem};", text)
    text = re.sub(r"(ssl_certificate_key) \S+;", rf"\1 {key};", text)
    text = text.replace("/var/cache/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{text}\n}}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
