"""The units of systemd by which a change on trial is undone, and what an agent without root must be granted for them."""

from __future__ import annotations

from osapi.host.grants import TRIAL_DIR, Grant, Place, Program
from osapi.host.undoing import PENDING, SCRIPT, UNDOING, UNDONE

WINDOW_S = 60
"""After which the timer undoes a change that nobody has confirmed. Longer than any change and its round trip take."""
_TIMER = (f"--on-active={WINDOW_S}", "--timer-property=AccuracySec=100ms")
_WAITING = ("--wait",)
_ANY = "[A-Za-z0-9-]+"


def arm(job_id: str, folder: str) -> tuple[str, ...]:
    """Has the script be started by a timer."""
    return _transient(job_id, folder, *_TIMER)


def start(job_id: str) -> tuple[str, ...]:
    """Starts the script now, by the unit that the timer has."""
    return ("systemctl", "start", "--", f"{_unit(job_id)}.service")


def start_anew(job_id: str, folder: str) -> tuple[str, ...]:
    """Starts the script now, where its timer is gone, as after a reboot."""
    return _transient(job_id, folder, *_WAITING)


def stop(job_id: str) -> tuple[str, ...]:
    """Stops the timer."""
    return ("systemctl", "stop", "--", f"{_unit(job_id)}.timer")


def _transient(job_id: str, folder: str, *how: str) -> tuple[str, ...]:
    unit = (f"--unit={_unit(job_id)}", "--property=Type=oneshot", "--description=Undo a change made by OSAPI")
    return ("systemd-run", "--quiet", "--collect", *unit, *how, "--", "/bin/sh", f"{folder}/{SCRIPT}")


def _unit(job_id: str) -> str:
    return f"osapi-undo-{job_id}"


def _program(argv: tuple[str, ...], example: tuple[str, ...]) -> Program:
    return Program(path=f"/usr/bin/{argv[0]}", arguments=" ".join(argv[1:]), example=" ".join(example[1:]))


PRIVILEGES: tuple[Grant, ...] = (
    _program(arm(_ANY, TRIAL_DIR), arm("1", TRIAL_DIR)),
    _program(start(_ANY), start("1")),
    _program(start_anew(_ANY, TRIAL_DIR), start_anew("1", TRIAL_DIR)),
    _program(stop(_ANY), stop("1")),
    Place(path=f"{TRIAL_DIR}/({PENDING}|copy-[0-9]+)", example=f"{TRIAL_DIR}/{PENDING}", verbs=("write",)),
    Place(
        path=f"{TRIAL_DIR}/({PENDING}|{UNDOING}|{UNDONE}|{SCRIPT}|copy-[0-9]+)",
        example=f"{TRIAL_DIR}/{PENDING}",
        verbs=("remove",),
    ),
    Place(path=f"{TRIAL_DIR}/{SCRIPT}", example=f"{TRIAL_DIR}/{SCRIPT}", verbs=("undo",)),
)
"""The script itself is made by the helper from what is to be put back, so that nobody else says what it does."""
