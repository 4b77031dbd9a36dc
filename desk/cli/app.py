"""The ``wirecopy`` command."""

import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from desk import show

COMMANDS = {
    "demo": ("demo", "Try it all with a simulated agency."),
    "init": ("init", "Write a commented wirecopy.toml."),
    "check": ("check", "Check the configuration and all that it names."),
    "up": ("up", "Run everything until told to stop: worker, poller, beat, web, desk."),
    "poll": ("poll", "Poll the wires once, now."),
    "wires": ("wires", "List the wires: state, last and next poll, what is wrong."),
    "stories": ("stories", "List stories, last changed first."),
    "story": ("stories", "Show one story."),
    "headline": ("headline", "Write the headline of a story."),
    "kill": ("hiding", "Take a story out of every feed for good."),
    "hold": ("hiding", "Take a story out of every feed for now."),
    "release": ("hiding", "Bring a story back that was killed or held."),
    "settle": ("settle", "Leave a story as it is: it waits for the desk no more."),
    "pause": ("intake", "Poll a wire no more until it is resumed."),
    "resume": ("intake", "Poll a wire again that was paused."),
    "accept": ("intake", "Take an item in that is in quarantine, without a claim."),
    "leave": ("intake", "Leave in quarantine what could not be taken in, off the desk's list."),
    "feed": ("feed", "Write a feed's bytes exactly as they are served."),
    "people": ("people", "List the people of the desk in the browser; add or revoke one."),
    "subscribers": ("subscribers", "List the subscribers of private feeds; add or revoke one."),
    "export": ("export", "Write the site as files into a folder."),
    "captures": ("captures", "List captures, newest first, or show one."),
    "replay": ("replay", "Replay captures."),
    "keys": ("keys", "List the signing keys; make a new one, or revoke one."),
    "backup": ("backup", "Back the store and the keys up into a folder."),
    "restore": ("restore", "Restore a backup into an empty store."),
    "status": ("status", "Show how everything stands."),
    "verify": ("verify", "Verify a feed, or a saved article."),
}
"""Each command: the module of ``desk.cli`` in which a function has its name, and its line in the
list of commands."""


def version(asked: bool) -> None:
    """Print name and version of the installed package, and end."""
    if asked:
        package = metadata.metadata("wirecopy")
        show.say(f"{package['Name']} {package['Version']}")
        raise typer.Exit


def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar="WIRECOPY_CONFIG",
            metavar="PATH",
            help="The configuration file (default: ./wirecopy.toml).",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Pulls agency wires, measures what the desk changed, republishes with the proof."""
    from stories import logs

    ctx.obj = config
    logs.configure("console" if sys.stderr.isatty() else "json", level="WARNING")


def _listed() -> None:
    """Stand in for a command that is not named, so that help and errors know of it."""


def line(arguments: Sequence[str]) -> typer.Typer:
    """The command line for *arguments*.

    Only commands that are named there are imported, as imports take most of a second.
    """
    app = typer.Typer(
        name="wirecopy",
        help="Pulls agency wires, measures what the desk changed, republishes with the proof.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # help is text, that any pipe and terminal takes
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for name, (module, told) in COMMANDS.items():
        # An argument that looks like a command imports one more; no harm.
        if name in arguments:
            found = import_module(f"desk.cli.{module}")
            command = getattr(found, f"{name.capitalize()}Command", None)
            app.command(name, cls=command, short_help=told)(getattr(found, name))
        else:
            app.command(name, short_help=told)(_listed)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line *arguments*, by default the process's own, and exit.

    Exit code 0: done, 1: something failed, 2: wrong usage or configuration.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    show.settle_streams()
    try:
        # Not standalone: typer would draw a box around an error.
        code = line(given)(given or ["--help"], prog_name="wirecopy", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "wirecopy"
        said = error.format_message().replace("Value error, ", "", 1)  # pydantic's, of a choice
        show.complain(f"{said.rstrip('.')}; see {command} --help")
        sys.exit(2)
    except typer.Abort:
        show.complain("stopped: nobody answered")
        sys.exit(1)
    except BrokenPipeError:  # whoever read our output wants no more
        show.end_quietly()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer makes a 1 of it all the same
            show.end_quietly()
        raise
    except UnicodeEncodeError:
        show.complain(
            "a word or file name is not in the alphabet of this session's locale"
            f" ({sys.getfilesystemencoding()}); set one of UTF-8: LC_ALL=C.UTF-8"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        show.complain(told[1])
        sys.exit(told[0])


def _told(error: Exception) -> tuple[int, str] | None:
    """Exit code and line for an *error* that a person can mend; None for a fault of ours."""
    from stories.db import SQLAlchemyError, why  # half a second that only errors need
    from stories.errors import ConfigError, WirecopyError

    if isinstance(error, WirecopyError):
        return 2 if isinstance(error, ConfigError) else 1, str(error)
    if isinstance(error, SQLAlchemyError):
        # Full, locked for too long, or away: what was not committed did not happen.
        return 1, f"database: {why(error)}; mend that, and run the command again"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return 1, f"{where}{error.strerror or error}; mend that, and run the command again"
    return None


if __name__ == "__main__":
    main()
