"""The exported folder behind nginx and Caddy, by the samples in deploy/: at every address they
answer as the site does itself."""

import getpass
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zstandard

from publish import indexer
from publish.renderer import render_waiting
from publish.web import feeds as feeds_module
from publish.web import gate as gate_module
from publish.web.app import create
from publish.web.export import Exporter
from stories import clock
from stories.config import Config, Feed, Media, Site, Wire
from stories.db import Store, outbox, pictures, subscribers, wires
from stories.db.pictures import Size
from tests.processes import until
from tests.publish import samples
from tests.publish.drawn import drawn
from tests.publish.shelf import publish
from tests.serving import Answer, Port, free_port, served
from tests.test_deploy import DEPLOY, tool

HEADERS = (
    "content-type",
    "cache-control",
    "link",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "content-security-policy",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "x-content-type-options",
)
"""That the servers are to send as the site does."""


@dataclass(frozen=True)
class Exported:
    """A site that was exported, with stories that are there, and one whose licence is over."""

    config: Config
    store: Store
    exporter: Exporter
    folder: Path
    stories: tuple[str, ...]
    gone: str

    @property
    def addresses(self) -> list[str]:
        """Every address of which there is a file."""
        found = []
        for file in sorted(self.folder.rglob("*")):
            name = str(file.relative_to(self.folder))
            if file.is_file() and not re.search(r"^\.wirecopy/|^4\d\d\.|\.(?:gz|zst|gone)$", name):
                found.append("/" + re.sub(r"^index\.html$|\.html$", "", name))
        return found


@pytest.fixture(params=["https://feeds.ndtv.com", "https://www.ndtv.com/a/wire"])
def exported(
    store: Store,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Exported]:
    """At an address with a path of its own, too. Nothing here is in a hurry."""
    monkeypatch.setattr(feeds_module, "PATIENCE", 60.0)
    monkeypatch.setattr(feeds_module, "FIRST_PATIENCE", 60.0)
    monkeypatch.setattr(gate_module, "WRITTEN", 3600.0)  # or it writes while others are tested
    agencies = tuple(
        Wire(
            name=name,
            url=f"https://wire.example/{name}",
            expires_after=term,
            grants=("pictures",),
        )
        for name, term in (("pti", None), ("ani", timedelta(days=1)))
    )
    config = samples.config(
        site=Site(url=request.param, export=tmp_path / "folder"),
        wires=agencies,
        feeds=(
            Feed(name="india", title="India", aliases=("bharat", "hind")),
            Feed(name="urdu", title="اردو", languages=("ur",), wires=("pti",)),
            Feed(name="partners", title="Sealed", private=True),
        ),
        media=Media(keep=True),
    )
    over = samples.story(samples.version(wire="ani"))
    lasting = (samples.english(), samples.hindi(), samples.urdu())
    with clock.reading(lambda: over.first_received + timedelta(hours=1)):
        with store.write() as conn:
            wires.sync(conn, agencies, clock.now())
        publish(store, config, *lasting, over)
        picture = drawn()
        with store.write() as conn:
            pictures.put(conn, "d" * 64, [(Size(320, 160), picture)])
            shown = {medium.url: ("d" * 64, None) for medium in lasting[0].version.media}
            pictures.note(conn, lasting[0].id, 1, shown, clock.now())
    exporter = Exporter(config, store)
    with clock.reading(lambda: over.first_received + timedelta(hours=30)):
        with store.write() as conn:
            outbox.want(conn, "story", [over.id], clock.now())
        render_waiting(store, config)
        assert exporter.keep(60) is False
        yield Exported(
            config, store, exporter, tmp_path / "folder", tuple(s.id for s in lasting), over.id
        )
    exporter.close()


@contextmanager
def nginx(exported: Exported, tmp_path: Path, behind: int = 9) -> Iterator[Port]:
    """With Wirecopy itself on the port *behind*."""
    port = Port(free_port())
    text = (DEPLOY / "nginx-export.conf").read_text(encoding="utf-8")
    text = re.sub(r"server \{\s+listen 80;.*?\n\}\n", "", text, flags=re.S)
    text = re.sub(r" +ssl_certificate\S* \S+;\n", "", text)
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port.number};")
    path = urlsplit(exported.config.site.url).path
    if path:
        text = text.replace("#     rewrite ^/wire(", f"rewrite ^{path}(")
    text = text.replace("/srv/wirecopy", str(exported.folder))
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
    temporary = "\n".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = tmp_path / "nginx.conf"
    conf.write_text(
        f"user {getpass.getuser()};\ndaemon off;\npid {tmp_path}/pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{text}\n}}\n",
        encoding="utf-8",
    )
    with running([tool("nginx"), "-p", str(tmp_path), "-c", str(conf)], port, tmp_path):
        yield port


@contextmanager
def caddy(exported: Exported, tmp_path: Path, behind: int = 9) -> Iterator[Port]:
    """With Wirecopy itself on the port *behind*."""
    port = Port(free_port())
    text = (DEPLOY / "Caddyfile-export").read_text(encoding="utf-8")
    text = text.replace("/srv/wirecopy", str(exported.folder))
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
    text = text.replace("feeds.example.com {", f"http://127.0.0.1:{port.number} {{")
    path = urlsplit(exported.config.site.url).path
    if path:
        text = text.replace("\timport", f"handle_path {path}/* {{\n\timport")
        text = text.replace("\thandle_errors", "}\n\thandle_errors")
    (tmp_path / "Caddyfile").write_text(
        "{\nadmin off\nauto_https off\n}\n" + text, encoding="utf-8"
    )
    command = [tool("caddy"), "run", "--config", str(tmp_path / "Caddyfile")]
    with running(command, port, tmp_path):
        yield port


@contextmanager
def running(command: list[str], port: Port, tmp_path: Path) -> Iterator[None]:
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        )
    try:
        until(lambda: port.open() or process.poll() is not None)
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(60)


Server = Callable[..., AbstractContextManager[Port]]
each_server = pytest.mark.parametrize("server", [nginx, caddy], ids=lambda server: server.__name__)


def differing(one: Answer, other: Answer) -> dict[str, tuple[str | None, str | None]]:
    """The headers that are to be the same and are not."""
    return {
        name: (one.headers.get(name), other.headers.get(name))
        for name in HEADERS
        if one.headers.get(name) != other.headers.get(name)
    }


@each_server
def test_every_address_is_answered_as_the_site_does(
    server: Server, exported: Exported, tmp_path: Path
) -> None:
    path = urlsplit(exported.config.site.url).path
    addresses = exported.addresses
    assert len(addresses) > 30
    assert {f"/stories/{name}" for name in exported.stories} < set(addresses)
    assert f"/pictures/{'d' * 64}-320.jpg" in addresses
    app = create(exported.config, exported.store, ready=dict, metrics=None)
    with served(app) as site, server(exported, tmp_path) as port:
        for address in addresses:
            asked, packed = (
                [p.ask(path + address, {"Accept-Encoding": coding}) for p in (site, port)]
                for coding in ("identity", "gzip")
            )
            ours, theirs = asked
            assert (theirs.status, theirs.body) == (200, ours.body), address
            assert differing(ours, theirs) == {}, address
            assert theirs.headers["etag"]
            again = port.ask(path + address, {"If-None-Match": theirs.headers["etag"]})
            assert again.status == 304
            since = {"If-Modified-Since": theirs.headers["last-modified"]}
            assert port.ask(path + address, since).status == 304
            if address.startswith("/feeds/") and "." in address:
                assert theirs.headers["last-modified"] == ours.headers["last-modified"]
            ours, theirs = packed
            assert theirs.headers.get("content-encoding") == ours.headers.get("content-encoding")
            assert theirs.body == ours.body, address
            assert differing(ours, theirs) == {}, address
            if "content-encoding" in ours.headers:
                assert theirs.headers["vary"].lower() == "accept-encoding"
            head = port.ask(path + address, method="HEAD")
            assert (head.status, head.body) == (200, b"")
            assert differing(ours, head) == {}, address


@each_server
def test_what_has_moved_is_gone_or_never_was_is_told_as_the_site_tells_it(
    server: Server, exported: Exported, tmp_path: Path
) -> None:
    path = urlsplit(exported.config.site.url).path
    app = create(exported.config, exported.store, ready=dict, metrics=None)
    with served(app) as site, server(exported, tmp_path) as port:
        for old in ("bharat", "hind"):
            for end in ("", ".rss", ".atom", ".json"):
                ours, theirs = (p.ask(f"{path}/feeds/{old}{end}") for p in (site, port))
                assert (ours.status, theirs.status) == (301, 301)
                assert theirs.headers["location"] == ours.headers["location"]
        for address in (
            f"/stories/{exported.gone}",
            "/stories/aaaaaaaaaaaaa",
            "/stories/aaaaaaaaaaaaa/statements",
            "/feeds/none",
            "/feeds/none.rss",
            "/log/tile/0/999",
            "/.wirecopy/manifest.json",
            "/.wirecopy/lock",
            "/index.html",
            f"/stories/{exported.stories[0]}.html",
            f"/stories/{exported.stories[0]}.html.gz",
            "/feeds/india.rss.zst",
            f"/stories/{exported.gone}.gone",
            "/404.html",
            "/nothing",
        ):
            ours, theirs = (p.ask(path + address) for p in (site, port))
            assert theirs.status == ours.status in (404, 410), address
            assert theirs.headers["cache-control"] == "no-store", address
            if address.startswith(("/stories", "/nothing")) and "statements" not in address:
                assert theirs.text.split("<title>")[1][:30] == ours.text.split("<title>")[1][:30]
        for address in ("/feeds/india.rss", "/log/checkpoint", "/.well-known/jwks.json"):
            ours, theirs = (p.ask(path + address, method="OPTIONS") for p in (site, port))
            assert (ours.status, theirs.status) == (204, 204)
            for name in ("allow", *(n for n in ours.headers if n.startswith("access-control"))):
                assert theirs.headers[name] == ours.headers[name]


@each_server
def test_what_is_made_when_it_is_asked_for_and_private_feeds_are_passed_on(
    server: Server, exported: Exported, tmp_path: Path
) -> None:
    path = urlsplit(exported.config.site.url).path
    while indexer.index_waiting(exported.store, exported.config):
        pass
    with exported.store.write() as conn:
        subscribers.add(conn, "Dawn", "good", ((), (), ()), "Asha", clock.now())
    app = create(exported.config, exported.store, ready=dict, metrics=None)
    with served(app) as site, server(exported, tmp_path, site.number) as port:
        passed_on = [
            ("/feeds/india/archive/1.rss", 200),
            ("/feeds/bharat/archive/1.rss", 301),
            ("/search?q=india", 200),
            ("/search.json?q=GST%20%22of%22", 200),
            ("/search.json", 404),
            ("/feeds/partners.rss?token=good", 200),
            ("/feeds/partners/archive/1.atom?x=1&token=good", 200),
            ("/feeds/partners.rss?token=bad", 404),
            ("/feeds/partners.rss?login", 401),
            (f"/stories/{exported.stories[0]}?token=good", 200),
        ]
        for address, status in passed_on:
            ours, theirs = (p.ask(path + address) for p in (site, port))
            assert (theirs.status, theirs.body) == (ours.status, ours.body), address
            assert ours.status == status, address
            for one in (ours, theirs):
                for name in ("date", "server", "connection", "transfer-encoding", "content-length"):
                    one.headers.pop(name, None)
            assert theirs.headers == ours.headers, address
        bearer = {"Authorization": "Bearer good"}
        found = port.ask(f"{path}/feeds/partners.rss", bearer)
        assert found.status == 200
        assert found.body == site.ask(f"{path}/feeds/partners.rss", bearer).body
        assert port.ask(f"{path}/feeds/partners.rss").status == 404
        assert (
            port.ask(f"{path}/feeds/india.rss?tokens=login").headers["etag"]
            != site.ask(f"{path}/feeds/india.rss").headers["etag"]
        ), "that is the file"


def test_caddy_serves_what_zstd_has_packed(exported: Exported, tmp_path: Path) -> None:
    path = urlsplit(exported.config.site.url).path
    with caddy(exported, tmp_path) as port:
        found = port.ask(f"{path}/feeds/india.rss", {"Accept-Encoding": "zstd, gzip"})
        assert found.headers["content-encoding"] == "zstd"
        body = zstandard.ZstdDecompressor().decompress(found.body)
        assert body == port.ask(f"{path}/feeds/india.rss").body
