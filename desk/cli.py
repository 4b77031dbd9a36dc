"""The ``wirecopy`` command: the operator's and the desk's door."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from desk import show
from desk.commands import (
    captures,
    demo,
    feed,
    headline,
    poll,
    replay,
    status,
    stories,
    up,
    wires,
)
from desk.context import Desk
from stories import log
from stories.errors import ConfigError, WirecopyError

app = typer.Typer(
    name="wirecopy",
    help="Pulls agency wires, measures what the desk changed, republishes with the proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
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
) -> None:
    """Pulls agency wires, measures what the desk changed, republishes with the proof."""
    ctx.obj = Desk(config)
    log.configure("console" if sys.stderr.isatty() else "json", level="WARNING")


app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("poll")(poll.poll)
app.command("wires")(wires.wires)
app.command("stories")(stories.stories)
app.command("story")(stories.story)
app.command("headline")(headline.headline)
app.command("feed")(feed.feed)
app.command("captures")(captures.captures)
app.command("replay")(replay.replay)
app.command("status")(status.status)


def main() -> None:
    """Run the command line; exit 0 done, 1 something failed, 2 wrong usage or configuration."""
    try:
        app()
    except ConfigError as error:
        show.complain(str(error))
        sys.exit(2)
    except WirecopyError as error:
        show.complain(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # `wirecopy stories | head`: the reader has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
