"""Figures of one process."""

from __future__ import annotations

import os
import subprocess
import sys

from osapi.telemetry.process import ProcessMeter, parse_stat


def test_a_name_with_blanks_and_brackets_does_not_shift_the_fields() -> None:
    text = "42 (odd) name )) S 1 42 42 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 7 0 100 1000000 256 1844"
    sample = parse_stat(text)
    ticks = os.sysconf("SC_CLK_TCK")
    assert sample == (200 / ticks, 256 * os.sysconf("SC_PAGE_SIZE"), 7)


def test_the_processor_is_told_in_percent_of_one_core_since_the_last_look() -> None:
    times = iter([0.0, 1.0, 2.0])
    meter = ProcessMeter(clock=lambda: next(times))
    for _ in range(3_000_000):
        pass
    busy, idle = meter.read(), meter.read()
    assert busy.cpu_percent > 0
    assert busy.cpu_percent >= idle.cpu_percent
    assert busy.rss_bytes > 1_000_000
    assert busy.threads >= 1


def test_two_looks_in_a_row_do_not_make_a_tick_of_the_clock_a_load() -> None:
    times = iter([0.0, 0.001, 1.0, 1.001, 2.0])
    meter = ProcessMeter(clock=lambda: next(times))
    while meter._sample().cpu_s == meter._used:
        pass  # until the next tick
    assert meter.read().cpu_percent == 0
    told = meter.read().cpu_percent
    assert 0 < told < 100
    while meter._sample().cpu_s == meter._used:
        pass
    assert meter.read().cpu_percent == told


def test_another_process_is_measured_and_told_with_zeros_when_it_is_gone() -> None:
    line = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        meter = ProcessMeter(process.pid)
        assert meter.read().rss_bytes > 0
        process.kill()
        process.wait()
        assert meter.read() == type(meter.read())(cpu_percent=0.0, rss_bytes=0, threads=0)
