"""``wirecopy demo``: the main job on a simulated agency, from a bare machine to an honest feed."""

from typing import Annotated, Literal

import typer

Format = Literal[
    "json",
    "rss",
    "atom",
    "rdf",
    "newsml-g2",
    "newsml-1",
    "nitf",
    "ninjs",
    "ap",
    "iptc-7901",
    "anpa-1312",
]


def demo(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where to serve; 0: any free port.")
    ] = 8080,
    speed: Annotated[
        float, typer.Option("--speed", min=0.1, max=100, help="How fast the agency publishes.")
    ] = 1.0,
    format: Annotated[
        Format,
        typer.Option("--format", help="What the agency's first wire comes in; json is signed."),
    ] = "json",
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the first entry is printed.")
    ] = False,
) -> None:
    """Try it all with a simulated agency.

    Starts the agency, pulls it, rewrites a headline, serves the feeds, and shows the proof.
    """
    from desk.demo.run import run

    raise typer.Exit(run(port, speed, format, once=once))
