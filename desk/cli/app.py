"""The ``wirecopy`` command."""

import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from desk import show
from stories import logs
from stories.db import SQLAlchemyError, why
from stories.errors import ConfigError, WirecopyError

COMMANDS = {
    "demo": "demo",
    "init": "init",
    "check": "check",
    "up": "up",
    "poll": "poll",
    "wires": "wires",
    "stories": "stories",
    "story": "stories",
    "headline": "headline",
    "feed": "feed",
    "captures": "captures",
    "replay": "replay",
    "keys": "keys",
    "status": "status",
    "verify": "verify",
}
"""Each command, and the module of ``desk.cli`` in which a function has its name."""


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
    ctx.obj = config
    logs.configure("console" if sys.stderr.isatty() else "json", level="WARNING")


def line(arguments: Sequence[str]) -> typer.Typer:
    """The command line for *arguments*.

    Only commands that are named there are imported, as imports take most of a second. Where none
    is named, help lists them all.
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
    # An argument that looks like a command imports one more; no harm.
    for name in [name for name in COMMANDS if name in arguments] or COMMANDS:
        module = import_module(f"desk.cli.{COMMANDS[name]}")
        command = getattr(module, f"{name.capitalize()}Command", None)
        app.command(name, cls=command)(getattr(module, name))
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line *arguments*, by default the process's own, and exit.

    Exit code 0: done, 1: something failed, 2: wrong usage or configuration.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    show.settle_streams()
    try:
        # Not standalone: typer would draw a box around an error, and give a closed pipe a 1.
        code = line(given)(given or ["--help"], prog_name="wirecopy", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "wirecopy"
        show.complain(f"{error.format_message().rstrip('.')}; see {command} --help")
        sys.exit(2)
    except typer.Abort:
        show.complain("stopped: nobody answered")
        sys.exit(1)
    except ConfigError as error:
        show.complain(str(error))
        sys.exit(2)
    except WirecopyError as error:
        show.complain(str(error))
        sys.exit(1)
    except SQLAlchemyError as error:
        # Full, locked for too long, or away: what was not committed did not happen.
        show.complain(f"database: {why(error)}; mend that, and run the command again")
        sys.exit(1)
    except BrokenPipeError:  # whoever read our output wants no more
        show.end_quietly()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        show.complain(f"{where}{error.strerror or error}; mend that, and run the command again")
        sys.exit(1)
    except UnicodeEncodeError:
        show.complain(
            "a word or file name is not in the alphabet of this session's locale"
            f" ({sys.getfilesystemencoding()}); set one of UTF-8: LC_ALL=C.UTF-8"
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
