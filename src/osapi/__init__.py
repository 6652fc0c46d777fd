"""OSAPI manages Linux hosts: a REST API in front, NATS JetStream in between, an agent on every host.

The packages, from the ground up: `contract` (pure data), `config` and `telemetry`, `transport` (the
broker), `auth` and `pki`, `jobs` and `host`, `fleet`, `domains` (one folder per managed thing), `sdk`,
`testing`, and on top the programs `controller`, `agent`, `broker` and `cli`.
"""

__version__ = "0.1.0"
