"""A store whose log was begun before receipts said when they were logged: nothing of it is lost."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as Alembic
from sqlalchemy import create_engine, inspect, text, update

from publish import renderer
from publish.rerender import rerender_if_changed
from publish.served import Served, served
from publish.web.proofs import chain_of
from publish.web.representation import etag_of
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, migrations, outbox, proofs, tables
from stories.db import stories as records
from stories.db.proofs import Receipt
from stories.keys import current_signer, key_set, log_key
from stories.transparency import SEEN
from tests.conftest import ConfigOf
from tests.publish.samples import english, hindi, urdu
from tests.publish.shelf import publish
from tests.signed import earlier
from tests.signing import proof_of
from tests.stories import proving
from tests.stories.proving import chained
from wirecopy import Evidence, Report, TrustedState, read_keys, tlog, verify
from wirecopy.encoding import canonical, digest, short, to_base64url
from wirecopy.jose import Signer, as_json, in_xml, payload_of
from wirecopy.statement import Link

NOON = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def old(leaf: bytes) -> bytes:
    """A receipt as it was written before."""
    members = {**json.loads(leaf), "type": "wirecopy-receipt-1"}
    members.pop("logged_at", None)
    return canonical(members)


def keep_plain(conn: Connection) -> None:
    """Keep versions and statements, one of each story, as they were before they were packed."""
    for version in conn.execute(tables.versions.select()).mappings().all():
        data, received = records.content(version)
        this = tables.versions.c.story_id == version["story_id"]
        plain = {"data": data, "received": received}
        conn.execute(update(tables.versions).where(this).values(**plain))
    for story in conn.execute(tables.statements.select()).all():
        [row] = proofs.statements_of(conn, story.story_id)
        one = tables.statements.c.story_id == story.story_id
        conn.execute(update(tables.statements).where(one).values(jws=row.token))
    conn.execute(text("ALTER TABLE identities ADD key TEXT NOT NULL DEFAULT ''"))


@cache
def schema_at(revision: str) -> dict[str, tuple[set[str], dict[str, list[str | None]]]]:
    """What the migrations make up to *revision*: of each table its columns, and its indexes."""
    config = Alembic()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with create_engine("sqlite://").begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, revision)
        found = inspect(conn)
        return {
            table: (
                {column["name"] for column in found.get_columns(table)},
                {index["name"] or "": index["column_names"] for index in found.get_indexes(table)},
            )
            for table in found.get_table_names()
        }


def forget_later(conn: Connection, revision: str) -> None:
    """Drop the tables, columns and indexes that came after *revision*, and be of it."""
    there = schema_at(revision)
    found = inspect(conn)
    for table in sorted(found.get_table_names()):  # those that a search keeps go with it
        columns, indexes = there.get(table, (set(), {}))
        if not columns:
            conn.execute(text(f"DROP TABLE IF EXISTS {table}"))
            continue
        had = {
            index["name"] or "": index["column_names"]
            for index in found.get_indexes(table)
            if "duplicates_constraint" not in index
        }
        for name, on in had.items():
            if on != indexes.get(name):
                conn.execute(text(f"DROP INDEX {name}"))
        for column in found.get_columns(table):
            if column["name"] not in columns:
                conn.execute(text(f"ALTER TABLE {table} DROP COLUMN {column['name']}"))
        for name, on in indexes.items():
            if had.get(name) != on:
                conn.execute(text(f"CREATE INDEX {name} ON {table} ({', '.join(map(str, on))})"))
    conn.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": revision})


def keep_one_log(conn: Connection) -> None:
    """Keep the log as it was kept before another could follow it."""
    rows = [row._asdict() for row in conn.execute(text("SELECT level, number, hashes FROM tiles"))]
    conn.execute(text("DROP TABLE tiles"))
    kind = "BYTEA" if conn.dialect.name == "postgresql" else "BLOB"
    conn.execute(
        text(
            f"CREATE TABLE tiles (level INTEGER NOT NULL, number BIGINT NOT NULL, hashes {kind}"
            " NOT NULL, CONSTRAINT pk_tiles PRIMARY KEY (level, number))"
        )
    )
    if rows:
        conn.execute(text("INSERT INTO tiles VALUES (:level, :number, :hashes)"), rows)


def take_back(store: Store, conf: Config) -> str:
    """Make *store*, with what is in it, what it would have been at schema 0003; of two stories
    published, one receipt waits for its place in the log again. The checkpoint as it was then."""
    with store.write() as conn:
        signer = current_signer(conf, proofs.keys(conn))
        head = proofs.log_head(conn)
        assert head is not None
        key = log_key(conf, head)
        leaves = [old(leaf) for leaf in proofs.leaves(conn, 0, head.size)]
        conn.execute(tables.receipts.delete())
        conn.execute(tables.tiles.delete())
        found = [Receipt(tlog.leaf_hash(leaf), "s", 1, n, leaf) for n, leaf in enumerate(leaves)]
        proofs.add_receipts(conn, found)
        for each in found:  # not packed
            plain_leaf = text("UPDATE receipts SET leaf = :leaf WHERE hash = :hash")
            conn.execute(plain_leaf, {"leaf": each.leaf, "hash": each.hash})
        first = tables.receipts.c.hash == found[0].hash
        conn.execute(update(tables.receipts).where(first).values(idx=0))
        tiles = tlog.extend(0, lambda *_: b"", [found[0].hash])
        proofs.put_tiles(conn, 1, tiles)
        tree = tlog.Tree(1, lambda level, at: tiles[level, at])
        checkpoint = tlog.sign_checkpoint(head.origin, 1, tree.root(), key)
        proofs.advance_log(conn, head, 1, checkpoint)
        keep_whole(conn, conf)
        for row in conn.execute(tables.statements.select()).all():
            proof = proof_of(0, [], checkpoint)
            [known] = proofs.statements_of(conn, row.story_id)
            told = {**earlier(proving.whole(payload_of(known.token))), "receipt": proof}
            jws = compact(signer, told)
            this = tables.statements.c.story_id == row.story_id
            told = {"jws": jws, "packed": None, "digest": digest(jws.encode())}
            conn.execute(update(tables.statements).where(this).values(**told))
        keep_plain(conn)
        keep_one_log(conn)
        forget_later(conn, "0003")
        conn.execute(text("DELETE FROM notes"))  # rendered by an older number
    (conf.keys_folder / SEEN).unlink()  # nobody kept what was seen of the log
    return checkpoint


def keep_whole(conn: Connection, conf: Config) -> None:
    """Keep entries and feeds as they were kept before feeds were lists."""
    bodies = {
        (feed.name, form): row.body
        for feed in conf.outgoing
        for form in feeds.FORMATS
        if (row := served(conn, conf, feed.name, form)) is not None
    }
    packed = {row.story_id: row.packed for row in conn.execute(tables.entries.select())}
    kind = "BYTEA" if conn.dialect.name == "postgresql" else "BLOB"
    conn.execute(text(f"ALTER TABLE feeds ADD body {kind} NOT NULL DEFAULT ''"))
    for (name, form), body in bodies.items():
        query = "UPDATE feeds SET body = :body WHERE name = :name AND format = :form"
        conn.execute(text(query), {"body": body, "name": name, "form": form})
    statements = proofs.last_statements(conn, list(packed))
    for story, each in packed.items():
        unpacked = feeds.unpack(each or b"", statements[story].token)
        written = {f"{form}": body for form, body in unpacked.items()}
        query = "UPDATE entries SET rss = :rss, atom = :atom, json = :json WHERE story_id = :id"
        conn.execute(text(query), {**written, "id": story})


def whole(store: Store, conf: Config) -> None:
    """Make *store* what it would have been at schema 0011, its statements of the type of then."""
    with store.write() as conn:
        keep_whole(conn, conf)
        for row in conn.execute(text("SELECT name, format, body FROM feeds")).all():
            query = "UPDATE feeds SET etag = :etag WHERE name = :name AND format = :form"
            told = {"etag": etag_of(bytes(row.body)), "name": row.name, "form": row.format}
            conn.execute(text(query), told)
        keep_plain(conn)
        keep_one_log(conn)
        forget_later(conn, "0011")


def every(store: Store, conf: Config) -> dict[tuple[str, str], Served | None]:
    """The feeds as served."""
    with store.read() as conn:
        return {
            (feed.name, form): served(conn, conf, feed.name, form)
            for feed in conf.outgoing
            for form in feeds.FORMATS
        }


def test_feeds_that_were_kept_whole_are_the_same(store: Store, config: ConfigOf) -> None:
    small = {"name": "one", "title": "One", "limit": 1}
    conf = config(feeds=[{"name": "all", "title": "All"}, small, {**small, "name": "none"}])
    none = conf.outgoing[2].model_copy(update={"wires": ("elsewhere",)})
    conf = conf.model_copy(update={"feeds": (*conf.outgoing[:2], none)})
    publish(store, conf, english(), hindi(), urdu())
    state_as_before(store, conf)
    before = every(store, conf)
    whole(store, conf)
    store.migrate()
    after = every(store, conf)
    with store.read() as conn:
        kept = feeds.entries_of(conn, [each.id for each in (english(), hindi(), urdu())])
    assert all(row.packed is not None for row in kept.values())
    for name, then in before.items():
        now = after[name]
        assert then is not None
        assert now is not None
        assert (now.body, now.modified_at) == (then.body, then.modified_at), name
        assert now.etag == etag_of(then.body), "what subscribers have"
    # Nor do tags and dates change when all are listed again.
    for feed in conf.outgoing:
        assert not renderer.render_feed(store, conf, feed.name)
    assert every(store, conf) == after
    with store.read() as conn:
        assert feeds.entries_of(conn, list(kept)).keys() == kept.keys()


def test_a_feed_whose_change_waited_has_another_tag(store: Store, config: ConfigOf) -> None:
    conf = config()
    publish(store, conf, english(), hindi())
    state_as_before(store, conf)
    before = every(store, conf)
    whole(store, conf)
    with store.write() as conn:
        name = conf.outgoing[0].name
        conn.execute(
            text("UPDATE feeds SET body = :body WHERE name = :name"), {"body": b"old", "name": name}
        )
    store.migrate()
    for key, row in every(store, conf).items():
        then = before[key]
        assert row is not None
        assert then is not None
        assert (row.body, row.etag) == (then.body, then.etag)
        assert row.etag != etag_of(row.body)


def verified(store: Store, config: Config, before: str) -> Report:
    """The feed, held against all there is, by someone who saw the log as it was *before*."""
    with store.read() as conn:
        jwks, head = key_set(conn), proofs.log_head(conn)
        row = served(conn, config, "all", "rss")
    assert jwks is not None
    assert head is not None
    assert row is not None

    def chain(said: Link) -> bytes:
        with store.read() as conn:
            return chain_of(conn, said.story) or b""

    def tile(level: int, at: int, width: int) -> bytes:
        with store.read() as conn:
            return proofs.tile(conn, 1, level, at)[: width * tlog.HASH]

    state = TrustedState(checkpoints={head.origin: before})
    evidence = Evidence(clock.now(), chain, tile, head.checkpoint, state)
    return verify(row.body, read_keys(canonical(jwks)), evidence)


def test_a_log_begun_before(store: Store, config: ConfigOf) -> None:
    conf, now = config(), NOON
    with clock.reading(lambda: now):
        publish(store, conf, english(), hindi())
        before = take_back(store, conf)
        with store.read() as conn:
            [first] = proofs.leaves(conn, 0, 10)
        now += timedelta(days=1)
        store.migrate()
        rerender_if_changed(store, conf)
        renderer.render_waiting(store, conf)
        report = verified(store, conf, before)
    assert [entry.failures for entry in report.entries] == [(), ()]
    assert report.log.state == "ok", report.log
    assert {entry.late for entry in report.entries} == {
        "received 2026-11-22 13:05Z, by its word; in the log only since 2026-11-23 14:00Z"
    }
    with store.read() as conn:
        leaves = [json.loads(leaf) for leaf in proofs.leaves(conn, 0, 10)]
        assert proofs.leaves(conn, 0, 1) == [first]  # it stays where it is, as it is
        told = [json.loads(chain_of(conn, s.id) or b"") for s in (english(), hindi())]
        jwks: Any = key_set(conn)
        assert proofs.receipts_wait(conn) is None
    assert [leaf["type"][-1] for leaf in leaves] == ["1", "2", "2"]
    assert sorted(leaf["guid"] for leaf in leaves[1:]) == sorted([english().guid, hindi().guid])
    assert leaves[0]["received"] in [leaf["received"] for leaf in leaves[1:]]
    for chain in told:
        first_, second = chain["statements"]
        assert payload_of(first_)["type"] == "wirecopy-statement-1"
        assert second["payload"]["previous"] == short(digest(first_.encode()))
        assert second["payload"]["logged_at"] == "2026-11-23T14:00:00.000000Z"
    [logged] = [each for each in told if each["guid"] == leaves[0]["guid"]]
    assert len(chained(logged, jwks)) == 2  # both receipts of it are proved, by a third hand


def test_statements_of_before_are_stated_anew(store: Store, config: ConfigOf) -> None:
    """Feeds go on as they are; then each entry gets a statement of this type, and no other word."""
    conf, now = config(), NOON
    stories = (english(), hindi(), urdu())

    def bodies() -> dict[tuple[str, str], bytes]:
        return {name: row.body for name, row in every(store, conf).items() if row is not None}

    def report(told: dict[tuple[str, str], bytes]) -> list[Report]:
        with store.read() as conn:
            keys, head = key_set(conn), proofs.log_head(conn)
        assert head is not None
        evidence = Evidence(clock.now(), lambda said: chain(said.story), checkpoint=head.checkpoint)
        return [verify(body, read_keys(canonical(keys)), evidence) for body in told.values()]

    def chain(story: str) -> bytes:
        with store.read() as conn:
            return chain_of(conn, story) or b""

    with clock.reading(lambda: now):
        publish(store, conf, *stories)
        state_as_before(store, conf)
        before = bodies()
        assert all(b"wirecopy:log" not in body for body in before.values())
        for each in report(before):
            assert [entry.failures for entry in each.entries] == [(), (), ()]
            assert each.log.state != "failed"
        now += timedelta(days=1)
        rerender_if_changed(store, conf)
        assert bodies() == before
        with store.write() as conn:  # one is rendered again before the others
            outbox.want(conn, "story", [hindi().id], now)
        renderer.render_waiting(store, conf, ids=[hindi().id])
        mixed, first = bodies(), every(store, conf)
        renderer.render_waiting(store, conf)
        after = bodies()
        for told in (mixed, after):
            for each in report(told):
                assert [entry.failures for entry in each.entries] == [(), (), ()]
                assert {entry.verdict for entry in each.entries} == {"verified"}
    for name in before:
        assert unstated(before[name]) == unstated(mixed[name]) == unstated(after[name])
        assert before[name] != mixed[name] != after[name]
        assert len(after[name]) < len(mixed[name]) < len(before[name])
    with store.read() as conn:
        for story in stories:
            rows = proofs.statements_of(conn, story.id)
            assert [(row.version, row.checkpoint is None) for row in rows] == [
                (1, True),
                (2, False),
            ]
            assert payload_of(rows[1].token)["previous"] == short(rows[0].digest)
    assert every(store, conf) != first


def unstated(feed: bytes) -> bytes:
    """A feed without its statements and its proof."""
    found = re.sub(rb"\s*<wirecopy:(statement|log)\b.*?</wirecopy:\1>", b"", feed, flags=re.S)
    found = re.sub(rb',"statement":(?:"[^"]*"|\{"key":.*?"signature":"[^"]*"\})', b"", found)
    return re.sub(rb',"log":"[^"]*"', b"", found)


def state_as_before(store: Store, conf: Config) -> None:
    """Have the statements in *store* be of the type before, and the feeds show them."""
    with store.write() as conn:
        signer, head = current_signer(conf, proofs.keys(conn)), proofs.log_head(conn)
        assert head is not None
        tree = tlog.Tree(head.size, lambda level, at: proofs.tile(conn, 1, level, at))
        for row in conn.execute(tables.statements.select()).all():
            [known] = proofs.statements_of(conn, row.story_id)
            said = proving.whole(payload_of(known.token))
            index = said.pop("index")
            proof = proof_of(index, tree.inclusion(index), head.checkpoint)
            del said["details"]
            said |= {"type": "wirecopy-statement-2", "receipt": proof}
            jws = compact(signer, said)
            entry = feeds.entry(conn, row.story_id)
            assert entry is not None
            written = {
                form: each.replace(_in(form, known.token), _in(form, jws))
                for form, each in feeds.unpack(entry.packed or b"", known.token).items()
            }
            digests = feeds.digests_of(written)
            put = replace(entry, digests=digests, packed=feeds.pack(written, jws))
            feeds.put_entries(conn, [put])
            placed = update(tables.placements).where(tables.placements.c.story_id == row.story_id)
            conn.execute(placed.values(digests=digests))
            this = tables.statements.c.story_id == row.story_id
            told = {"jws": jws, "packed": None, "digest": digest(jws.encode()), "checkpoint": None}
            conn.execute(update(tables.statements).where(this).values(**told))
        conn.execute(text("DELETE FROM notes"))  # rendered by an older number
    for feed in conf.outgoing:
        renderer.render_feed(store, conf, feed.name)


def _in(form: str, token: str) -> bytes:
    if form == "json":
        return json.dumps(as_json(token), ensure_ascii=False, separators=(",", ":")).encode()
    return escape(in_xml(token), quote=False).encode()


def compact(signer: Signer, payload: dict[str, Any]) -> str:
    """A statement of a type before, as it was signed then."""
    header = {"alg": "EdDSA", "kid": signer.kid, "typ": "wirecopy-statement+jws"}
    signed = f"{to_base64url(canonical(header))}.{to_base64url(canonical(payload))}"
    return f"{signed}.{to_base64url(signer.key.sign(signed.encode()))}"
