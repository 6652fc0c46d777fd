"""A fail point kills where it is told to, and nowhere else."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from osapi.agent import failpoints
from osapi.agent.failpoints import POINTS, VARIABLE, FailPoints


@pytest.mark.parametrize("chosen", [None, *POINTS])
def test_only_the_chosen_point_kills(chosen: str | None) -> None:
    deaths: list[str] = []
    for point in POINTS:
        FailPoints(chosen, lambda point=point: deaths.append(point)).reach(point)  # type: ignore[misc]
    assert deaths == ([] if chosen is None else [chosen])


def test_an_unknown_point_is_refused() -> None:
    with pytest.raises(ValueError, match="OSAPI_FAIL_POINT=lunch: no such place; use one of before_start"):
        failpoints.from_environment({VARIABLE: "lunch"})


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}])
def test_without_the_variable_nothing_dies(environ: dict[str, str]) -> None:
    for point in POINTS:
        failpoints.from_environment(environ).reach(point)


def test_a_process_dies_as_if_the_power_had_gone() -> None:
    code = "import os; from osapi.agent import failpoints as f; f.from_environment(os.environ).reach('before_start')"
    ended = subprocess.run([sys.executable, "-c", code], env={VARIABLE: "before_start"}, check=False)
    assert ended.returncode == -signal.SIGKILL
