"""What the sysctl operations need where the agent is not root."""

from __future__ import annotations

from osapi.host.grants import Place, kernel_value

PRIVILEGES = (
    Place(path="/etc/sysctl[.]d/osapi-[^/]+[.]conf", example="/etc/sysctl.d/osapi-net.ipv4.ip_forward.conf"),
    kernel_value(
        "/proc/sys/.+",
        "/proc/sys/net/ipv4/ip_forward",
        root="kernel.core_pattern and kernel.modprobe name programs that the kernel runs",
    ),
)
