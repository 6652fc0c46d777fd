"""`python -m bench [--json] [--only P1,P3] [--quick]`: measure, and print every figure with its goal and verdict.

The exit status is 0 when everything could be measured, whatever the verdicts, and 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from bench import (
    p1_single,
    p2_throughput,
    p3_broadcast,
    p4_fleet,
    p5_joining,
    p6_index,
    p7_memory,
    p8_command,
    p9_trust,
    proc,
)
from bench.report import Line, summary, table
from bench.setting import Setting

MEASUREMENTS: dict[str, Callable[[Setting], Awaitable[list[Line]]]] = {
    "P1": p1_single.measure,
    "P2": p2_throughput.measure,
    "P3": p3_broadcast.measure,
    "P4": p4_fleet.measure,
    "P5": p5_joining.measure,
    "P6": p6_index.measure,
    "P7": p7_memory.measure,
    "P8": p8_command.measure,
    "P9": p9_trust.measure,
}
_LONGEST_S = 150.0
_LONGEST_ALL_S = 600.0


def main() -> int:
    chosen = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="osapi-bench-", dir=chosen.dir))
    began, busy = time.monotonic(), proc.machine_cpu_s()
    try:
        lines, problems = uvloop.run(_measure(chosen.only, Setting(folder, chosen.quick)))
    finally:
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)
    seconds = time.monotonic() - began
    others = (proc.machine_cpu_s() - busy - proc.own_cpu_s()) / seconds
    environment = _where(folder, chosen.quick) | {"seconds": round(seconds), "cores busy with others": round(others, 2)}
    if chosen.json:
        print(json.dumps(summary(lines, environment) | {"problems": problems}, indent=2))
    else:
        print(table(lines))
        print(", ".join(f"{name} {value}" for name, value in environment.items()))
        for number, problem in problems.items():
            print(f"{number} could not be measured: {problem}", file=sys.stderr)
    return 1 if problems else 0


async def _measure(numbers: list[str], setting: Setting) -> tuple[list[Line], dict[str, str]]:
    lines: list[Line] = []
    problems: dict[str, str] = {}
    end = time.monotonic() + _LONGEST_ALL_S
    for number in numbers:
        print(f"measuring {number} …", file=sys.stderr, flush=True)
        try:
            async with asyncio.timeout(min(_LONGEST_S, end - time.monotonic())):
                lines += await MEASUREMENTS[number](setting)
        except Exception as problem:  # noqa: BLE001 - the others are measured all the same
            problems[number] = f"{type(problem).__name__}: {problem}"
    return lines, problems


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="measure less of everything, in about two minutes")
    parser.add_argument("--only", type=_numbers, default=list(MEASUREMENTS), help="such as P1,P3")
    parser.add_argument("--dir", type=Path, help="where the broker keeps its store; a temporary folder otherwise")
    parser.add_argument("--keep", action="store_true", help="keep that folder with the logs")
    return parser.parse_args()


def _numbers(text: str) -> list[str]:
    numbers = [number.strip().upper() for number in text.split(",")]
    unknown = [number for number in numbers if number not in MEASUREMENTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: use {', '.join(MEASUREMENTS)}")
    return numbers


def _where(folder: Path, quick: bool) -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "store": str(folder.parent),
        "quick": quick,
    }


if __name__ == "__main__":
    sys.exit(main())
