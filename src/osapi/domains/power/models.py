"""What the power operations take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change


class PowerRequest(Struct, kw_only=True):
    """When a host is to go down, and what its users are told."""

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


class PowerChange(Change, kw_only=True):
    """What is going to happen to the host."""

    action: Annotated[str, Meta(description="`reboot`, `shutdown`, or `cancel`.")]
    delay: Annotated[int, Meta(description="Seconds until it happens; 0 for `cancel`.")] = 0
    at: Annotated[datetime | None, Meta(description="When it happens, by the host's clock; absent for `cancel`.")] = (
        None
    )


class PowerStatus(Struct, kw_only=True, omit_defaults=True):
    """Whether a host is about to go down."""

    pending: Annotated[bool, Meta(description="Whether a shutdown of any kind is scheduled.")]
    boot_id: Annotated[str, Meta(description="Id of the present boot; another one means that the host was rebooted.")]
    action: Annotated[str, Meta(description="What is pending, for example `reboot` or `shutdown`.")] = ""
    at: Annotated[datetime | None, Meta(description="When it happens, by the host's clock.")] = None
    message: Annotated[str, Meta(description="What users are told.")] = ""
