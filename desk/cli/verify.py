"""``wirecopy verify``: is it true what a feed, or an article elsewhere, says of its stories?"""

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from desk import show
from desk.sources import SourceError, Sources
from ingest.formats.sniff import sniff
from stories import clock
from stories.errors import ConfigError, UnknownNameError, WirecopyError
from wirecopy import (
    ANYBODYS,
    Evidence,
    Keys,
    Missing,
    Refused,
    Report,
    Result,
    TrustedState,
    read_feed,
    read_keys,
    verify_publishers,
)
from wirecopy.custody import KEYS, Agencies
from wirecopy.encoding import LARGEST_DOCUMENT, bounded, parse_document
from wirecopy.online import evidence_of, site_of, sites_of, with_log
from wirecopy.tlog import parse_checkpoint
from wirecopy.verify import is_address


class VerifyError(WirecopyError):
    """A file or document given cannot be used."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments. ``feed``, ``keys`` and ``chains`` are files or URLs."""

    feed: str
    keys: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    logs: tuple[Path, ...] = ()
    remember: Path | None = None


def verify(
    source: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="A feed; with --against, a saved article.")
    ],
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            metavar="JWKS",
            help="A publisher's keys, a file or URL (default: those of the feed's site). Given"
            " again for a feed of several publishers.",
        ),
    ] = None,
    chain: Annotated[
        list[str] | None,
        typer.Option(
            "--chain",
            metavar="FILE|URL",
            help="A story's statements (default: those of the feed's site).",
        ),
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            "--log",
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="A publisher's log as saved from SITE/log: checkpoint and tile/ (default: that"
            " of the keys' site).",
        ),
    ] = None,
    remember: Annotated[
        Path | None,
        typer.Option(
            "--remember",
            metavar="FILE",
            help="Keep what was seen, and demand that nothing seen before was taken back.",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="COPY",
            help="Hold an article against the agency's copy: a feed as received, or HTML or text.",
        ),
    ] = None,
    item: Annotated[
        str | None,
        typer.Option("--item", metavar="N|GUID", help="Which item of COPY (default: what fits)."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print every check as JSON.")] = False,
) -> None:
    """Verify a feed, or a saved article.

    Of each entry of a feed: its signature, its words, and what it claims of them.

    With --against: does a saved article carry the agency's words, and is what it prints true?
    """
    if against is not None:
        for option, given in (
            ("--key", key),
            ("--chain", chain),
            ("--log", log),
            ("--remember", remember),
        ):
            if given:
                raise typer.BadParameter("is for feeds, not with --against", param_hint=option)
        _article(against, Path(source), item, json=json)
        return
    if item is not None:
        raise typer.BadParameter("goes with --against only", param_hint="--item")
    _feed(
        Asked(source, tuple(key or ()), tuple(chain or ()), tuple(log or ()), remember), json=json
    )


def _article(against: Path, article: Path, item: str | None, *, json: bool) -> None:
    from desk.article import report
    from desk.article.against import check

    try:
        answer = check(against, article, item)
    except UnknownNameError as error:
        raise typer.BadParameter(str(error), param_hint="--item") from error
    if json:
        show.as_json(report.as_data(answer))
    else:
        report.print_answer(answer)
    if not answer.holds:
        raise typer.Exit(1)


def _feed(asked: Asked, *, json: bool) -> None:
    with Sources() as sources:
        report = _verified(asked, sources)
    if json:
        show.as_json(_as_data(asked.feed, report))
    else:
        _print(report)
    for line in report.lost:
        show.complain(line)
    for entry in report.entries:
        for check in entry.failures:
            show.complain(f"{entry.guid or '(no guid)'}: {check.name}: {check.reason}")
        if entry.verdict == "unsigned":
            show.complain(f"{entry.guid or '(no guid)'}: no statement, so nothing is shown of it")
    if report.log.state == "failed":
        nobody = not any(map(is_address, (asked.feed, *asked.keys)))
        remedy = "; give --key as a URL, and the log there is asked for them, or --log a saved one"
        untold = nobody and "no tiles" in report.log.reason
        show.complain(f"log: {report.log.reason}{remedy if untold else ''}")
    if not report.ok:
        raise typer.Exit(1)


def _verified(asked: Asked, sources: Sources) -> Report:
    """The report of the feed; what was seen is written to ``asked.remember``.

    :raises ConfigError: when no keys are named and the feed is a file.
    :raises WirecopyError: when feed, keys, a chain or the file to remember cannot be read.
    """
    document = sources.named(asked.feed)
    try:
        entries = read_feed(document)
    except Refused as error:
        found = sniff(document)
        why = f"is {found}, and no feed" if found.is_page else error
        raise VerifyError(f"{asked.feed}: {why}") from None
    sets = _sites_and_keys(asked, sources)
    state = _load(asked.remember)
    chains = _named_chains(asked.chains, sources)
    now = clock.now()
    logs = _saved_logs(asked.logs, [keys for _, keys in sets])
    publishers: list[tuple[Keys, Evidence]] = []
    given = [keys for _, keys in sets] if asked.keys else []
    for site, keys in sets:
        evidence = Evidence(now, state=state, agencies=Agencies(tuple(given)))
        if site is not None:
            evidence = evidence_of(
                site, [] if chains else entries, keys, sources.found, state, now, given
            )
        if chains:
            evidence = replace(evidence, find_chain=lambda statement: chains.get(statement.guid))
        if keys.log is not None and (folder := logs.get(next(iter(keys.logs)))):
            evidence = with_log(evidence, partial(_saved, folder), keys.log.name)
        publishers.append((keys, evidence))
    try:
        report = verify_publishers(entries, publishers)
    except Refused as error:
        raise VerifyError(f"--key: {error}") from None
    if asked.remember is not None and report.state != state:
        _write(asked.remember, report.state.dump())
    return report


def _sites_and_keys(asked: Asked, sources: Sources) -> list[tuple[str | None, Keys]]:
    """Of each publisher the site, None when no URL names it, and the keys."""
    if asked.keys:
        # The feed's own site is that of the keys' publisher unless there are several.
        other = sites_of(asked.feed)[0] if is_address(asked.feed) and len(asked.keys) == 1 else None
        return [
            (
                source.removesuffix(KEYS)
                if is_address(source) and source.endswith(KEYS)
                else other,
                _read_keys(source, sources.named(source)),
            )
            for source in asked.keys
        ]
    if not is_address(asked.feed):
        raise ConfigError(
            f"{asked.feed}: a file does not tell whose keys to believe; give the publisher's:"
            f" --key https://SITE{KEYS} (or a file of it)"
        )
    try:
        return [site_of(asked.feed, sources.found)]
    except Missing as error:
        raise SourceError(f"{error}; if they are elsewhere, give them: --key URL") from None
    except Refused as error:
        raise VerifyError(f"{error}; it has to be a JWK Set") from None


def _read_keys(source: str, document: bytes) -> Keys:
    try:
        return read_keys(document)
    except Refused as error:
        raise VerifyError(f"{source}: {error}; it has to be a JWK Set") from None


def _named_chains(named: tuple[str, ...], sources: Sources) -> Mapping[str, bytes]:
    """The chain documents *named*, by guid."""
    found: dict[str, bytes] = {}
    for source in named:
        document = sources.named(source)
        try:
            chain = parse_document(document)
        except Refused:
            chain = None
        guid = chain.get("guid") if isinstance(chain, dict) else None
        if not isinstance(guid, str):
            raise VerifyError(
                f"{source}: is no chain of statements; SITE/stories/ID/statements is one"
            )
        found[guid] = document
    return found


def _saved_logs(folders: tuple[Path, ...], sets: Sequence[Keys]) -> Mapping[str, Path]:
    """The *folders*, each by the name of the log that was saved there.

    :raises VerifyError: when one holds no checkpoint, or one of a log that no key set names.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        try:
            name = parse_checkpoint((_saved(folder, "checkpoint") or b"").decode()).origin
        except (UnicodeDecodeError, Refused):
            raise VerifyError(
                f"{folder}: holds no checkpoint of a log; save SITE/log/checkpoint and"
                " SITE/log/tile there"
            ) from None
        if not any(name in keys.logs for keys in sets):
            raise VerifyError(f"{folder}: is the log {name}, which no --key names; give its keys")
        found[name] = folder
    return found


def _saved(folder: Path, path: str) -> bytes | None:
    """What was saved of a log at *path* below its address."""
    try:
        return bounded(folder / path, LARGEST_DOCUMENT)
    except (OSError, Refused):
        return None


def _load(file: Path | None) -> TrustedState:
    if file is None or not file.exists():
        return TrustedState()
    try:
        return TrustedState.load(bounded(file, LARGEST_DOCUMENT))
    except OSError as error:
        raise VerifyError(f"{file}: {error.strerror}") from None
    except Refused as error:
        raise VerifyError(f"{file}: {error}; move it away to begin anew") from None


def _write(file: Path, data: bytes) -> None:
    """Write *file* whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(dir=file.resolve().parent, delete=False) as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(out.name).replace(file)
    except OSError as error:
        raise VerifyError(f"{file}: cannot be written: {error.strerror}") from None


def _print(report: Report) -> None:
    show.table(
        [
            {
                "verdict": entry.verdict,
                "v": entry.version,
                "scope": "withdrawn" if entry.withdrawn_at else entry.scope or "",
                "headline": " ".join(entry.headline.split()),
                "checks": _summary(entry),
            }
            for entry in report.entries
        ],
        ("verdict", "v", "scope", "headline", "checks"),
        "the feed has no entries",
    )
    if any(entry.verdict == "verified" for entry in report.entries):
        show.say(f"unsigned: {'; '.join(ANYBODYS)}")
    for entry in report.entries:
        if entry.late:
            show.say(f"{entry.guid}: {entry.late}")
        at = show.when(entry.withdrawn_at)
        if at and entry.verdict == "verified":
            show.say(f"{entry.guid}: withdrawn by its publisher at {at}, signed")
    for reason, count in Counter(map(_custody, report.entries)).items():
        if reason:
            show.say(f"custody, of {count} {'entry' if count == 1 else 'entries'}: {reason}")
    show.say(f"log: {report.log.state}" + (f" ({report.log.reason})" if report.log.reason else ""))


def _custody(entry: Result) -> str:
    """The way that the copy of *entry* came, in words; empty where nothing is shown of it."""
    shown = [hop for hop in entry.custody if hop.state == "ok"]
    if not shown:
        return ""
    told = ", before that ".join(hop.reason for hop in shown)
    if all(hop.given for hop in shown):
        return told
    return f"{told}; that these are the agencies' sites is for you to know, or give --key theirs"


def _summary(entry: Result) -> str:
    if entry.failures:
        return "failed: " + ", ".join(check.name for check in entry.failures)
    left = [check.name for check in entry.checks if check.state == "not checked"]
    done = len(entry.checks) - len(left)
    return f"{done} ok" + (f"; not checked: {', '.join(left)}" if left and done > 1 else "")


def _as_data(source: str, report: Report) -> dict[str, object]:
    return {
        "feed": source,
        "ok": report.ok,
        "unsigned": ANYBODYS,
        "log": {"state": report.log.state, "reason": report.log.reason},
        "lost": report.lost,
        "entries": [
            {
                "guid": entry.guid,
                "headline": entry.headline,
                "verdict": entry.verdict,
                "version": entry.version,
                "edit_scope": entry.scope,
                "disclosure": entry.disclosure,
                "received_at": entry.received_at,
                "logged_at": entry.logged_at,
                "late": entry.late,
                "withdrawn_at": entry.withdrawn_at,
                "custody": [asdict(hop) for hop in entry.custody],
                "checks": [
                    {"name": check.name, "state": check.state, "reason": check.reason}
                    for check in entry.checks
                ],
            }
            for entry in report.entries
        ],
    }
