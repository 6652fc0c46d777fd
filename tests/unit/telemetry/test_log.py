from __future__ import annotations

import io
import json
import logging

from osapi.telemetry import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(stream: io.StringIO) -> dict[str, object]:
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_without_a_terminal_each_event_is_one_json_object() -> None:
    log.configure(stream=(out := io.StringIO()), program="agent")
    log.get_logger("osapi.jobs").info("job.completed", job_id="7", duration_s=0.5, changed=True)
    line = written(out)
    assert line.pop("time", "").endswith("Z")  # type: ignore[attr-defined]
    assert line == {
        "level": "info",
        "program": "agent",
        "logger": "osapi.jobs",
        "event": "job.completed",
        "job_id": "7",
        "duration_s": 0.5,
        "changed": True,
    }


def test_a_terminal_gets_a_coloured_line_for_people() -> None:
    log.configure(stream=(out := Terminal()), program="agent")
    log.get_logger("x").warning("disk.full", path="/var lib", used=91)
    line = out.getvalue()
    assert "\x1b[33mwarning\x1b[0m" in line
    assert 'disk.full \x1b[2mpath\x1b[0m="/var lib" \x1b[2mused\x1b[0m=91' in line


def test_the_console_format_can_be_asked_for_and_then_has_no_colour() -> None:
    log.configure(log_format="console", stream=(out := io.StringIO()))
    log.get_logger("x").error("it.broke", error="")
    assert out.getvalue().endswith('error   it.broke error=""\n')


def test_debug_is_left_out_unless_asked_for() -> None:
    log.configure(stream=(out := io.StringIO()))
    log.get_logger("x").debug("dispatch")
    assert out.getvalue() == ""
    log.configure(stream=out, debug=True)
    log.get_logger("x").debug("dispatch")
    assert written(out)["level"] == "debug"


def test_configuring_again_replaces_the_former_output() -> None:
    log.configure(stream=(first := io.StringIO()))
    log.configure(stream=(second := io.StringIO()))
    log.get_logger("x").info("once")
    assert (first.getvalue(), written(second)["event"]) == ("", "once")


def test_records_of_libraries_keep_their_text_and_extra_fields() -> None:
    log.configure(stream=(out := io.StringIO()))
    logging.getLogger("some.library").info("listening on %s", "here", extra={"port": 80})
    line = written(out)
    assert (line["event"], line["port"], line["logger"]) == ("listening on here", 80, "some.library")


def test_a_field_cannot_replace_what_every_line_has() -> None:
    log.configure(stream=(out := io.StringIO()))
    log.get_logger("x").info("an.event", level="mine", logger="mine")
    line = written(out)
    assert (line["level"], line["level_"], line["logger"], line["logger_"]) == ("info", "mine", "x", "mine")


def test_values_of_any_type_are_written() -> None:
    log.configure(stream=(out := io.StringIO()))
    log.get_logger("x").info("an.event", problem=ValueError("bad"), raw=b"x", number=2**80)
    assert written(out)["problem"] == "bad"


def test_an_unexpected_error_comes_with_its_traceback() -> None:
    log.configure(stream=(out := io.StringIO()))
    try:
        raise KeyError("gone")
    except KeyError as problem:
        log.get_logger("x").exception("it.broke", problem, job_id="7")
    line = written(out)
    assert (line["error"], line["job_id"]) == ("'gone'", "7")
    assert "Traceback" in str(line["traceback"])


def test_a_value_from_outside_cannot_forge_a_line_or_a_colour() -> None:
    log.configure(log_format="console", stream=(out := io.StringIO()))
    log.get_logger("x").info("an.event", hostname="web\n12:00:00 error forged\x1b[31m")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


def test_noisy_libraries_are_quiet_unless_debugging() -> None:
    log.configure(stream=(out := io.StringIO()))
    logging.getLogger("nats").info("a packet")
    assert out.getvalue() == ""
