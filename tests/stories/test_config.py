"""The configuration: what is read, and that what is wrong is told with file, key and remedy."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from stories.config import Config, duration, load, unknown_variables
from stories.errors import ConfigError
from stories.labels import LABELS
from wirecopy.claims import contradiction
from wirecopy.scope import SCOPES
from wirecopy.text import plain

WHOLE = """
[publisher]
name = "NDTV"
url = "https://www.ndtv.com/"
story_url = "https://www.ndtv.com/india-news/{slug}-{id}"

[site]
url = "https://feeds.ndtv.com"
listen = "0.0.0.0:9000"

[disclosures]
edited = "(Edited by {staff}; first sent by {agency}.)"

[[wires]]
name = "pti"
agency = "Press Trust of India"
code = "PTI"
url = "https://agency.example/pti.rss"
every = "2m"
timezone = "Asia/Kolkata"
headers = { Authorization = "Bearer s3cret" }

[[feeds]]
name = "india"
title = "India"
wires = ["pti"]
limit = 5
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "wirecopy.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_whole_configuration(tmp_path: Path) -> None:
    config = load(write(tmp_path, WHOLE))
    wire = config.wires[0]
    assert wire.every == timedelta(minutes=2)
    assert wire.timezone == "Asia/Kolkata"
    assert config.publisher.url == "https://www.ndtv.com"
    assert config.publisher.staff_name == "NDTV staff"
    assert config.publisher.authority == "www.ndtv.com"
    assert config.site.address == ("0.0.0.0", 9000)
    assert config.outgoing[0].limit == 5
    assert config.data == tmp_path / "wirecopy-data"
    assert config.database == tmp_path / "wirecopy-data" / "wirecopy.sqlite3"
    assert config.disclosure("edited", "PTI").text == "(Edited by NDTV staff; first sent by PTI.)"


def test_the_private_keys_lie_in_the_data_folder_or_where_they_are_named(tmp_path: Path) -> None:
    assert load(write(tmp_path, WHOLE)).keys_folder == tmp_path / "wirecopy-data" / "keys"
    named = load(write(tmp_path, WHOLE + '[signing]\nkeys = "safe/keys"\noverlap = "3d"\n'))
    assert named.keys_folder == tmp_path / "safe" / "keys"
    assert named.signing.overlap == timedelta(days=3)
    whole = load(write(tmp_path, WHOLE + '[signing]\nkeys = "/safe"\n'))
    assert whole.keys_folder == Path("/safe")


def test_folders_lie_beside_the_file_that_was_named_wherever_it_leads(tmp_path: Path) -> None:
    """As Kubernetes mounts a ConfigMap: both links stay, and what they lead to is exchanged."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/wirecopy.toml").symlink_to("..data/wirecopy.toml")
    for version in ("..1", "..2"):
        (tmp_path / "etc" / version).mkdir()
        write(tmp_path / "etc" / version, WHOLE + '[signing]\nkeys = "keys"\n')
        (tmp_path / "etc/..data").unlink(missing_ok=True)
        (tmp_path / "etc/..data").symlink_to(version)
        config = load(tmp_path / "etc/wirecopy.toml")
        assert config.data == tmp_path / "etc/wirecopy-data"
        assert config.keys_folder == tmp_path / "etc/keys"


def test_what_release_0_1_kept_beside_the_target_of_a_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "real/wirecopy-data").mkdir(parents=True)
    (tmp_path / "wirecopy.toml").symlink_to(write(tmp_path / "real", WHOLE))
    assert load(tmp_path / "wirecopy.toml").data == tmp_path / "real/wirecopy-data"
    (tmp_path / "wirecopy-data").mkdir()
    assert load(tmp_path / "wirecopy.toml").data == tmp_path / "wirecopy-data"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "wirecopy.toml"
    file.write_text(WHOLE, encoding="utf-8-sig")
    assert load(file) == load(write(tmp_path, WHOLE))


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    config = load(write(tmp_path, WHOLE))
    assert "s3cret" not in repr(config)
    assert "s3cret" not in config.model_dump_json()


def test_the_contract_wording() -> None:
    assert LABELS["headline-only"].disclosure.format(parts="the headline", staff="NDTV staff") == (
        "(Except for the headline, this story has not been edited by NDTV staff"
        " and is published from a syndicated feed.)"
    )


@pytest.mark.parametrize("scope", ["house-style", "excerpt", "with-inputs", "edited", "unknown"])
def test_nothing_is_claimed_of_changed_words(tmp_path: Path, scope: str) -> None:
    config = load(write(tmp_path, WHOLE.replace("edited =", "verbatim =")))
    assert scope in SCOPES
    assert config.disclosure(scope, "PTI").text == ""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("limit = 5", 'languages = ["english"]', ["languages", "'english'", '"en"']),
        ("limit = 5", 'languages = ["en-GB", "Hindi"]', ["'Hindi'"]),
        ("edited =", '"no language" = { verbatim = "(As sent.)" }\nedited =', ["disclosures.hi"]),
        ("edited =", 'hi = { edited = "(Not edited by us.)" }\nedited =', ["'edited'"]),
        ("edited =", 'gu = { packaging = "({parts})" }\nedited =', ["'packaging'", "{agency}"]),
        ("listen =", 'timezone = "IST"\nlisten =', ["site.timezone", "Asia/Kolkata"]),
        ("limit = 5", 'data = "d"', ["feeds[0].data (named '", "top of the file"]),
        ('wires = ["pti"]', 'wires = "pti"', ["feeds[0].wires", 'must be a list: ["pti"]']),
        ("[[wires]]", "[wires]", ["wires: must be tables", "[[wires]]"]),
        ("limit = 5", "limit = 5,", [": limit; no comma"]),
        ("limit = 5", "title = India", [": title; text stands in quotes"]),
        (
            'timezone = "Asia/Kolkata"',
            'timezone = "IST"',
            ["wires[0].timezone (named 'pti')", "three zones"],
        ),
        ('every = "2m"', 'evry = "2m"', ["wires[0].evry (named 'pti')", "unknown key", "'every'"]),
        ('every = "2m"', 'every = "often"', ["wires[0].every", "not a duration", '"90s"']),
        ('every = "2m"', "every = 120", ["wires[0].every", "not a duration"]),
        ('every = "2m"', 'every = "0s"', ["wires[0].every", "at least 1s"]),
        ('every = "2m"', 'every = "999999999999w"', ["wires[0].every", "too long", "36500d"]),
        ('every = "2m"', f'every = "{"9" * 5000}w"', ["wires[0].every", "too long"]),
        ('every = "2m"', 'expires_after = "999999w"', ["wires[0].expires_after", "too long"]),
        ("[site]", '[retention]\ncaptures = "36501d"\n[site]', ["retention.captures", "too long"]),
        ("feeds.ndtv.com", "feeds.ndtv.com:99999", ["site.url", "no port", "65535"]),
        ("agency.example/", "agency.example:0/", ["wires[0].url", "no port"]),
        ('every = "2m"', 'timeout = "121s"', ["wires[0].timeout", "at most 2m"]),
        ('every = "2m"', 'timeout = "0s"', ["wires[0].timeout", "at least 1s"]),
        ("limit = 5", 'limit = "many"', ["feeds[0].limit"]),
        ("limit = 5", "limit = 0", ["feeds[0].limit", "greater than or equal to 1"]),
        (
            'wires = ["pti"]',
            'wires = ["pit"]',
            ["'india'", "'pit', which is", "; did you mean 'pti'?"],
        ),
        ('wires = ["pti"]', 'wires = ["x", "y"]', ["'x', which is none", "there; known here: pti"]),
        ('name = "pti"', 'name = "P T I"', ["wires[0].name", "a-z"]),
        ('url = "https://agency.example/pti.rss"', 'url = "pti.rss"', ["wires[0].url", "https://"]),
        ("https://agency", "https://me:pw@agency", ["wires[0].url", "headers"]),
        ('timezone = "Asia/Kolkata"', 'timezone = "IST+5"', ["wires[0].timezone", "Asia/Kolkata"]),
        ("{slug}-{id}", "{slug}", ["publisher.story_url", "{id}"]),
        ("edited =", "editted =", ["disclosures", "'editted'", "headline-only"]),
        ("{staff};", "{stuff};", ["disclosures", "{staff}"]),
        ("Edited by", "Not edited by", ["disclosures", "'edited'", "not edited by", "not true"]),
        ('name = "NDTV"\n', "", ["publisher.name", "is missing"]),
        ('listen = "0.0.0.0:9000"', 'listen = "9000"', ["site.listen", "0.0.0.0:8080"]),
        ("[site]", '[site]\nmetrics_listen = "0.0.0.0:9000"', ["metrics_listen", "another port"]),
        ("[site]", '[desk]\nlisten = "8081"\n[site]', ["desk.listen", "127.0.0.1:8081"]),
        ("[site]", '[desk]\nlisten = "0.0.0.0:9000"\n[site]', ["desk.listen", "another port"]),
        ("[site]", '[desk]\nurl = "https://x.example/desk"\n[site]', ["desk.url", "its own"]),
        ("[site]", '[desk]\nlogin = "sso"\n[site]', ["desk.login", "header:X-Remote-User"]),
        ("[site]", '[desk]\nlogin = "header:X-User"\n[site]', ["desk: login", "trusted ="]),
        ("[site]", '[desk]\ntrusted = ["proxy"]\n[site]', ["desk.trusted", "'proxy'"]),
        ("[site]", '[site]\nmetrics_token = "short"', ["site.metrics_token", "at random"]),
        ("[publisher]", "[publisher", ["not valid TOML", "line 2"]),
        ("[publisher]", "[[publisher]]", ["publisher: must be a table: write [publisher], in one"]),
        ("[[wires]]", "[[wire]]", ["wire: unknown key", "'wires'"]),
        ("[[wires]]", "[wires.pti]", ["wires: must be tables", "[[wires]]"]),
        ("[site]", '[site]\nurl = "x"\n[site]', ["it is there twice"]),
        ('name = "NDTV"', 'name: "s3cret"', [": name; between key and value stands ="]),
        ('name = "NDTV"', 'name "s3cret"', ["not valid TOML", ": name"]),
        ('name = "NDTV"', 'name = "s3cret', [": name; a value is missing, or its last quote"]),
        ('name = "NDTV"', "name = “s3cret”", [": name; text stands in straight quotes"]),
        ('name = "NDTV"', 'name = "NDTV";', [": name; nothing belongs after a value"]),
        ('name = "NDTV"', "name = 5", ['publisher.name: must be text in quotes, like "…"']),
        ('name = "NDTV"', 'name = ""', ["publisher.name: is empty; give it a value"]),
        (
            "[publisher]",
            'database_url = "mysql://me:s3cret@x/y"\n[publisher]',
            ["database_url: not"],
        ),
        ("[publisher]", 'database_url = "s3cret"\n[publisher]', ["database_url: not the address"]),
        ("[publisher]", 'database_url = ""\n[publisher]', ["database_url: not the", "sqlite:///"]),
        ("limit = 5", "limit = 5.5", ["feeds[0].limit (named '", "a whole number, without quotes"]),
        ("limit = 5", "keywords = [5]", ["feeds[0].keywords[0] (named '", "text in quotes"]),
        ("limit = 5", 'keywords = ["GST", " "]', ["feeds[0].keywords", "selects nothing"]),
        ('every = "2m"', "every = 2m", [": every; text stands in quotes"]),
        ('every = "2m"', "noindex = True", [": noindex; write true, in small letters"]),
        ('every = "2m"', 'noindex = "perhaps"', ["wires[0].noindex", "true or false"]),
        ('every = "2m"', "// every", ["comments begin with #"]),
        (
            'every = "2m"',
            'headers_env = { X = "Bearer s3cret" }',
            ["wires[0] (named 'pti'): headers_env: X: is no name of an environment variable"],
        ),
        ("edited =", "verbatim = 5\nedited =", ["disclosures: verbatim: must be text in quotes"]),
        ("edited =", "hi = { edited = 5 }\nedited =", ["disclosures: edited: must be text"]),
        ("[site]", "[sight]", ["sight", "unknown key", "'site'"]),
        ('"Bearer s3cret"', '"a\\r\\nb"', ["wires[0].headers", "line break"]),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, before: str, after: str, told: list[str]) -> None:
    assert before in WHOLE
    file = write(tmp_path, WHOLE.replace(before, after, 1))
    with pytest.raises(ConfigError) as caught:
        load(file)
    for word in [str(file), *told]:
        assert word in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "redis:x",
        "redis:1",
        "redis://x:99999",
        "redis://x:6379/zero",
        "redis://:s#3@x",
        "redis://[::1/0",
        "unix://run/r.sock",
        "unix://",
        "redis+socket:/r.sock",
        "x",
        "",
    ],
)
def test_what_is_no_address_of_a_redis(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="redis_url: not the address of a Redis") as caught:
        load(write(tmp_path, f'redis_url = "{url}"\n{WHOLE}'))
    assert "#3" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://x",
        "redis://x/",
        "redis://u:p%23@x:6380/15",
        "rediss://[::1]:6380/0",
        "unix:///run/r.sock",
        "unix:///run/r.sock?db=2",
        "redis+socket:///r.sock?virtual_host=7",
    ],
)
def test_addresses_of_a_redis(tmp_path: Path, url: str) -> None:
    config = load(write(tmp_path, f'redis_url = "{url}"\n{WHOLE}'))
    assert config.redis_url is not None
    assert config.redis_url.get_secret_value() == url


def test_a_slow_wire_may_be_given_two_minutes(tmp_path: Path) -> None:
    file = write(tmp_path, WHOLE.replace('every = "2m"', 'timeout = "2m"'))
    assert load(file).wires[0].timeout == timedelta(minutes=2)


def test_two_of_one_name(tmp_path: Path) -> None:
    twice = WHOLE + '\n[[wires]]\nname = "pti"\nurl = "https://b.example/x"\n'
    with pytest.raises(ConfigError, match="two are named 'pti'"):
        load(write(tmp_path, twice))


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    broken = WHOLE.replace('every = "2m"', 'every = "x"').replace("limit = 5", "limit = 0")
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, broken))
    assert len(str(caught.value).split("\n")) == 2


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRECOPY_PUBLISHER__NAME", "The Daily")
    monkeypatch.setenv("WIRECOPY_DATABASE_URL", "postgresql://me@db/wirecopy")
    monkeypatch.setenv("WIRECOPY_REDIS_URL", "redis://broker/0")
    config = load(write(tmp_path, WHOLE))
    assert config.publisher.name == "The Daily"
    assert config.publisher.url == "https://www.ndtv.com"
    assert config.database == "postgresql://me@db/wirecopy"


def test_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WIRECOPY_PUBLISHER__NAME", "The Daily")
    monkeypatch.setenv("WIRECOPY_PUBLISHER__URL", "https://daily.example")
    wires = [{"name": "sim", "url": "http://127.0.0.1:1/w.rss", "every": "5s"}]
    monkeypatch.setenv("WIRECOPY_WIRES", json.dumps(wires))
    config = load()
    assert config.wires[0].every == timedelta(seconds=5)
    assert [f.name for f in config.outgoing] == ["all"]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("DATABSE_URL", "postgresql://x/y", ["WIRECOPY_DATABSE_URL: ", "WIRECOPY_DATABASE_URL?"]),
        ("POLITNESS__GAP", "5s", ["WIRECOPY_POLITNESS__GAP: unknown", "WIRECOPY_POLITENESS?"]),
        ("LISTEN", "80", ["WIRECOPY_LISTEN: unknown key", "unset it"]),
        ("CONFIG__X", "80", ["WIRECOPY_CONFIG__X: unknown key"]),
        ("POLITENESS__GPA", "5s", ["WIRECOPY_POLITENESS__GPA: unknown key", "'gap'"]),
        ("POLITENESS__GAP", "xx", ["WIRECOPY_POLITENESS__GAP: not a duration"]),
        ("POLITENESS", '{"gap": "xx"}', ["WIRECOPY_POLITENESS.gap: not a duration"]),
        ("politeness__gap", "xx", ["WIRECOPY_POLITENESS__GAP: not a duration"]),
        ("WIRES", "pti", ["WIRECOPY_WIRES: not JSON"]),
        ("SITE", "5", ["WIRECOPY_SITE: must be an object in JSON"]),
        ("WIRES", '[{"name": "pti"}]', ["WIRECOPY_WIRES[0].url: is missing"]),
        ("WIRES__0__URL", "http://x", ["WIRECOPY_WIRES__0__URL: ", "lists are JSON"]),
        ("DATABASE_URL", "mysql://x/y", ["WIRECOPY_DATABASE_URL: not the address of a database"]),
        ("DATABASE_URL", "", ["WIRECOPY_DATABASE_URL: is empty"]),
        ("PUBLISHER__NAME", "", ["WIRECOPY_PUBLISHER__NAME: is empty; give it a value"]),
        ("PUBLISHER__URL", "", ["WIRECOPY_PUBLISHER__URL: is empty"]),
        ("WORKER_PROCESSES", "", ["WIRECOPY_WORKER_PROCESSES: is empty"]),
        ("WIRES", "", ["WIRECOPY_WIRES: is empty"]),
        ("DATA__DIR", "/data", ["WIRECOPY_DATA__DIR: WIRECOPY_DATA has no keys below"]),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: list[str]
) -> None:
    monkeypatch.setenv(f"WIRECOPY_{variable}", value)
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, WHOLE))
    assert str(caught.value).startswith("environment: ")
    for word in told:
        assert word in str(caught.value)
    assert "wirecopy.toml" not in str(caught.value)


def test_a_fault_of_the_file_beside_a_sound_environment_is_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRECOPY_PUBLISHER", '{"staff": "We"}')
    monkeypatch.setenv("WIRECOPY_SITE__URL", "https://feeds.example")
    broken = WHOLE.replace("{slug}-{id}", "{slug}").replace(":9000", "")
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, broken))
    lines = str(caught.value).split("\n")
    assert [line.partition(": ")[2].partition(": ")[0] for line in lines] == [
        "publisher.story_url",
        "site.listen",
    ]
    assert all(line.startswith(f"{tmp_path}") for line in lines)


@pytest.mark.parametrize(
    ("desk", "origin"),
    [
        ("", "http://127.0.0.1:8081"),
        ('listen = "0.0.0.0:9090"', "http://127.0.0.1:9090"),
        ('listen = "[::]:9090"', "http://127.0.0.1:9090"),
        ('listen = "[fd00::7]:9090"', "http://[fd00::7]:9090"),
        ('url = "https://desk.example"', "https://desk.example"),
    ],
)
def test_a_table_makes_a_desk(tmp_path: Path, desk: str, origin: str) -> None:
    assert not load(write(tmp_path, WHOLE)).desk.enabled
    made = load(write(tmp_path, f"{WHOLE}\n[desk]\n{desk}\n"))
    assert made.desk.enabled
    assert made.desk.origin == origin


def test_what_a_configuration_by_the_environment_alone_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WIRECOPY_PUBLISHER__NAME", "The Daily")
    with pytest.raises(ConfigError, match="environment: WIRECOPY_PUBLISHER__URL: is missing"):
        load()


def test_variables_for_tests_and_of_tables_of_any_key_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIRECOPY_TEST_DATABASE_URL", "postgresql://x/y")
    monkeypatch.setenv("WIRECOPY_CONFIG", "elsewhere.toml")
    monkeypatch.setenv("WIRECOPY_DISCLOSURES__EDITED", "(Edited.)")
    assert load(write(tmp_path, WHOLE)).disclosure("edited", "PTI").text == "(Edited.)"


def test_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"wirecopy init.*--config"):
        load()
    with pytest.raises(ConfigError, match="a folder"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("2m", 120),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1w", 604800),
        ("36500d", 36500 * 86400),
        ("0000000000000000000001s", 1),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1.5h", "५m", 5, None, "5m5"])
def test_no_durations(text: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration(text)


def test_a_configuration_is_hashed_by_nobody_and_changed_by_nobody(tmp_path: Path) -> None:
    config = load(write(tmp_path, WHOLE))
    with pytest.raises(ValueError, match="frozen"):
        config.wires = ()  # type: ignore[misc]
    assert isinstance(config, Config)


def test_the_parts_are_named_in_their_order(tmp_path: Path) -> None:
    config = load(write(tmp_path, WHOLE))
    line = config.disclosure("packaging", "PTI", ("headline", "links", "media", "packaging"))
    assert line.text.startswith(
        "(Except for the headline, links, pictures and summary or tags, this"
    )


def test_no_disclosure_of_ours_says_more_than_its_scope() -> None:
    for scope, label in LABELS.items():
        assert contradiction(scope, [plain(label.disclosure)]) == "", scope
    assert contradiction("edited", [plain(LABELS["verbatim"].disclosure)])
    said = LABELS["headline-only"].disclosure
    assert contradiction("packaging", [plain(said.replace("{parts}", "the headline"))])


@pytest.mark.parametrize(
    "name",
    [
        "WIRECOPY_DATABASE_URL",
        "wirecopy_database_url",
        "WIRECOPY_POLITENESS__GAP",
        "WIRECOPY_CONFIG",
        "WIRECOPY_TEST_REDIS_URL",
        "WIRECOPY_SERVICE_HOST",
        "WIRECOPY_SERVICE_PORT_HTTP",
        "WIRECOPY_PORT",
        "WIRECOPY_PORT_8080_TCP_ADDR",
        "WIRECOPYIST",
        "DATABASE_URL",
    ],
)
def test_what_is_read_or_not_ours(name: str) -> None:
    assert unknown_variables({name: "x"}) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("WIRECOPY_DATABSE_URL", "WIRECOPY_DATABASE_URL"),
        ("WIRECOPY_POLITNESS__GAP", "WIRECOPY_POLITENESS"),
        ("WIRECOPY_WIRES__0__URL", "lists are JSON"),
        ("WIRECOPY_CONFIG__X", "WIRECOPY_CONFIG"),
        ("WIRECOPY_PORTAL", "unknown key"),
        ("WIRECOPY_", "unknown key"),
    ],
)
def test_what_nobody_would_read_is_told(name: str, told: str) -> None:
    (fault,) = unknown_variables({name: "secret", "PATH": "x"})
    assert name in fault
    assert told in fault
    assert "secret" not in fault


# Secrets from the environment, and files that cannot be read.

NAMED = WHOLE.replace(
    'headers = { Authorization = "Bearer s3cret" }',
    'headers = { X-Plain = "open" }\nheaders_env = { Authorization = "PTI_AUTHORIZATION" }',
)


def test_the_secret_of_a_wire_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTI_AUTHORIZATION", "Bearer s3cret")
    config = load(write(tmp_path, NAMED))
    sent = {k: v.get_secret_value() for k, v in config.wires[0].headers.items()}
    assert sent == {"X-Plain": "open", "Authorization": "Bearer s3cret"}
    assert "s3cret" not in config.model_dump_json() + repr(config)


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "PTI_AUTHORIZATION is not set"), ("", "is not set"), ("a\nb", "line break")],
)
def test_a_secret_that_is_not_there_is_told_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None, told: str
) -> None:
    if value is not None:
        monkeypatch.setenv("PTI_AUTHORIZATION", value)
    with pytest.raises(ConfigError, match=told) as caught:
        load(write(tmp_path, NAMED))
    assert "wires[0]" in str(caught.value)


def test_a_file_that_may_not_be_read_says_whose_it_is_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    file = write(tmp_path, WHOLE)
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(ConfigError) as caught:
        load(file)
    said = str(caught.value)
    assert "\n" not in said
    for word in (str(file), "belongs to", "runs as", "chmod a+r", "headers_env"):
        assert word in said


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WIRECOPY_SIGNING_KEYS", "WIRECOPY_SIGNING__KEYS"),
        ("WIRECOPY_SITE_URL", "WIRECOPY_SITE__URL"),
        ("WIRECOPY_RETENTION_CAPTURES", "WIRECOPY_RETENTION__CAPTURES"),
        ("WIRECOPY_DATABASEURL", "WIRECOPY_DATABASE_URL"),
        ("WIRECOPY_ALERTS_URL", "WIRECOPY_ALERTS__URL"),
        ("WIRECOPY_SITE_METRICS_TOKEN", "WIRECOPY_SITE__METRICS_TOKEN"),
    ],
)
def test_a_variable_with_a_line_too_few_is_known_for_what_it_means(name: str, meant: str) -> None:
    (fault,) = unknown_variables({name: "x"})
    assert f"did you mean {meant}?" in fault


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('proxy = "proxy.example:3128"', "not the address of a proxy"),
        ('proxy = "ftp://proxy.example"', "not the address of a proxy"),
        ('proxy = "http://u:s3cret@"', "not the address of a proxy"),
        ('proxy = "http://u:s3cret@proxy.example:99999"', "not the address of a proxy"),
        ('client_key = "key.pem"', "client_key: is of no use without client_cert"),
    ],
)
def test_how_a_wire_goes_out_is_checked(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        load(write(tmp_path, wired(lines)))
    assert "s3cret" not in str(caught.value)


def test_how_a_wire_goes_out(tmp_path: Path) -> None:
    lines = 'proxy = "http://u:s3cret@proxy.example:3128"\nclient_cert = "wire.pem"'
    (wire,) = load(write(tmp_path, wired(lines))).wires
    assert wire.client_cert == tmp_path / "wire.pem"
    assert "s3cret" not in repr(wire) + wire.model_dump_json()
    (direct,) = load(write(tmp_path, wired('proxy = ""'))).wires
    assert direct.proxy is not None
    assert direct.proxy.get_secret_value() == ""


def wired(lines: str) -> str:
    """A configuration of one wire with *lines*."""
    return (
        '[publisher]\nname = "P"\nurl = "https://p.example"\n'
        f'[[wires]]\nname = "w"\nurl = "https://w.example/f"\n{lines}\n'
    )


def came(lines: str) -> str:
    """A configuration of one wire, with *lines* for all that says how it comes."""
    return f'[publisher]\nname = "P"\nurl = "https://p.example"\n[[wires]]\nname = "w"\n{lines}\n'


@pytest.mark.parametrize(
    ("lines", "way", "path"),
    [
        ('url = "https://w.example/f"', "pull", "/f"),
        ('url = "file:///srv/pti%20in"', "folder", "/srv/pti in"),
        ('url = "file://localhost/srv/pti"', "folder", "/srv/pti"),
        ('url = "sftp://w.example/~/out"\nuser = "u"\nclient_key = "k"', "sftp", "/~/out"),
        ('url = "sftp://w.example:2222"\nuser = "u"\nsecret = "s"', "sftp", ""),
        ('url = "ftp://w.example/out"', "ftp", "/out"),
        ('url = "ftps://w.example:990/out"\nuser = "u"\nsecret = "s"', "ftp", "/out"),
        ('url = "push:"\nsecret = "draw-one-at-random"', "push", ""),
    ],
)
def test_the_address_of_a_wire_says_by_which_way_it_comes(
    tmp_path: Path, lines: str, way: str, path: str
) -> None:
    (wire,) = load(write(tmp_path, came(lines))).wires
    assert (wire.way, wire.path.removeprefix("push:")) == (way, path)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('url = "gopher://w.example/f"', "not a web address"),
        ('url = "/srv/pti"', "not a web address"),
        ('url = "file:srv"', "like file:///srv/pti"),
        ('url = "file:///"', "like file:///srv/pti"),
        ('url = "file://nas/srv/pti"', "like file:///srv/pti"),
        ('url = "file:///srv/a#b"', "write those of a name as"),
        ('url = "sftp:///out"', "like sftp://files.example.com/out"),
        ('url = "ftp://w.example:0/out"', "like ftp://files.example.com/out"),
        ('url = "sftp://u:s3cret@w.example/out"', "write user and secret_env"),
        ('url = "sftp://w.example/out"\nsecret = "s3cret"', "user: an sftp wire needs it"),
        ('url = "sftp://w.example/out"\nuser = "u"', "secret_env or client_key"),
        ('url = "push:pti"\nsecret = "draw-one-at-random"', 'write "push:"'),
        ('url = "push:"', "the secret that senders must have"),
        ('url = "push:"\nsecret = "s3cret"', "shorter than 16 characters"),
        ('url = "https://w.example/f"\nsecret = "s3cret"', "credentials of HTTP are headers"),
        ('url = "https://w.example/f"\ndelete_taken = true', "delete_taken: is for folders"),
        ('url = "https://w.example/f"\nfiles = ["*.xml"]', "files: is for folders"),
        ('url = "file:///srv/pti"\npush = true', "push: is for feeds that are asked"),
        ('url = "https://w.example/f"\nlinks = true\npush = true', "push: is for feeds"),
        ('url = "https://w.example/f"\npush = true', "has to reach us at site.url, and 127.0.0.1"),
        ('url = "https://w.example/f"\nkeys = "https://w.example/a b"', "percent-encoded"),
        ('url = "https://w.example/f"\nkeys = "https://w.example/é"', "percent-encoded"),
        ('url = "https://w.example/f"\nkeys = "https://w.example/\\u202e"', "percent-encoded"),
        ('url = "https://w.example/f"\nkeys = "https://é.example/k"', "write the host in ASCII"),
        ('url = "file:///srv/pti"\nlinks = true', "links: is for https and http"),
        ('url = "ftp://w.example"\nsecret_env = "no such"', "secret_env: is no name"),
        ('url = "ftp://w.example"\nsecret_env = "NO_SUCH"', "variable NO_SUCH is not set"),
        ('url = "ftp://w.example"\nsecret_file = "none"', "secret_file of wire w: cannot be read"),
        ('url = "ftp://w.example"\nsecret = "s3cret\\nx"', "must be one line"),
        ('url = "ftp://w.example"\nhost_keys = ["ssh-rsa AAAA"]', "is no fingerprint"),
    ],
)
def test_what_means_nothing_for_its_way_is_refused(tmp_path: Path, lines: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, came(lines)))
    assert told in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_secret_is_in_the_environment_or_a_file_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTI_SECRET", "s3cret-of-the-house")
    (tmp_path / "secret").write_text("s3cret-of-the-house\n", encoding="utf-8")
    for line in ('secret_env = "PTI_SECRET"', 'secret_file = "secret"'):
        (wire,) = load(write(tmp_path, came(f'url = "push:"\n{line}'))).wires
        assert wire.secret is not None
        assert wire.secret.get_secret_value() == "s3cret-of-the-house"
        assert "s3cret" not in repr(wire) + wire.model_dump_json()
