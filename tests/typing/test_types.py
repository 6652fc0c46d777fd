from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("sdk.py")
BIN = Path(sys.executable).parent


def test_mypy_infers_what_the_sdk_promises() -> None:
    ran = subprocess.run(
        [BIN / "mypy", "--strict", "--warn-unused-ignores", SOURCE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


def test_pyright_infers_what_the_sdk_promises() -> None:
    command = [BIN / "pyright", "--project", SOURCE.parent, "--pythonpath", sys.executable, "--outputjson"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = json.loads(ran.stdout)
    assert [one["message"] for one in told["generalDiagnostics"]] == []
    assert told["summary"]["filesAnalyzed"] == 1
