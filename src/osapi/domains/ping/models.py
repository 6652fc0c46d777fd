"""What the ping operation takes and answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract import network


class Ping(Struct, kw_only=True):
    """An address to try."""

    address: Annotated[
        str,
        Meta(
            description="An IPv4 or IPv6 address, or a fact that holds one, such as `@fact.custom.gateway`.",
            min_length=1,
            max_length=300,
            pattern=rf"^(?:[0-9A-Fa-f:.]+|{network.FACT})$(?!\n)",
            examples=["192.0.2.1"],
        ),
    ]
    count: Annotated[int, Meta(description="How many packets to send.", ge=1, le=20)] = 3

    def __post_init__(self) -> None:
        if not self.address.startswith("@"):
            network.address(self.address, "address")


class PingResult(Struct, kw_only=True, omit_defaults=True):
    """How many packets came back, and after which time."""

    reachable: Annotated[bool, Meta(description="Whether any packet came back.")]
    packets_sent: Annotated[int, Meta(description="Packets that left the host.")]
    packets_received: Annotated[int, Meta(description="Packets that were answered.")]
    packet_loss: Annotated[float, Meta(description="Part that was not answered, in percent.")]
    min_rtt: Annotated[
        str, Meta(description="Shortest time, for example `0.061ms`; absent when nothing came back.")
    ] = ""
    avg_rtt: Annotated[str, Meta(description="Mean time; absent when nothing came back.")] = ""
    max_rtt: Annotated[str, Meta(description="Longest time; absent when nothing came back.")] = ""
    reason: Annotated[str, Meta(description="Why no packet could be sent, in the words of the host.")] = ""
