"""`python -m osapi.sdk.generate [--check]`: write the namespaces, or only tell whether they are current."""

from __future__ import annotations

import sys
from pathlib import Path

from osapi.sdk.generate import source
from osapi.sdk.generate.files import write
from osapi.sdk.generate.places import places

FOLDER = Path(__file__).parent.parent


def files() -> dict[Path, str]:
    """What ought to be in the generated files."""
    operations = places()
    return {FOLDER / flavour.file: source.text(flavour, operations) for flavour in (source.SYNC, source.ASYNC)}


if __name__ == "__main__":
    sys.exit(write(files(), check="--check" in sys.argv[1:]))
