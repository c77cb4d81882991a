"""The command line: `python -m evenstep`, and the program `evenstep`."""

from __future__ import annotations

import sys

from evenstep._native import program


def main() -> int:
    """Runs the command line with the arguments of this process."""
    return program(["evenstep", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
