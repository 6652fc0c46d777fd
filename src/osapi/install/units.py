"""The units of systemd for broker, controller and agent. Pure. See systemd.exec(5), systemd.service(5).

Broker and controller need nothing but their folder and the network, and get no more. An agent acts on the whole host, and
what it starts inherits what its unit says, programs under sudo included. Filters of system calls, which most settings are
made with, imply NoNewPrivileges for whoever is not root, and with it no sudo. So its unit takes next to nothing away.
"""

from __future__ import annotations

from collections.abc import Sequence

from osapi.host.grants import BASE, Capability

SERVER_DATA = "/var/lib/osapi"
AGENT_DATA = "/var/lib/osapi-agent"
SERVER_ACCOUNT = "osapi"
BROKER, CONTROLLER, AGENT = "osapi-nats.service", "osapi-controller.service", "osapi-agent.service"

_CONFINED = (
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "DevicePolicy=closed",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectControlGroups=yes",
    "ProtectProc=invisible",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
    "UMask=0077",
)
_SERVER = (
    f"User={SERVER_ACCOUNT}",
    f"Group={SERVER_ACCOUNT}",
    f"StateDirectory={SERVER_DATA.removeprefix('/var/lib/')}",
    "StateDirectoryMode=0700",
    f"Environment=OSAPI_DATA_DIR={SERVER_DATA}",
    f"Environment=HOME={SERVER_DATA}",
    "LimitNOFILE=65536",
)


def broker(osapi: str) -> str:
    """`osapi` is the path of the program, here and below."""
    run = (f"ExecStart={osapi} nats server start", "TimeoutStartSec=90s", "TimeoutStopSec=30s")
    return _unit("OSAPI broker", (), (*run, *_SERVER, *_CONFINED))


def controller(osapi: str) -> str:
    """What it prints is a token, at its first start, and nobody reads the journal for that; it logs to standard error."""
    run = (f"ExecStart={osapi} controller start", "StandardOutput=null", "TimeoutStartSec=90s", "TimeoutStopSec=45s")
    return _unit("OSAPI controller", (BROKER,), (*run, *_SERVER, *_CONFINED))


def agent(osapi: str, account: str | None) -> str:
    """An agent that is root, or that is `account` and goes through sudo. It waits for the broker, so its start may take long."""
    run = (
        f"ExecStart={osapi} agent start",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec=45s",
        f"Environment=OSAPI_DATA_DIR={AGENT_DATA}",
        f"StateDirectory={AGENT_DATA.removeprefix('/var/lib/')}",
        "StateDirectoryMode=0700",
        "KillMode=mixed",
        "OOMPolicy=continue",
        "KeyringMode=private",
    )
    return _unit("OSAPI agent", (BROKER, CONTROLLER), (*run, *(() if account is None else _as(account))))


def _as(account: str) -> tuple[str, ...]:
    """No bounding set and no NoNewPrivileges: both would hold for what sudo starts."""
    capabilities = " ".join(grant.name for grant in BASE if isinstance(grant, Capability))
    return (
        f"User={account}",
        f"Group={account}",
        f"AmbientCapabilities={capabilities}",
        "Environment=OSAPI_AGENT_PRIVILEGE_ESCALATION_ENABLED=true",
    )


def _unit(description: str, after: Sequence[str], service: Sequence[str]) -> str:
    lines = (
        "# Written by OSAPI. Change it by a drop-in: systemctl edit.",
        "[Unit]",
        f"Description={description}",
        "Wants=network-online.target",
        " ".join(("After=network-online.target", *after)),
        "",
        "[Service]",
        "Type=notify",
        *service,
        "Restart=on-failure",
        "RestartSec=2s",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    )
    return "".join(f"{line}\n" for line in lines)
