"""Where the program `osapi` begins: the quick way for a plain line of the client, else the whole command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status. `arguments` None takes those of the process."""
    from osapi.cli import quick

    words = sys.argv[1:] if arguments is None else arguments
    status = quick.run(words, os.environ)
    if status is not None:
        return status
    from osapi.cli.main import main as whole

    return whole(words)


if __name__ == "__main__":
    sys.exit(main())
