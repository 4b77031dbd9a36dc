"""``wirecopy headline``: the desk writes a headline, or puts the wire's back."""

import re
import sys
from typing import Annotated

import typer
from typer.core import TyperCommand

from desk import show
from desk.cli.context import opened, story_named, telling
from desk.headline import earlier, publish, replaced, shown_in, typed, unseen
from desk.newsroom.draft import lacking
from stories import clock
from stories.db import feeds, outbox

_TEXT = re.compile(r"-.*\s|--?[^A-Za-z-]", re.DOTALL)
"""How a headline may begin with a minus: what no option looks like."""


class HeadlineCommand(TyperCommand):
    """Takes a TEXT that begins with a minus for a text, not for an option."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Move such a text behind ``--``, where it is read as one."""
        options = {name: each for each in self.params for name in each.opts}
        kept: list[str] = []
        words: list[str] = []
        rest = iter(args)
        for word in rest:
            name, equals, _ = word.partition("=")
            if word == "--":
                words += rest
            elif name in options:
                kept.append(word)
                if not equals and not getattr(options[name], "is_flag", False):
                    kept += [value for value in [next(rest, None)] if value is not None]
            elif _TEXT.match(word) or not word.startswith("-") or word == "-":
                words.append(word)
            elif word in ctx.help_option_names:
                kept.append(word)
            else:
                ctx.fail(
                    f"No such option: {word}. A headline that begins with a minus goes after --:"
                    ' wirecopy headline ID --by NAME -- "TEXT"'
                )
        return super().parse_args(ctx, [*kept, "--", *words] if words else kept)


def headline(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="A story's id, or how it begins.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who does this.")],
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="The new headline; - reads it from standard input."),
    ] = None,
    revert: Annotated[bool, typer.Option("--revert", help="Put the wire's headline back.")] = False,
    to: Annotated[
        int | None,
        typer.Option(
            "--to",
            min=0,
            metavar="N",
            help="With --revert: put back the desk's headline N, as `wirecopy story ID` numbers"
            " them.",
        ),
    ] = None,
    seen: Annotated[
        int | None,
        typer.Option(
            "--seen",
            min=1,
            metavar="N",
            help="The version that you have read; a newer one is named, and is due for a second"
            " look.",
        ),
    ] = None,
) -> None:
    """Write the headline of a story. The body cannot be edited, here or anywhere."""
    if (text is None) != revert:
        raise typer.BadParameter("give either TEXT or --revert", param_hint="TEXT")
    if to is not None and not revert:
        raise typer.BadParameter("goes with --revert", param_hint="--to")
    notes: list[str] = []
    if text is not None:
        text, notes = typed(sys.stdin.read() if text == "-" else text)
    with opened(ctx) as (config, store):
        found = story_named(store, name)
        if to:
            text = earlier(found, to)
        changed = telling(config, store)
        after = publish(store, config, found.id, text, by, seen=seen, changed=changed)
        with store.read() as conn:
            entry = feeds.entry(conn, after.id)
            failed = ("story", after.id) in {job[:2] for job in outbox.failures(conn)}
            reason = unseen(conn, config, after)
            where = shown_in(conn, after)
    if after.hidden(clock.now()) or (entry is not None and entry.changed_at < after.changed_at):
        entry = None  # not measured, or of another headline
    if said := replaced(after):
        notes.append(said)
    if seen is not None and seen < after.number:
        notes.append(
            f"the wire has sent version {after.number} since the version {seen} that you saw:"
            f" “{after.version.headline}”; it is due for a second look"
        )
    if text is not None:
        for lost in lacking(after.version, after.edits[-1].text or ""):
            notes.append(f"the wire's headline has the {lost.kind} “{lost.said}”, and this has not")
    if text is not None and after.another_text:
        notes.append("version and headline are of different stories: the wire's headline stands")
    place = ", ".join(where) or "no feed yet, or no more; its page shows it"
    show.facts(
        {
            "story": after.id,
            "headline": after.headline,
            "wire headline": after.version.headline,
            "edit scope": entry.scope if entry else "not rendered",
            "edited headline only": entry.edited_headline_only if entry else None,
            "disclosure": entry.disclosure if entry else None,
            "published in": "nowhere" if reason else place,
            "page": entry.url if entry and not reason else None,
        }
    )
    for note in notes:
        show.complain(note)
    if reason:  # the headline is on record; what is published, if anything, is as it was
        show.complain(f"{'kept, but not published' if failed else 'nobody sees it'}: {reason}")
        raise typer.Exit(1)
