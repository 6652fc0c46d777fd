"""What an implementation of the operations on containers and images must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import handle
from osapi.domains.docker import operations
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


class DockerProvider(Protocol):
    """Keeps the containers and images of a host."""

    async def containers(self, request: ContainerFilter, /) -> ContainerList: ...

    async def inspect(self, request: ContainerKey, /) -> ContainerDetail: ...

    async def create(self, request: ContainerCreate, /) -> ContainerCreated: ...

    async def start(self, request: ContainerKey, /) -> ContainerChange: ...

    async def stop(self, request: ContainerStop, /) -> ContainerChange: ...

    async def restart(self, request: ContainerStop, /) -> ContainerChange: ...

    async def pause(self, request: ContainerKey, /) -> ContainerChange: ...

    async def unpause(self, request: ContainerKey, /) -> ContainerChange: ...

    async def remove(self, request: ContainerRemove, /) -> ContainerChange: ...

    async def execute(self, request: ContainerExec, /) -> ExecResult: ...

    async def log(self, request: ContainerLogQuery, /) -> ContainerLog: ...

    async def stats(self, request: ContainerKey, /) -> ContainerStats: ...

    async def images(self, request: ImageFilter, /) -> ImageList: ...

    async def pull(self, request: ImagePull, /) -> ImagePulled: ...

    async def remove_image(self, request: ImageRemove, /) -> ImageChange: ...


HANDLERS = (
    handle(operations.LIST, DockerProvider.containers),
    handle(operations.INSPECT, DockerProvider.inspect),
    handle(operations.CREATE, DockerProvider.create),
    handle(operations.START, DockerProvider.start),
    handle(operations.STOP, DockerProvider.stop),
    handle(operations.RESTART, DockerProvider.restart),
    handle(operations.PAUSE, DockerProvider.pause),
    handle(operations.UNPAUSE, DockerProvider.unpause),
    handle(operations.REMOVE, DockerProvider.remove),
    handle(operations.EXEC, DockerProvider.execute),
    handle(operations.LOGS, DockerProvider.log),
    handle(operations.STATS, DockerProvider.stats),
    handle(operations.IMAGE_LIST, DockerProvider.images),
    handle(operations.PULL, DockerProvider.pull),
    handle(operations.IMAGE_REMOVE, DockerProvider.remove_image),
)
