"""``python -m wirecopy``: the command ``wirecopy``, wherever it is installed."""

import sys
from importlib.metadata import entry_points


def main() -> None:
    """Run the command that the package ``wirecopy`` brings. Exit code 2 where there is none."""
    commands = entry_points(group="console_scripts", name="wirecopy")
    if not commands:
        print("wirecopy: this is the library alone; install the package wirecopy", file=sys.stderr)
        sys.exit(2)
    next(iter(commands)).load()()


if __name__ == "__main__":
    main()
