"""Faults put into the code one at a time, to see that a test catches each.

    python -m tests.mutants [NAME…]

Each is put into a copy of the tree, and the tests of ``make test`` that should catch it are run
there until one fails; prints which did. Exit code 1 when a fault went unnoticed, or its place was
not found. It takes some minutes; ``test_mutants.py`` only looks whether each place is still there.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEFT_OUT = (".git", ".venv", "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in ``file`` the text ``old``, which stands there once, becomes ``new``."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def changed(self, text: str) -> str:
        """*text*, that of ``file``, with the fault.

        :raises LookupError: when ``old`` is not in it exactly once.
        """
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: {self.file} has {self.old!r} not exactly once")
        return text.replace(self.old, self.new)


MUTANTS = (
    # Polling
    Mutant(
        "back-off forgets",
        "ingest/schedule.py",
        "failures += weight(state)",
        "failures = weight(state)",
        ("tests/ingest/test_schedule.py",),
    ),
    Mutant(
        "link-local addresses are let through",
        "net/ssrf.py",
        '("169.254.0.0/16", "a link-local address"),',
        "",
        ("tests/net/test_ssrf.py",),
    ),
    Mutant(
        "a poll whose lease was lost is written",
        "stories/db/wires.py",
        "held = {row.name for row in rows if row.lease == results[row.name][0]}",
        "held = {row.name for row in rows}",
        ("tests/ingest/test_poll.py",),
    ),
    Mutant(
        "a 304 wipes the validators",
        "ingest/poll.py",
        """if state != "not-modified" or "etag" in headers:""",
        "if state:",
        ("tests/ingest/test_poll.py",),
    ),
    Mutant(
        "a gzip body that breaks off is whole",
        "net/decoder.py",
        "if decoder is not None and not decoder.eof:",
        "if False:",
        ("tests/net/test_decoder.py",),
    ),
    Mutant(
        "the wire's headers go to another origin",
        "net/client.py",
        "own = same_origin(self.url, self.request.home or self.request.url)",
        "own = True",
        ("tests/net/test_client.py",),
    ),
    Mutant(
        "no gap between two polls of a host",
        "workers/politeness.py",
        "if last is not None and now - last < politeness.gap:",
        "if last is not None and last > now:",
        ("tests/workers/test_dispatch.py",),
    ),
    # Intake
    Mutant(
        "a guid that several stories share identifies",
        "ingest/decide.py",
        'return "several stories share the guid" if keys.guid in several else ""',
        'return ""',
        ("tests/ingest/test_identity.py",),
    ),
    Mutant(
        "a date makes a version",
        "ingest/normalize.py",
        "        version.headline,\n        found.paragraphs,",
        "        version.headline,\n        str(version.published),\n        found.paragraphs,",
        ("tests/ingest/test_normalize.py", "tests/ingest/test_intake.py"),
    ),
    Mutant(
        "lost words are not seen",
        "ingest/integrity.py",
        "lost = [copy for copy in copies if _is_lost(copy, copies, parsed)]",
        "lost: list[_Copy] = []",
        ("tests/ingest/test_integrity.py",),
    ),
    Mutant(
        "a title in plain text is read as HTML",
        "ingest/formats/rss_atom.py",
        "marked = is_markup_title(raw, children.mends)",
        "marked = True",
        ("tests/ingest/formats/test_rss_atom.py",),
    ),
    Mutant(
        "the link of an item is its guid, permanent or not",
        "ingest/formats/rss_atom.py",
        'if stated is None or (stated.get("isPermaLink") or "true").lower() != "true":',
        "if stated is None:",
        ("tests/ingest/formats/test_rss_atom.py",),
    ),
    Mutant(
        "the second reading of RSS takes captions for copy",
        "ingest/formats/rss_atom_reread.py",
        'if family == "beside" or length < PROSE',
        "if length < PROSE",
        ("tests/ingest/test_integrity.py",),
    ),
    Mutant(
        "the second reading of RSS passes over CDATA",
        "ingest/formats/rss_atom_reread.py",
        "yield inner[start : match.start()], None, section",
        'yield inner[start : match.start()], None, ""',
        ("tests/ingest/test_integrity.py",),
    ),
    Mutant(
        "a number that is an id of JSON Feed is rounded",
        "ingest/formats/json_text.py",
        "parse_float=str, ",
        "parse_float=lambda said: str(float(said)), ",
        ("tests/ingest/formats/test_json_feed.py",),
    ),
    Mutant(
        "content_text may say more than content_html unseen",
        "ingest/formats/json_feed.py",
        "any(html) and letters(text) < max(html) + PROSE",
        "any(html)",
        ("tests/ingest/formats/test_json_feed.py",),
    ),
    Mutant(
        "reading a capture may take any time",
        "ingest/sandbox_child.py",
        "resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))",
        "pass",
        ("tests/ingest/test_sandbox.py",),
    ),
    Mutant(
        "an intake whose lease was lost goes on writing",
        "ingest/intake.py",
        "held = outbox.renew_all(conn, jobs, now)",
        "held = outbox.renew_all(conn, jobs, now) | {job.key for job in jobs}",
        ("tests/ingest/test_intake.py",),
    ),
    Mutant(
        "a replay learns of the wire as if it were polled now",
        "ingest/intake.py",
        "_learnt(one, state, taken)) for one, state, taken in known if one.of.fresh",
        "_learnt(one, state, taken)) for one, state, taken in known",
        ("tests/test_replay.py",),
    ),
    Mutant(
        "a capture whose bytes are lost takes its stories along",
        "ingest/intake.py",
        """if capture.state != "pending" and (body is None or live):""",
        """if capture.state != "pending" and live:""",
        ("tests/test_replay.py",),
    ),
    Mutant(
        "a wire moves at the first redirect",
        "ingest/schedule.py",
        "if count < SIGHTINGS or now - address.moved_since < SEEN_FOR:",
        "if now - address.moved_since < SEEN_FOR:",
        ("tests/ingest/test_redirects.py",),
    ),
    Mutant(
        "a link with several guids identifies",
        "ingest/decide.py",
        "return {link for link, guids in guids_of.items() if len(guids) > 1}",
        "return set()",
        ("tests/ingest/test_decide.py",),
    ),
    Mutant(
        "a replay does not follow a change",
        "ingest/replay.py",
        "if taken.changes else ()",
        "if False else ()",
        ("tests/test_replay.py",),
    ),
    Mutant(
        "what is wanted again is done with",
        "stories/db/outbox.py",
        "pairs = [(job.key, job.wanted) for job in theirs]",
        "pairs = [(job.key, wanted) for job in theirs for wanted in range(9)]",
        ("tests/stories/test_db.py",),
    ),
    # Text and measurement
    Mutant(
        "list items are one paragraph",
        "wirecopy/text.py",
        " hgroup hr html legend li listing",
        " hgroup hr html legend listing",
        ("tests/wirecopy/test_text.py",),
    ),
    Mutant(
        "text is not brought to NFC",
        "wirecopy/text.py",
        'return unicodedata.normalize("NFC", text)',
        "return text",
        ("tests/wirecopy/test_text.py",),
    ),
    Mutant(
        "the copy kept is not held against the digests made on receipt",
        "wirecopy/scope.py",
        "if before == made:",
        "if before:",
        ("tests/wirecopy/test_scope.py",),
    ),
    # Publishing
    Mutant(
        "a statement does not name the one before",
        "publish/signing.py",
        "previous = before.row.digest if before else None",
        "previous = None",
        ("tests/publish/test_signing.py",),
    ),
    Mutant(
        "a statement is issued before what a clock that ran ahead has dated",
        "publish/signing.py",
        "return max(now, *map(datetime.fromisoformat, (changed_at, *last)))",
        "return now",
        ("tests/publish/test_signing.py",),
    ),
    Mutant(
        "a statement by a revoked key is kept",
        "publish/signing.py",
        "if row.kid not in revoked and statement.claims_of",
        "if statement.claims_of",
        ("tests/publish/test_signing.py",),
    ),
    Mutant(
        "a key that was revoked while it signed publishes",
        "publish/renderer.py",
        "if statement is not None and statement.kid in revoked:",
        "if False:",
        ("tests/publish/test_signing.py",),
    ),
    Mutant(
        "a worker that lost its lease writes what it rendered",
        "publish/renderer.py",
        "        if job.key in ours\n",
        "",
        ("tests/publish/test_renderer.py",),
    ),
    Mutant(
        "a worker that had begun with a story brings it back after its kill",
        "publish/renderer.py",
        '        outbox.drop(conn, "story", story.id)\n',
        "",
        ("tests/desk/test_hiding.py",),
    ),
    Mutant(
        "a killed story is rendered",
        "publish/renderer.py",
        "{story.id for story in found if story.hidden(at)}",
        "set[str]()",
        ("tests/desk/test_hiding.py",),
    ),
    Mutant(
        "a kill of what is not known by its id kills another",
        "ingest/life.py",
        "return found.story_id if found and not found.shared else None",
        "return next(iter(known.stories), None)",
        ("tests/ingest/test_life.py",),
    ),
    Mutant(
        "an agency says a thing twice",
        "ingest/life.py",
        "if item.raw_digest in {act.digest for act in before if act.digest}:",
        "if False:",
        ("tests/ingest/test_life.py",),
    ),
    Mutant(
        "an agency shows what the desk holds",
        "stories/models.py",
        "agency = STATUS_AFTER[act.kind]\n",
        "desk = agency = STATUS_AFTER[act.kind]\n",
        ("tests/ingest/test_life.py",),
    ),
    Mutant(
        "an embargo is kept to by nobody",
        "stories/models.py",
        "(self.embargo is not None and self.embargo > at)",
        "False",
        ("tests/test_embargo.py",),
    ),
    Mutant(
        "the log tells of a story under embargo",
        "ingest/intake.py",
        "        if version.signals and version.signals.embargo and version.signals.embargo > at:\n"
        "            continue\n",
        "",
        ("tests/test_embargo.py",),
    ),
    Mutant(
        "an embargo ends with the next poll",
        "publish/renderer.py",
        '        outbox.want(conn, "story", records.end_embargoes(conn, now), now)\n',
        "",
        ("tests/test_embargo.py",),
    ),
    Mutant(
        "an embargo that is lifted goes on",
        "ingest/normalize.py",
        "        yield said.embargo.isoformat()  # moved or lifted, it is another one\n",
        "        pass\n",
        ("tests/test_embargo.py",),
    ),
    Mutant(
        "what was killed is forgotten",
        "stories/db/retention.py",
        "        ~exists().where(acts.c.story_id == stories.c.id),\n",
        "",
        ("tests/desk/test_hiding.py",),
    ),
    Mutant(
        "a notice may say what it likes",
        "wirecopy/feed.py",
        " or words not in _NOTICE_WORDS",
        "",
        ("tests/wirecopy/test_notices.py",),
    ),
    Mutant(
        "a notice may hold what it likes",
        "wirecopy/feed.py",
        "if read.faults or not guid or words not in _NOTICE_WORDS",
        "if not guid or words not in _NOTICE_WORDS",
        ("tests/wirecopy/test_notices.py",),
    ),
    Mutant(
        "a notice may stand beside its entry",
        "wirecopy/feed.py",
        "if entry.withdrawn is not None or entry.guid not in withdrawn",
        "if True",
        ("tests/wirecopy/test_notices.py",),
    ),
    Mutant(
        "a worker that lost its lease writes the feed that it joined",
        "publish/renderer.py",
        "if job.key not in ours:",
        "if False:",
        ("tests/publish/test_renderer.py",),
    ),
    Mutant(
        "a claim stands whatever was measured",
        "publish/render.py",
        "if measured.scope == scope and measured.changed == changed:",
        "if True:",
        ("tests/publish/test_render.py",),
    ),
    Mutant(
        "links of Atom lose what feedgen loses",
        "publish/xml.py",
        '_empty("link", link) for',
        '_empty("link", {"href": link["href"]}) for',
        ("tests/publish/test_atom.py",),
    ),
    Mutant(
        "a tracking pixel is shown",
        "publish/clean.py",
        'if is_pixel(attributes) or not {"src", "srcset"} & attributes.keys():',
        'if not {"src", "srcset"} & attributes.keys():',
        ("tests/publish/test_clean.py",),
    ),
    Mutant(
        "If-Modified-Since is off by one",
        "publish/web/conditional.py",
        "modified <= since <= now",
        "modified < since <= now",
        ("tests/publish/web/test_conditional.py",),
    ),
    Mutant(
        "a licence ends a moment late",
        "stories/models.py",
        "return ends is not None and ends <= now",
        "return ends is not None and ends < now",
        ("tests/workers/test_housekeeping.py",),
    ),
    Mutant(
        "others may read a private key",
        "stories/keys.py",
        '_check_mode(path, found, 0o077, "read", "chmod 600")',
        "",
        ("tests/stories/test_key_files.py",),
    ),
    Mutant(
        "a second look is never due",
        "stories/models.py",
        "return last is not None and last.text is not None and last.against < self.number",
        "return False",
        ("tests/test_replay.py", "tests/desk/test_headline.py", "tests/stories/test_models.py"),
    ),
    # Verifying
    Mutant(
        "the stated edit scope is believed",
        "wirecopy/verify.py",
        "if statement.scope in allowed:",
        "if statement.scope:",
        ("tests/wirecopy",),
    ),
    Mutant(
        "a path in the log need not lead to its root",
        "wirecopy/tlog.py",
        'if found != root:\n        raise Refused("the proof does not lead to the signed root")',
        "pass",
        ("tests/wirecopy",),
    ),
    Mutant(
        "a tree need not lead to its root",
        "wirecopy/tlog.py",
        "if root != head.root:",
        "if False:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a leaf that is proved may be another receipt's",
        "wirecopy/verify.py",
        "if shown == leaf_hash(leaf):",
        "if shown is not None:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "what says nothing may be said",
        "wirecopy/statement.py",
        "if payload.get(name) == silent:",
        "if False:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "another byline may stand there",
        "wirecopy/verify.py",
        "if self._entry.details.digest(statement.published.rule) == statement.details:",
        "if True:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a second spelling of base64url is read",
        "wirecopy/encoding.py",
        "if to_base64url(found) != text:",
        "if False:",
        ("tests/wirecopy",),
    ),
    Mutant(
        "an entry with a second title is read",
        "wirecopy/feed.py",
        "if others and not rule.several:",
        "if False:",
        ("tests/wirecopy/test_feed.py",),
    ),
    Mutant(
        "a DOCTYPE is let through",
        "wirecopy/feed.py",
        "parser.StartDoctypeDeclHandler = doctype",
        "pass",
        ("tests/wirecopy/test_xmltree.py",),
    ),
    Mutant(
        "an element that nobody writes is let through",
        "wirecopy/form.py",
        'yield f"<{tag[:20]}>" if tag[:1].isalpha() else "a comment"',
        "pass",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "an attribute that nobody writes is let through",
        "wirecopy/form.py",
        'if name not in allowed or not _is_written(name, value or ""):',
        'if not _is_written(name, value or ""):',
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "attributes of the body and the document are not looked at",
        "wirecopy/form.py",
        'return next(outside, "") or next(_faults(top), "")',
        'return next(_faults(top), "")',
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a tracking pixel in a body is form",
        "wirecopy/form.py",
        "if is_pixel(attributes):",
        "if False:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a foot may stand first",
        "wirecopy/form.py",
        "return twice or rows != sorted(rows)",
        "return twice",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a cell may cover another",
        "wirecopy/form.py",
        "covers = bool(self._above) and self._above[-1][0] < behind",
        "covers = False",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "words may shrink to nothing",
        "wirecopy/form.py",
        "if within[level] > MOST[level]:",
        "if within[level] > 99:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "words may run the other way than they state",
        "wirecopy/form.py",
        "return runs(own, ltr, rtl)",
        "return True",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "the cleaner lets a foot stand first",
        "publish/clean.py",
        'self.kept[place] = self.kept[place].replace("tfoot", "tbody")',
        "pass",
        ("tests/publish/test_form.py",),
    ),
    Mutant(
        "the cleaner leaves a space that shows as a sign",
        "publish/clean.py",
        "return shown_chars(_in_order(cleaned))",
        "return xml_chars(_in_order(cleaned))",
        ("tests/publish/test_form.py",),
    ),
    Mutant(
        "another agency may be named as author",
        "wirecopy/verify.py",
        "if plain(name) != plain(statement.agency):",
        "if False:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "an entry may say that it changed at any time",
        "wirecopy/verify.py",
        'if here != there:\n                return _failed("times", f"{name}',
        'if False:\n                return _failed("times", f"{name}',
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "the wire's headline may be any",
        "wirecopy/verify.py",
        'if digest_of(received.rule, "headline", plain(wired)) != received.headline:',
        "if False:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a key of small order is a key",
        "wirecopy/encoding.py",
        "return bytes([*public[:31], public[31] & 0x7F]) in _SMALL_ORDER",
        "return False",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "an address may come from around the entry",
        "wirecopy/feed.py",
        """self.faults = ["an 'xml:base' around it"] if based else []""",
        "self.faults: list[str] = []",
        ("tests/wirecopy/test_feed.py",),
    ),
    Mutant(
        "an element within words is let through",
        "wirecopy/feed.py",
        "        if not self.inside and element.children:\n",
        "        if False:\n",
        ("tests/wirecopy/test_feed.py",),
    ),
    Mutant(
        "words in a category of Atom are let through",
        "wirecopy/feed.py",
        "if (self.inside or self.hollow) and",
        "if self.inside and",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a title of Dublin Core's may say something else",
        "wirecopy/feed.py",
        'self.faults.append(f"<{known[:20]}> in <{_local(parent)}>")',
        "pass",
        ("tests/wirecopy/test_feed.py",),
    ),
    Mutant(
        "a statement with a member more is read",
        "wirecopy/statement.py",
        "odd = (needed - payload.keys()) | (payload.keys() - needed - optional)",
        "odd = needed - payload.keys()",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a receipt says nothing of the item's own bytes",
        "wirecopy/statement.py",
        '"received": {**_parts(received), "raw": raw},',
        '"received": {**_parts(received), "raw": None},',
        ("tests/wirecopy/test_statement.py",),
    ),
    Mutant(
        "a token signed for something else passes",
        "wirecopy/jose.py",
        "if data != _earlier_header(kid):",
        "if False:",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "a log may be another than before",
        "wirecopy/consistency.py",
        "gone = sorted(set(logs) - set(names))",
        "gone: list[str] = []",
        ("tests/wirecopy/test_vectors.py",),
    ),
    Mutant(
        "tiles withheld are no fault",
        "wirecopy/consistency.py",
        'return Check("log", "not checked" if seen is None else "failed", why)',
        'return Check("log", "not checked", why)',
        ("tests/wirecopy/test_online.py",),
    ),
    Mutant(
        "a leaf may be dated before one that stands before it",
        "wirecopy/trusted_state.py",
        "if same or before.logged_at > after.logged_at:",
        "if same:",
        ("tests/wirecopy/test_trusted_state.py",),
    ),
    Mutant(
        "a feed that fails is learnt from",
        "wirecopy/verify.py",
        'if log.check.state != "failed":',
        "if True:",
        ("tests/wirecopy/test_online.py",),
    ),
    Mutant(
        "nobody has to vouch for a restore",
        "wirecopy/consistency.py",
        "_check_vouchers(new, keys, state)",
        "pass",
        ("tests/wirecopy/test_restore.py",),
    ),
    Mutant(
        "a log goes on after its end",
        "wirecopy/jose.py",
        "if ended is not None and head.size > ended.head.size:",
        "if False:",
        ("tests/wirecopy/test_restore.py",),
    ),
    Mutant(
        "what a restore has lost is not told",
        "wirecopy/verify.py",
        "lost += elsewhere.values()",
        "pass",
        ("tests/wirecopy/test_restore.py",),
    ),
    Mutant(
        "the library is sent to another host",
        "wirecopy/https.py",
        "if (old.scheme, old.netloc) != (new.scheme, new.netloc):",
        "if False:",
        ("tests/wirecopy/test_online.py",),
    ),
    Mutant(
        "a document has no end",
        "wirecopy/https.py",
        "if len(body) > LARGEST_DOCUMENT:",
        "if False:",
        ("tests/wirecopy/test_online.py",),
    ),
)


def copied(root: Path, folder: Path) -> Path:
    """A copy of the tree at *root*, in *folder*."""
    tree = folder / "tree"
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return tree


def caught_by(tree: Path, tests: Sequence[str]) -> str:
    """The first of *tests* that fails in *tree*; empty when none does.

    :raises RuntimeError: when they cannot be run.
    """
    options = ["-q", "-x", "-p", "no:cacheprovider"]
    options += ["-m", "not slow and not repeated", "-k", "not postgresql"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "CI": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", done.stdout, re.M)
    if done.returncode != 1 or found is None:
        raise RuntimeError(f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found[1]


def main(*names: str) -> int:
    chosen = [one for one in MUTANTS if not names or one.name in names]
    missed = 0
    for mutant in chosen:
        with tempfile.TemporaryDirectory(prefix="wc-mutant-") as folder:
            tree = copied(ROOT, Path(folder))
            try:
                path = tree / mutant.file
                path.write_text(mutant.changed(path.read_text("utf-8")), "utf-8")
                caught = caught_by(tree, mutant.tests)
            except (LookupError, OSError) as error:
                caught = ""
                sys.stderr.write(f"{error}\n")
        missed += not caught
        sys.stdout.write(f"{mutant.name}: {caught or 'NOT CAUGHT'}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - missed} of {len(chosen)} caught\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
