"""The operations on containers and images."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract.operation import Column, Format, Kind, Operation
from osapi.domains.docker.image_models import (
    ImageChange,
    ImageFilter,
    ImageList,
    ImagePull,
    ImagePulled,
    ImageRemove,
)
from osapi.domains.docker.models import (
    ContainerChange,
    ContainerCreate,
    ContainerCreated,
    ContainerDetail,
    ContainerExec,
    ContainerFilter,
    ContainerKey,
    ContainerList,
    ContainerLog,
    ContainerLogQuery,
    ContainerRemove,
    ContainerStats,
    ContainerStop,
    ExecResult,
)

_ACT_DEADLINE = timedelta(seconds=90)
_STOP_DEADLINE = timedelta(seconds=390)
"""As long as a container may be given to end, and a minute for the engine."""
_PULL_DEADLINE = timedelta(minutes=30)
_MESSAGE = (Column("MESSAGE", "message"),)

LIST = Operation(
    name="docker.list.get",
    operation_id="GetNodeContainerDocker",
    kind=Kind.QUERY,
    request=ContainerFilter,
    result=ContainerList,
    permission="docker:read",
    route=("GET", "/container/docker"),
    command=("node", "container", "docker", "list"),
    summary="List the containers.",
    columns=(
        Column("NAME", "containers[].name"),
        Column("IMAGE", "containers[].image"),
        Column("STATE", "containers[].state"),
    ),
)

INSPECT = Operation(
    name="docker.inspect.get",
    operation_id="GetNodeContainerDockerByID",
    kind=Kind.QUERY,
    request=ContainerKey,
    result=ContainerDetail,
    permission="docker:read",
    route=("GET", "/container/docker/{id}"),
    command=("node", "container", "docker", "inspect"),
    summary="Show a container.",
    columns=(
        Column("ID", "id"),
        Column("NAME", "name"),
        Column("IMAGE", "image"),
        Column("STATE", "state"),
        Column("CREATED", "created", Format.MOMENT),
        Column("HEALTH", "health"),
        Column("PORTS", "ports"),
        Column("MOUNTS", "mounts"),
        Column("NETWORK", "network_settings"),
    ),
)

CREATE = Operation(
    name="docker.create.execute",
    operation_id="PostNodeContainerDocker",
    kind=Kind.MODIFY,
    request=ContainerCreate,
    result=ContainerCreated,
    permission="docker:write",
    route=("POST", "/container/docker"),
    command=("node", "container", "docker", "create"),
    summary="Make a container, and start it unless told otherwise.",
    columns=(
        Column("ID", "id"),
        Column("NAME", "name"),
        Column("IMAGE", "image"),
        Column("STATE", "state"),
    ),
    status=202,
    deadline=_ACT_DEADLINE * 2,
)

START = Operation(
    name="docker.start.execute",
    operation_id="PostNodeContainerDockerStart",
    kind=Kind.MODIFY,
    request=ContainerKey,
    result=ContainerChange,
    permission="docker:write",
    route=("POST", "/container/docker/{id}/start"),
    command=("node", "container", "docker", "start"),
    summary="Start a container.",
    columns=_MESSAGE,
    status=202,
    deadline=_ACT_DEADLINE,
    idempotent=True,
)

STOP = Operation(
    name="docker.stop.execute",
    operation_id="PostNodeContainerDockerStop",
    kind=Kind.MODIFY,
    request=ContainerStop,
    result=ContainerChange,
    permission="docker:write",
    route=("POST", "/container/docker/{id}/stop"),
    command=("node", "container", "docker", "stop"),
    summary="Stop a container.",
    columns=_MESSAGE,
    status=202,
    deadline=_STOP_DEADLINE,
    idempotent=True,
)

RESTART = Operation(
    name="docker.restart.execute",
    operation_id="PostNodeContainerDockerRestart",
    kind=Kind.MODIFY,
    request=ContainerStop,
    result=ContainerChange,
    permission="docker:write",
    route=("POST", "/container/docker/{id}/restart"),
    command=("node", "container", "docker", "restart"),
    summary="Stop a container and start it again.",
    columns=_MESSAGE,
    status=202,
    deadline=_STOP_DEADLINE,
)

PAUSE = Operation(
    name="docker.pause.execute",
    operation_id="PostNodeContainerDockerPause",
    kind=Kind.MODIFY,
    request=ContainerKey,
    result=ContainerChange,
    permission="docker:write",
    route=("POST", "/container/docker/{id}/pause"),
    command=("node", "container", "docker", "pause"),
    summary="Freeze the processes of a container.",
    columns=_MESSAGE,
    status=202,
    deadline=_ACT_DEADLINE,
    idempotent=True,
)

UNPAUSE = Operation(
    name="docker.unpause.execute",
    operation_id="PostNodeContainerDockerUnpause",
    kind=Kind.MODIFY,
    request=ContainerKey,
    result=ContainerChange,
    permission="docker:write",
    route=("POST", "/container/docker/{id}/unpause"),
    command=("node", "container", "docker", "unpause"),
    summary="Let the processes of a paused container go on.",
    columns=_MESSAGE,
    status=202,
    deadline=_ACT_DEADLINE,
    idempotent=True,
)

REMOVE = Operation(
    name="docker.remove.execute",
    operation_id="DeleteNodeContainerDockerByID",
    kind=Kind.MODIFY,
    request=ContainerRemove,
    result=ContainerChange,
    permission="docker:write",
    route=("DELETE", "/container/docker/{id}"),
    command=("node", "container", "docker", "remove"),
    summary="Remove a container.",
    columns=_MESSAGE,
    status=202,
    deadline=_ACT_DEADLINE,
    idempotent=True,
)

EXEC = Operation(
    name="docker.exec.execute",
    operation_id="PostNodeContainerDockerExec",
    kind=Kind.MODIFY,
    request=ContainerExec,
    result=ExecResult,
    permission="docker:execute",
    route=("POST", "/container/docker/{id}/exec"),
    command=("node", "container", "docker", "exec"),
    summary="Run a program in a container.",
    columns=(
        Column("EXIT CODE", "exit_code"),
        Column("STDOUT", "stdout"),
        Column("STDERR", "stderr"),
    ),
    status=202,
)

LOGS = Operation(
    name="docker.logs.get",
    operation_id="GetNodeContainerDockerLogs",
    kind=Kind.QUERY,
    request=ContainerLogQuery,
    result=ContainerLog,
    permission="docker:read",
    route=("GET", "/container/docker/{id}/logs"),
    command=("node", "container", "docker", "logs"),
    summary="Show the latest lines that a container has written, or follow them.",
    columns=(
        Column("TIMESTAMP", "lines[].timestamp", Format.MOMENT),
        Column("STREAM", "lines[].stream"),
        Column("MESSAGE", "lines[].message"),
    ),
)

STATS = Operation(
    name="docker.stats.get",
    operation_id="GetNodeContainerDockerStats",
    kind=Kind.QUERY,
    request=ContainerKey,
    result=ContainerStats,
    permission="docker:read",
    route=("GET", "/container/docker/{id}/stats"),
    command=("node", "container", "docker", "stats"),
    summary="Show what a container uses.",
    columns=(
        Column("NAME", "name"),
        Column("CPU%", "cpu_percent", Format.DECIMAL),
        Column("MEMORY", "memory_usage", Format.BYTES),
        Column("LIMIT", "memory_limit", Format.BYTES),
        Column("RECEIVED", "network_rx", Format.BYTES),
        Column("SENT", "network_tx", Format.BYTES),
        Column("READ", "block_read", Format.BYTES),
        Column("WRITTEN", "block_write", Format.BYTES),
        Column("PROCESSES", "processes"),
    ),
)

IMAGE_LIST = Operation(
    name="docker.image-list.get",
    operation_id="GetNodeContainerDockerImage",
    kind=Kind.QUERY,
    request=ImageFilter,
    result=ImageList,
    permission="docker:read",
    route=("GET", "/container/docker/image"),
    command=("node", "container", "docker", "image-list"),
    summary="List the images.",
    columns=(
        Column("TAGS", "images[].tags"),
        Column("IMAGE ID", "images[].id"),
        Column("SIZE", "images[].size", Format.BYTES),
        Column("CREATED", "images[].created", Format.MOMENT),
    ),
)

PULL = Operation(
    name="docker.pull.execute",
    operation_id="PostNodeContainerDockerPull",
    kind=Kind.MODIFY,
    request=ImagePull,
    result=ImagePulled,
    permission="docker:write",
    route=("POST", "/container/docker/pull"),
    command=("node", "container", "docker", "pull"),
    summary="Fetch an image from its registry.",
    columns=(
        Column("IMAGE ID", "image_id"),
        Column("TAG", "tag"),
        Column("SIZE", "size", Format.BYTES),
    ),
    status=202,
    deadline=_PULL_DEADLINE,
    idempotent=True,
)

IMAGE_REMOVE = Operation(
    name="docker.image-remove.execute",
    operation_id="DeleteNodeContainerDockerImage",
    kind=Kind.MODIFY,
    request=ImageRemove,
    result=ImageChange,
    permission="docker:write",
    route=("DELETE", "/container/docker/image/{image}"),
    command=("node", "container", "docker", "image-remove"),
    summary="Take a name from an image, and remove the image with its last one.",
    columns=_MESSAGE,
    status=202,
    deadline=timedelta(seconds=150),
    idempotent=True,
)

OPERATIONS = (
    LIST,
    INSPECT,
    CREATE,
    START,
    STOP,
    RESTART,
    PAUSE,
    UNPAUSE,
    REMOVE,
    EXEC,
    LOGS,
    STATS,
    IMAGE_LIST,
    PULL,
    IMAGE_REMOVE,
)
