"""Writes every generated file again, or with --check only tells which are not current.

The SDK's namespaces and the CLI's table are written by their packages; here come the snapshot of the OpenAPI
document and the reference pages.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tools import commands_page, hosts_page, operations_page, permissions_page, settings_page

ROOT = Path(__file__).parents[1]
SNAPSHOT = ROOT / "tests" / "snapshots" / "openapi.json"
REFERENCE = ROOT / "docs" / "reference"
PACKAGES = ("osapi.sdk.generate", "osapi.cli.generate")


def contents() -> dict[Path, str]:
    """Every file that is written here, with what it should hold."""
    command = [str(Path(sys.executable).with_name("osapi")), "controller", "openapi"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    document = msgspec.json.decode(text)
    return {
        SNAPSHOT: text,
        REFERENCE / "operations.md": operations_page.page(document),
        REFERENCE / "hosts.md": hosts_page.page(),
        REFERENCE / "permissions.md": permissions_page.page(document),
        REFERENCE / "settings.md": settings_page.page(),
        REFERENCE / "cli.md": commands_page.page(),
    }


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 1 when something is not current."""
    if set(arguments) - {"--check"}:
        sys.stderr.write("usage: ./dev gen [--check]\n")
        return 2
    check = "--check" in arguments
    stale = [
        name for name in PACKAGES if subprocess.run([sys.executable, "-m", name, *arguments], check=False).returncode
    ]
    for path, text in contents().items():
        if path.exists() and path.read_text() == text:
            continue
        if check:
            stale.append(str(path.relative_to(ROOT)))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale:
        sys.stderr.write(f"not current: {', '.join(stale)}; run ./dev gen\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
