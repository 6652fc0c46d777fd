"""What the power operations take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from osapi.contract.operation import Change, Lasting

LONGEST_WAIT_S = 86_400
"""Seconds that a job may take up to the return of its host."""


class PowerRequest(Lasting, kw_only=True):
    """When a host is to go down, and what its users are told."""

    SECONDS: ClassVar[tuple[str, ...]] = ("delay", "return_timeout")
    WHEN: ClassVar[str] = "wait_for_return"

    delay: Annotated[
        int,
        Meta(
            description="Seconds until then. At least 5 seconds pass, so that the answer arrives before the host goes.",
            ge=0,
            le=31_536_000,
            examples=[300],
        ),
    ] = 0
    message: Annotated[
        str,
        Meta(
            description="Line for everybody who is logged in. Default: what the host says by itself.",
            max_length=1024,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)",
            examples=["Kernel update"],
        ),
    ] = ""
    replace: Annotated[bool, Meta(description="Take the place of another shutdown that is pending.")] = False
    force: Annotated[
        bool, Meta(description="Also when the host runs a controller or the broker, which the fleet needs.")
    ] = False
    wait_for_return: Annotated[
        bool, Meta(description="Complete the job only when the host is back. Makes no sense for a shutdown.")
    ] = False
    return_timeout: Annotated[
        int,
        Meta(description="Seconds it may be away; a host that takes longer has timed out.", ge=10, le=LONGEST_WAIT_S),
    ] = 600


class RebootRequest(PowerRequest, kw_only=True):
    """When a host is to start anew."""

    def __post_init__(self) -> None:
        if self.wait_for_return and self.delay + self.return_timeout > LONGEST_WAIT_S:
            raise ValueError(
                f"wait_for_return: delay and return_timeout are more than a day ({LONGEST_WAIT_S} s) together; "
                f"reboot sooner, or do not wait"
            )


class ShutdownRequest(PowerRequest, kw_only=True):
    """When a host is to be switched off."""

    def __post_init__(self) -> None:
        if self.wait_for_return:
            raise ValueError("wait_for_return: a host that is switched off does not come back; use reboot")


class PowerChange(Change, kw_only=True):
    """What is going to happen to the host."""

    action: Annotated[str, Meta(description="`reboot`, `shutdown`, or `cancel`.")]
    delay: Annotated[int, Meta(description="Seconds until it happens; 0 for `cancel`.")] = 0
    at: Annotated[datetime | None, Meta(description="When it happens, by the host's clock; absent for `cancel`.")] = (
        None
    )
    away_s: Annotated[
        float | None,
        Meta(description="Seconds from then until its agent was back; absent unless the return was waited for."),
    ] = None
    boot_id: Annotated[str, Meta(description="Id of the boot after the return; empty likewise.")] = ""


class PowerStatus(Struct, kw_only=True, omit_defaults=True):
    """Whether a host is about to go down."""

    pending: Annotated[bool, Meta(description="Whether a shutdown of any kind is scheduled.")]
    boot_id: Annotated[str, Meta(description="Id of the present boot; another one means that the host was rebooted.")]
    action: Annotated[str, Meta(description="What is pending, for example `reboot` or `shutdown`.")] = ""
    at: Annotated[datetime | None, Meta(description="When it happens, by the host's clock.")] = None
    message: Annotated[str, Meta(description="What users are told.")] = ""
