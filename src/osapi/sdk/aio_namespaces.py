"""Every operation as a method of `client.node(target)`. Written by `osapi.sdk.generate`; do not edit."""

from __future__ import annotations

import builtins
import typing

from osapi.contract import files as contract_files
from osapi.contract import operation as contract_operation
from osapi.domains.certificate import models as certificate_models
from osapi.domains.certificate import operations as certificate_operations
from osapi.domains.command import models as command_models
from osapi.domains.command import operations as command_operations
from osapi.domains.cron import models as cron_models
from osapi.domains.cron import operations as cron_operations
from osapi.domains.dns import models as dns_models
from osapi.domains.dns import operations as dns_operations
from osapi.domains.docker import image_models as docker_image_models
from osapi.domains.docker import models as docker_models
from osapi.domains.docker import operations as docker_operations
from osapi.domains.fetch import models as fetch_models
from osapi.domains.fetch import operations as fetch_operations
from osapi.domains.file import models as file_models
from osapi.domains.file import operations as file_operations
from osapi.domains.group import models as group_models
from osapi.domains.group import operations as group_operations
from osapi.domains.interface import models as interface_models
from osapi.domains.interface import operations as interface_operations
from osapi.domains.log import models as log_models
from osapi.domains.log import operations as log_operations
from osapi.domains.node import models as node_models
from osapi.domains.node import operations as node_operations
from osapi.domains.ntp import models as ntp_models
from osapi.domains.ntp import operations as ntp_operations
from osapi.domains.package import models as package_models
from osapi.domains.package import operations as package_operations
from osapi.domains.ping import models as ping_models
from osapi.domains.ping import operations as ping_operations
from osapi.domains.power import models as power_models
from osapi.domains.power import operations as power_operations
from osapi.domains.process import models as process_models
from osapi.domains.process import operations as process_operations
from osapi.domains.route import models as route_models
from osapi.domains.route import operations as route_operations
from osapi.domains.service import models as service_models
from osapi.domains.service import operations as service_operations
from osapi.domains.sysctl import models as sysctl_models
from osapi.domains.sysctl import operations as sysctl_operations
from osapi.domains.timezone import models as timezone_models
from osapi.domains.timezone import operations as timezone_operations
from osapi.domains.user import models as user_models
from osapi.domains.user import operations as user_operations
from osapi.sdk.namespace import AsyncNamespace, AsyncRun
from osapi.sdk.results import Results


class AsyncNodeCertificate(AsyncNamespace):
    """The `certificate` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        name: str,
        object_name: str,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[certificate_models.CertificateChange]:
        """Trust an uploaded certificate authority.

        name: Name of the certificate: letters, digits, `.`, `_` and `-`.
        object_name: Uploaded file with exactly one certificate in PEM (RFC 7468).
        adopt: Take the place of a file that OSAPI did not write; it is kept, and delete restores it.
        """
        return await self._run(
            certificate_operations.CREATE,
            certificate_models.CertificateCreate(
                name=name,
                object_name=object_name,
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[certificate_models.CertificateChange]:
        """Trust a managed certificate authority no longer.

        name: Name of the certificate: letters, digits, `.`, `_` and `-`.
        """
        return await self._run(
            certificate_operations.DELETE,
            certificate_models.CertificateName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[certificate_models.Certificates]:
        """List the certificate authorities of the host."""
        return await self._run(
            certificate_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        name: str,
        object_name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[certificate_models.CertificateChange]:
        """Replace a managed certificate authority.

        name: Name of the certificate: letters, digits, `.`, `_` and `-`.
        object_name: Uploaded file with exactly one certificate in PEM (RFC 7468).
        """
        return await self._run(
            certificate_operations.UPDATE,
            certificate_models.CertificateUpdate(
                name=name,
                object_name=object_name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeCommand(AsyncNamespace):
    """The `command` operations on the hosts that a target means."""

    async def exec(
        self,
        *,
        command: str,
        timeout: int = 30,
        cwd: str = "",
        user: str = "",
        env: builtins.list[str] | tuple[str, ...] = (),
        stdin: str = "",
        secret_env: builtins.list[str] | tuple[str, ...] = (),
        secret_stdin: str | None = None,
        keep_output: bool = False,
        args: builtins.list[str] | tuple[str, ...] = (),
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[command_models.CommandResult]:
        """Run a program with arguments.

        command: Program to run, by name or absolute path.
        timeout: Seconds it may take; then everything it started is killed.
        cwd: Directory to run in, an absolute path. Default: `/`.
        user: Account to run as. Default: the agent's own.
        env: Variables added to a clean environment, each as NAME=VALUE.
        stdin: Text for its standard input. Default: none.
        secret_env: More variables, each as NAME=VALUE, that are sealed to the host and kept nowhere. On the host itself
            root and the account of the program can see them while it runs.
        secret_stdin: The same as `stdin`, sealed to the host and kept nowhere.
        keep_output: Keep all of its output for a while, byte for byte, to be had from `/api/job/{id}/output`.
        args: Arguments, passed exactly as given.
        """
        return await self._run(
            command_operations.EXEC,
            command_models.ExecRequest(
                command=command,
                timeout=timeout,
                cwd=cwd,
                user=user,
                env=list(env),
                stdin=stdin,
                secret_env=[command_models.SecretSetting(text) for text in secret_env],
                secret_stdin=None if secret_stdin is None else command_models.SecretInput(secret_stdin),
                keep_output=keep_output,
                args=list(args),
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def shell(
        self,
        *,
        command: str,
        timeout: int = 30,
        cwd: str = "",
        user: str = "",
        env: builtins.list[str] | tuple[str, ...] = (),
        stdin: str = "",
        secret_env: builtins.list[str] | tuple[str, ...] = (),
        secret_stdin: str | None = None,
        keep_output: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[command_models.CommandResult]:
        """Run text in /bin/sh.

        command: Text that `/bin/sh` runs.
        timeout: Seconds it may take; then everything it started is killed.
        cwd: Directory to run in, an absolute path. Default: `/`.
        user: Account to run as. Default: the agent's own.
        env: Variables added to a clean environment, each as NAME=VALUE.
        stdin: Text for its standard input. Default: none.
        secret_env: More variables, each as NAME=VALUE, that are sealed to the host and kept nowhere. On the host itself
            root and the account of the program can see them while it runs.
        secret_stdin: The same as `stdin`, sealed to the host and kept nowhere.
        keep_output: Keep all of its output for a while, byte for byte, to be had from `/api/job/{id}/output`.
        """
        return await self._run(
            command_operations.SHELL,
            command_models.ShellRequest(
                command=command,
                timeout=timeout,
                cwd=cwd,
                user=user,
                env=list(env),
                stdin=stdin,
                secret_env=[command_models.SecretSetting(text) for text in secret_env],
                secret_stdin=None if secret_stdin is None else command_models.SecretInput(secret_stdin),
                keep_output=keep_output,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeContainerDocker(AsyncNamespace):
    """The `container docker` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        image: str,
        name: str = "",
        hostname: str = "",
        dns: builtins.list[str] | tuple[str, ...] = (),
        command: builtins.list[str] | tuple[str, ...] = (),
        env: builtins.list[str] | tuple[str, ...] = (),
        ports: builtins.list[str] | tuple[str, ...] = (),
        volumes: builtins.list[str] | tuple[str, ...] = (),
        labels: builtins.list[str] | tuple[str, ...] = (),
        restart: str = "no",
        user: str = "",
        working_dir: str = "",
        auto_start: bool = True,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ContainerCreated]:
        """Make a container, and start it unless told otherwise.

        image: Image as [REGISTRY/]NAME[:TAG] or [REGISTRY/]NAME@DIGEST; without a tag, `latest`.
        name: Name of the container. Default: one that the engine makes up, so that each call makes another.
        hostname: Host name inside. Default: the beginning of its id.
        dns: Addresses of its name servers. Default: as the engine is set.
        command: Program to run with its arguments. Default: that of the image.
        env: Variables of its environment, each as NAME=VALUE.
        ports: Ports to publish, each as [ADDRESS:]HOST:CONTAINER[/PROTOCOL]; both may be ranges, the protocol tcp, udp
            or sctp.
        volumes: What of the host it sees, each as SOURCE:TARGET[:ro]; SOURCE is a path that exists or the name of a
            volume, which is made when it does not exist.
        labels: Labels, each as KEY=VALUE.
        restart: When the engine starts it again by itself: `no`, `always`, `unless-stopped`, `on-failure` or
            `on-failure:TIMES`.
        user: Account inside to run as, by name or number, with `:GROUP`. Default: the image's.
        working_dir: Directory inside to start in. Default: the image's.
        auto_start: Start it when it is made.
        """
        return await self._run(
            docker_operations.CREATE,
            docker_models.ContainerCreate(
                image=image,
                name=name,
                hostname=hostname,
                dns=list(dns),
                command=list(command),
                env=list(env),
                ports=list(ports),
                volumes=list(volumes),
                labels=list(labels),
                restart=restart,
                user=user,
                working_dir=working_dir,
                auto_start=auto_start,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def exec(
        self,
        *,
        id: str,
        command: builtins.list[str] | tuple[str, ...],
        timeout: int = 30,
        env: builtins.list[str] | tuple[str, ...] = (),
        working_dir: str = "",
        user: str = "",
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ExecResult]:
        """Run a program in a container.

        id: Container, by its name, its id or the beginning of its id.
        command: Program and its arguments, passed exactly as given.
        timeout: Seconds it may take; then it and all it started are killed.
        env: Variables added to those of the container, each as NAME=VALUE.
        working_dir: Directory inside to run in. Default: the container's.
        user: Account inside to run as. Default: the container's.
        """
        return await self._run(
            docker_operations.EXEC,
            docker_models.ContainerExec(
                id=id,
                command=list(command),
                timeout=timeout,
                env=list(env),
                working_dir=working_dir,
                user=user,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def image_list(
        self,
        *,
        limit: int = 100,
        wait_s: float | None = None,
    ) -> Results[docker_image_models.ImageList]:
        """List the images.

        limit: How many to list at most, the newest first.
        """
        return await self._run(
            docker_operations.IMAGE_LIST,
            docker_image_models.ImageFilter(
                limit=limit,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def image_remove(
        self,
        *,
        image: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_image_models.ImageChange]:
        """Take a name from an image, and remove the image with its last one.

        image: Image as [REGISTRY/]NAME[:TAG] or [REGISTRY/]NAME@DIGEST; without a tag, `latest`.
        force: Also when stopped containers use it, or it has other names.
        """
        return await self._run(
            docker_operations.IMAGE_REMOVE,
            docker_image_models.ImageRemove(
                image=image,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def inspect(
        self,
        *,
        id: str,
        wait_s: float | None = None,
    ) -> Results[docker_models.ContainerDetail]:
        """Show a container.

        id: Container, by its name, its id or the beginning of its id.
        """
        return await self._run(
            docker_operations.INSPECT,
            docker_models.ContainerKey(
                id=id,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        state: str = "all",
        limit: int = 20,
        wait_s: float | None = None,
    ) -> Results[docker_models.ContainerList]:
        """List the containers.

        state: Which ones: `running`, those whose processes run; `stopped`, all others, also paused and new ones; or
            `all`.
        limit: How many to list at most, the newest first.
        """
        return await self._run(
            docker_operations.LIST,
            docker_models.ContainerFilter(
                state=state,
                limit=limit,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def logs(
        self,
        *,
        id: str,
        follow: bool = False,
        duration: int = 3600,
        tail: int = 100,
        since: str = "",
        wait_s: float | None = None,
    ) -> Results[docker_models.ContainerLog]:
        """Show the latest lines that a container has written, or follow them.

        id: Container, by its name, its id or the beginning of its id.
        follow: Go on with what comes, as a stream of events, until the listener leaves or `duration` is over.
        duration: Seconds after which following ends by itself.
        tail: How many lines at most, the latest ones.
        since: Only lines from then on: a span such as `90s`, `10m`, `2h` or `3d`, or RFC 3339 with zone.
        """
        return await self._run(
            docker_operations.LOGS,
            docker_models.ContainerLogQuery(
                id=id,
                follow=follow,
                duration=duration,
                tail=tail,
                since=since,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def pause(
        self,
        *,
        id: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ContainerChange]:
        """Freeze the processes of a container.

        id: Container, by its name, its id or the beginning of its id.
        """
        return await self._run(
            docker_operations.PAUSE,
            docker_models.ContainerKey(
                id=id,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def pull(
        self,
        *,
        image: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_image_models.ImagePulled]:
        """Fetch an image from its registry.

        image: Image as [REGISTRY/]NAME[:TAG] or [REGISTRY/]NAME@DIGEST; without a tag, `latest`.
        """
        return await self._run(
            docker_operations.PULL,
            docker_image_models.ImagePull(
                image=image,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def remove(
        self,
        *,
        id: str,
        force: bool = False,
        volumes: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ContainerChange]:
        """Remove a container.

        id: Container, by its name, its id or the beginning of its id.
        force: Kill it first if it runs.
        volumes: Remove its volumes without a name too. Default: they stay.
        """
        return await self._run(
            docker_operations.REMOVE,
            docker_models.ContainerRemove(
                id=id,
                force=force,
                volumes=volumes,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def restart(
        self,
        *,
        id: str,
        timeout: int | None = None,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ContainerChange]:
        """Stop a container and start it again.

        id: Container, by its name, its id or the beginning of its id.
        timeout: Seconds it gets to end by itself before it is killed. Default: what it was made with, 10 unless that
            says otherwise.
        """
        return await self._run(
            docker_operations.RESTART,
            docker_models.ContainerStop(
                id=id,
                timeout=timeout,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def start(
        self,
        *,
        id: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ContainerChange]:
        """Start a container.

        id: Container, by its name, its id or the beginning of its id.
        """
        return await self._run(
            docker_operations.START,
            docker_models.ContainerKey(
                id=id,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def stats(
        self,
        *,
        id: str,
        wait_s: float | None = None,
    ) -> Results[docker_models.ContainerStats]:
        """Show what a container uses.

        id: Container, by its name, its id or the beginning of its id.
        """
        return await self._run(
            docker_operations.STATS,
            docker_models.ContainerKey(
                id=id,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def stop(
        self,
        *,
        id: str,
        timeout: int | None = None,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ContainerChange]:
        """Stop a container.

        id: Container, by its name, its id or the beginning of its id.
        timeout: Seconds it gets to end by itself before it is killed. Default: what it was made with, 10 unless that
            says otherwise.
        """
        return await self._run(
            docker_operations.STOP,
            docker_models.ContainerStop(
                id=id,
                timeout=timeout,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def unpause(
        self,
        *,
        id: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[docker_models.ContainerChange]:
        """Let the processes of a paused container go on.

        id: Container, by its name, its id or the beginning of its id.
        """
        return await self._run(
            docker_operations.UNPAUSE,
            docker_models.ContainerKey(
                id=id,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeContainer(AsyncNamespace):
    """The `container` operations on the hosts that a target means."""

    def __init__(self, run: AsyncRun, target: str) -> None:
        super().__init__(run, target)
        self.docker = AsyncNodeContainerDocker(run, target)


class AsyncNodeDisk(AsyncNamespace):
    """The `disk` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[node_models.DiskReport]:
        """Show the mounted local file systems."""
        return await self._run(
            node_operations.DISK,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodeFile(AsyncNamespace):
    """The `file` operations on the hosts that a target means."""

    async def deploy(
        self,
        *,
        object_name: str,
        path: str,
        content_type: contract_files.ContentType,
        mode: str = "0644",
        owner: str | None = None,
        group: str | None = None,
        variables: dict[str, typing.Any] | None = None,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[file_models.FileDeployed]:
        """Put an uploaded file in place, with owner, group and mode.

        object_name: Name of the uploaded file, 1 to 255 printable characters.
        path: Where it is on the host: an absolute path without `.`, `..`, empty parts and control characters.
        content_type: `template` is rendered on the host, `raw` goes there as it is.
        mode: Permission bits as three or four octal digits; the first of four holds set-id and sticky bits.
        owner: Who owns it. Default: the agent's own account.
        group: Whose group it has. Default: the agent's own.
        variables: What a template may speak of as `vars`; given as NAME=VALUE.
        adopt: Take the place of a file that OSAPI did not write; it is kept, and undeploy restores it.
        """
        return await self._run(
            file_operations.DEPLOY,
            file_models.FileDeploy(
                object_name=object_name,
                path=path,
                content_type=content_type,
                mode=mode,
                owner=owner,
                group=group,
                variables=variables or {},
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def fetch(
        self,
        *,
        path: str,
        timeout: int = 300,
        wait_s: float | None = None,
    ) -> Results[fetch_models.FetchedFile]:
        """Fetch a file of a host.

        path: The file, as an absolute path. The setting `agent.fetch.paths` of its host has to allow it.
        timeout: Seconds it may take until the file is stored.
        """
        return await self._run(
            fetch_operations.FETCH,
            fetch_models.FileFetch(
                path=path,
                timeout=timeout,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def status(
        self,
        *,
        path: str,
        wait_s: float | None = None,
    ) -> Results[file_models.FileStatus]:
        """Compare a deployed file with what was deployed.

        path: Where it is on the host: an absolute path without `.`, `..`, empty parts and control characters.
        """
        return await self._run(
            file_operations.STATUS,
            file_models.FilePath(
                path=path,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def undeploy(
        self,
        *,
        path: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[file_models.FileUndeployed]:
        """Take a deployed file away, or put back what was there before.

        path: Where it is on the host: an absolute path without `.`, `..`, empty parts and control characters.
        """
        return await self._run(
            file_operations.UNDEPLOY,
            file_models.FilePath(
                path=path,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeGroup(AsyncNamespace):
    """The `group` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        name: str,
        gid: int = 0,
        system: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[group_models.GroupChange]:
        """Make a group.

        name: Name of the new group: small letters, digits, `_` and `-`, beginning with a letter or `_`.
        gid: Number of the group. 0: the next free one.
        system: Take the number from the range for system groups.
        """
        return await self._run(
            group_operations.CREATE,
            group_models.GroupCreate(
                name=name,
                gid=gid,
                system=system,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[group_models.GroupChange]:
        """Remove a group.

        name: Name of the group.
        force: Remove it also when it is a system group (number below 1000).
        """
        return await self._run(
            group_operations.DELETE,
            group_models.GroupDelete(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[group_models.GroupReport]:
        """Show a group.

        name: Name of the group.
        """
        return await self._run(
            group_operations.GET,
            group_models.GroupName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[group_models.GroupReport]:
        """List the groups."""
        return await self._run(
            group_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        name: str,
        members: builtins.list[str] | tuple[str, ...],
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[group_models.GroupChange]:
        """Set who belongs to a group.

        name: Name of the group.
        members: All accounts that belong to the group beside those whose primary group it is. None, or one empty name:
            nobody.
        """
        return await self._run(
            group_operations.UPDATE,
            group_models.GroupUpdate(
                name=name,
                members=list(members),
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeHostname(AsyncNamespace):
    """The `hostname` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[node_models.Hostname]:
        """Show the host name."""
        return await self._run(
            node_operations.HOSTNAME_GET,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        hostname: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[node_models.HostnameChange]:
        """Give a host a new name.

        hostname: New host name: letters, digits, hyphens, and dots between labels (RFC 1123).
        """
        return await self._run(
            node_operations.HOSTNAME_UPDATE,
            node_models.HostnameUpdate(
                hostname=hostname,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeLoad(AsyncNamespace):
    """The `load` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[node_models.LoadReport]:
        """Show the load averages."""
        return await self._run(
            node_operations.LOAD,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodeLog(AsyncNamespace):
    """The `log` operations on the hosts that a target means."""

    async def query(
        self,
        *,
        follow: bool = False,
        duration: int = 3600,
        lines: int = 100,
        since: str = "",
        priority: str = "",
        wait_s: float | None = None,
    ) -> Results[log_models.LogEntries]:
        """Show the latest entries of the journal.

        follow: Go on with what comes, as a stream of events, until the listener leaves or `duration` is over.
        duration: Seconds after which following ends by itself.
        lines: How many entries at most, the latest ones.
        since: Only entries from then on: a span such as `1h`, `90 min` or `2 days ago`; `today`, `yesterday`;
            `2026-01-31`, `2026-01-31 10:00` in the zone of the host; RFC 3339; `@` and seconds since 1970.
        priority: Only entries of this priority or a more urgent one: emerg, alert, crit, err, warning, notice, info,
            debug.
        """
        return await self._run(
            log_operations.QUERY,
            log_models.LogQuery(
                follow=follow,
                duration=duration,
                lines=lines,
                since=since,
                priority=priority,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def source(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[log_models.LogSources]:
        """List who has written to the journal."""
        return await self._run(
            log_operations.SOURCE,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def unit(
        self,
        *,
        name: str,
        follow: bool = False,
        duration: int = 3600,
        lines: int = 100,
        since: str = "",
        priority: str = "",
        wait_s: float | None = None,
    ) -> Results[log_models.LogUnitEntries]:
        """Show the latest entries of one unit.

        name: Unit of systemd; without a suffix, a service.
        follow: Go on with what comes, as a stream of events, until the listener leaves or `duration` is over.
        duration: Seconds after which following ends by itself.
        lines: How many entries at most, the latest ones.
        since: Only entries from then on: a span such as `1h`, `90 min` or `2 days ago`; `today`, `yesterday`;
            `2026-01-31`, `2026-01-31 10:00` in the zone of the host; RFC 3339; `@` and seconds since 1970.
        priority: Only entries of this priority or a more urgent one: emerg, alert, crit, err, warning, notice, info,
            debug.
        """
        return await self._run(
            log_operations.UNIT,
            log_models.LogUnitQuery(
                name=name,
                follow=follow,
                duration=duration,
                lines=lines,
                since=since,
                priority=priority,
            ),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodeMemory(AsyncNamespace):
    """The `memory` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[node_models.MemoryReport]:
        """Show memory and swap."""
        return await self._run(
            node_operations.MEMORY,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodeNetworkDns(AsyncNamespace):
    """The `network dns` operations on the hosts that a target means."""

    async def delete(
        self,
        *,
        interface_name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[dns_models.DnsChange]:
        """Remove the name servers that OSAPI keeps for an interface.

        interface_name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        """
        return await self._run(
            dns_operations.DELETE,
            dns_models.DnsRef(
                interface_name=interface_name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        interface_name: str,
        wait_s: float | None = None,
    ) -> Results[dns_models.DnsConfig]:
        """Show the name servers of an interface.

        interface_name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        """
        return await self._run(
            dns_operations.GET,
            dns_models.DnsQuery(
                interface_name=interface_name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        interface_name: str,
        servers: builtins.list[str] | None = None,
        search_domains: builtins.list[str] | None = None,
        override_dhcp: bool = False,
        take_over: bool = False,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[dns_models.DnsChange]:
        """Keep name servers and search domains for an interface.

        interface_name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        servers: Addresses of name servers, the first one first. An empty list: none of OSAPI's.
        search_domains: Domains in which short names are looked for. An empty list: none of OSAPI's.
        override_dhcp: Do not use name servers that come by DHCP.
        take_over: Take what stands in the way out of other files of /etc/netplan; `delete` gives it back. Default: it
            is a conflict.
        adopt: Take over a file of the same name that OSAPI did not write.
        """
        return await self._run(
            dns_operations.UPDATE,
            dns_models.DnsUpdate(
                interface_name=interface_name,
                servers=servers,
                search_domains=search_domains,
                override_dhcp=override_dhcp,
                take_over=take_over,
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeNetworkInterface(AsyncNamespace):
    """The `network interface` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        name: str,
        dhcp4: bool | None = None,
        dhcp6: bool | None = None,
        accept_ra: bool | None = None,
        addresses: builtins.list[str] | None = None,
        gateway4: str | None = None,
        gateway6: str | None = None,
        mtu: int | None = None,
        mac_address: str | None = None,
        wakeonlan: bool | None = None,
        vlan_id: int | None = None,
        link: str | None = None,
        take_over: bool = False,
        replace: bool = False,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[interface_models.InterfaceChange]:
        """Configure a network interface, or make a VLAN.

        name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        dhcp4: Get an IPv4 address by DHCP.
        dhcp6: Get an IPv6 address by DHCP.
        accept_ra: Listen to router advertisements.
        addresses: Addresses with the lengths of their prefixes; all that are not from DHCP or routers.
        gateway4: Router for all IPv4 that has no route of its own.
        gateway6: Router for all IPv6 that has no route of its own.
        mtu: Largest packet in bytes.
        mac_address: Hardware address to use instead of its own.
        wakeonlan: Let a magic packet wake the host up.
        vlan_id: Number of the VLAN to make.
        link: The interface that the VLAN stands on, such as `eth0`.
        take_over: Take what stands in the way out of other files of /etc/netplan; `delete` gives it back. Default: it
            is a conflict.
        replace: Replace everything also when OSAPI already manages other settings.
        adopt: Take over a file of the same name that OSAPI did not write.
        """
        return await self._run(
            interface_operations.CREATE,
            interface_models.InterfaceCreate(
                name=name,
                dhcp4=dhcp4,
                dhcp6=dhcp6,
                accept_ra=accept_ra,
                addresses=addresses,
                gateway4=gateway4,
                gateway6=gateway6,
                mtu=mtu,
                mac_address=mac_address,
                wakeonlan=wakeonlan,
                vlan_id=vlan_id,
                link=link,
                take_over=take_over,
                replace=replace,
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[interface_models.InterfaceChange]:
        """Remove OSAPI's configuration of a network interface.

        name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        """
        return await self._run(
            interface_operations.DELETE,
            interface_models.InterfaceRef(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[interface_models.InterfaceFound]:
        """Show one network interface.

        name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        """
        return await self._run(
            interface_operations.GET,
            interface_models.InterfaceRef(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[interface_models.InterfaceList]:
        """List the network interfaces."""
        return await self._run(
            interface_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        name: str,
        dhcp4: bool | None = None,
        dhcp6: bool | None = None,
        accept_ra: bool | None = None,
        addresses: builtins.list[str] | None = None,
        gateway4: str | None = None,
        gateway6: str | None = None,
        mtu: int | None = None,
        mac_address: str | None = None,
        wakeonlan: bool | None = None,
        take_over: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[interface_models.InterfaceChange]:
        """Change the configuration of a managed network interface.

        name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        dhcp4: Get an IPv4 address by DHCP.
        dhcp6: Get an IPv6 address by DHCP.
        accept_ra: Listen to router advertisements.
        addresses: Addresses with the lengths of their prefixes; all that are not from DHCP or routers.
        gateway4: Router for all IPv4 that has no route of its own.
        gateway6: Router for all IPv6 that has no route of its own.
        mtu: Largest packet in bytes.
        mac_address: Hardware address to use instead of its own.
        wakeonlan: Let a magic packet wake the host up.
        take_over: Take what stands in the way out of other files of /etc/netplan; `delete` gives it back. Default: it
            is a conflict.
        """
        return await self._run(
            interface_operations.UPDATE,
            interface_models.InterfaceUpdate(
                name=name,
                dhcp4=dhcp4,
                dhcp6=dhcp6,
                accept_ra=accept_ra,
                addresses=addresses,
                gateway4=gateway4,
                gateway6=gateway6,
                mtu=mtu,
                mac_address=mac_address,
                wakeonlan=wakeonlan,
                take_over=take_over,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeNetworkRoute(AsyncNamespace):
    """The `network route` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        interface_name: str,
        routes: builtins.list[route_models.Route] | tuple[route_models.Route, ...],
        force: bool = False,
        take_over: bool = False,
        replace: bool = False,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[route_models.RouteChange]:
        """Keep static routes for an interface.

        interface_name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        routes: The routes. On the command line each is written as in ip-route(8): `198.51.100.0/24 via 192.0.2.1 metric
            100`.
        force: Also routes for everything, which decide how the host is reached.
        take_over: Take what stands in the way out of other files of /etc/netplan; `delete` gives it back. Default: it
            is a conflict.
        replace: Replace everything also when OSAPI already manages other settings.
        adopt: Take over a file of the same name that OSAPI did not write.
        """
        return await self._run(
            route_operations.CREATE,
            route_models.RouteCreate(
                interface_name=interface_name,
                routes=list(routes),
                force=force,
                take_over=take_over,
                replace=replace,
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        interface_name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[route_models.RouteChange]:
        """Remove the static routes that OSAPI keeps for an interface.

        interface_name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        """
        return await self._run(
            route_operations.DELETE,
            route_models.RouteQuery(
                interface_name=interface_name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        interface_name: str,
        wait_s: float | None = None,
    ) -> Results[route_models.RouteReport]:
        """Show the routes through one interface.

        interface_name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        """
        return await self._run(
            route_operations.GET,
            route_models.RouteQuery(
                interface_name=interface_name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[route_models.RouteReport]:
        """List the routes of the main table."""
        return await self._run(
            route_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        interface_name: str,
        routes: builtins.list[route_models.Route] | tuple[route_models.Route, ...],
        force: bool = False,
        take_over: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[route_models.RouteChange]:
        """Replace the static routes that OSAPI keeps for an interface.

        interface_name: Name of a network interface, such as `eth0`, `br-lan`, `eth0.100` or `@fact.interface.primary`.
        routes: The routes. On the command line each is written as in ip-route(8): `198.51.100.0/24 via 192.0.2.1 metric
            100`.
        force: Also routes for everything, which decide how the host is reached.
        take_over: Take what stands in the way out of other files of /etc/netplan; `delete` gives it back. Default: it
            is a conflict.
        """
        return await self._run(
            route_operations.UPDATE,
            route_models.RouteUpdate(
                interface_name=interface_name,
                routes=list(routes),
                force=force,
                take_over=take_over,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeNetwork(AsyncNamespace):
    """The `network` operations on the hosts that a target means."""

    def __init__(self, run: AsyncRun, target: str) -> None:
        super().__init__(run, target)
        self.dns = AsyncNodeNetworkDns(run, target)
        self.interface = AsyncNodeNetworkInterface(run, target)
        self.route = AsyncNodeNetworkRoute(run, target)

    async def ping(
        self,
        *,
        address: str,
        count: int = 3,
        wait_s: float | None = None,
    ) -> Results[ping_models.PingResult]:
        """Try whether a host reaches an address.

        address: An IPv4 or IPv6 address, or a fact that holds one, such as `@fact.custom.gateway`.
        count: How many packets to send.
        """
        return await self._run(
            ping_operations.DO,
            ping_models.Ping(
                address=address,
                count=count,
            ),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodeNtp(AsyncNamespace):
    """The `ntp` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        servers: builtins.list[str] | tuple[str, ...],
        replace: bool = False,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[ntp_models.NtpChange]:
        """Take the time from these servers.

        servers: Names or addresses of NTP servers, each once.
        replace: Set them also when OSAPI already manages others.
        adopt: Take over a file of the same name that OSAPI did not write.
        """
        return await self._run(
            ntp_operations.CREATE,
            ntp_models.NtpCreate(
                servers=list(servers),
                replace=replace,
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[ntp_models.NtpChange]:
        """Remove the servers that OSAPI has set."""
        return await self._run(
            ntp_operations.DELETE,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[ntp_models.NtpStatus]:
        """Show whether the clock is synchronized, and the sources of time."""
        return await self._run(
            ntp_operations.GET,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        servers: builtins.list[str] | tuple[str, ...],
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[ntp_models.NtpChange]:
        """Take the time from other servers than before.

        servers: Names or addresses of NTP servers, each once.
        """
        return await self._run(
            ntp_operations.UPDATE,
            ntp_models.NtpUpdate(
                servers=list(servers),
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeOs(AsyncNamespace):
    """The `os` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[node_models.OsReport]:
        """Show distribution, version and kernel."""
        return await self._run(
            node_operations.OS,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodePackage(AsyncNamespace):
    """The `package` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[package_models.PackageList]:
        """Show an installed package.

        name: Package as the distribution names it, with `:architecture` if one is meant: `nginx`, `libc6:i386`.
        """
        return await self._run(
            package_operations.GET,
            package_models.PackageName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def hold(
        self,
        *,
        name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[package_models.PackageChange]:
        """Keep an installed package at its version.

        name: Package as the distribution names it, with `:architecture` if one is meant: `nginx`, `libc6:i386`.
        """
        return await self._run(
            package_operations.HOLD,
            package_models.PackageName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def install(
        self,
        *,
        name: str,
        version: str = "",
        allow_removals: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[package_models.PackageChange]:
        """Install a package, or bring it up to date.

        name: Package as the distribution names it, with `:architecture` if one is meant: `nginx`, `libc6:i386`.
        version: Exact version to install. Default: the one that the sources of packages prefer.
        allow_removals: Go on also when other packages must be removed for it; they are named otherwise.
        """
        return await self._run(
            package_operations.INSTALL,
            package_models.PackageInstall(
                name=name,
                version=version,
                allow_removals=allow_removals,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[package_models.PackageList]:
        """List the installed packages."""
        return await self._run(
            package_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def remove(
        self,
        *,
        name: str,
        allow_removals: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[package_models.PackageChange]:
        """Remove a package and leave its configuration.

        name: Package as the distribution names it, with `:architecture` if one is meant: `nginx`, `libc6:i386`.
        allow_removals: Go on also when other packages must be removed for it; they are named otherwise.
        """
        return await self._run(
            package_operations.REMOVE,
            package_models.PackageRemove(
                name=name,
                allow_removals=allow_removals,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def repair(
        self,
        *,
        allow_removals: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[package_models.RepairChange]:
        """Bring to an end what an interrupted change of packages has left.

        allow_removals: Go on also when other packages must be removed for it; they are named otherwise.
        """
        return await self._run(
            package_operations.REPAIR,
            package_models.PackageRepair(
                allow_removals=allow_removals,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def unhold(
        self,
        *,
        name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[package_models.PackageChange]:
        """Let a package change its version again.

        name: Package as the distribution names it, with `:architecture` if one is meant: `nginx`, `libc6:i386`.
        """
        return await self._run(
            package_operations.UNHOLD,
            package_models.PackageName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def update(
        self,
        *,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[package_models.ListsChange]:
        """Refresh the lists of packages from their sources."""
        return await self._run(
            package_operations.UPDATE,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def updates(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[package_models.UpdateList]:
        """List the installed packages that could be newer."""
        return await self._run(
            package_operations.LIST_UPDATES,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def upgrade(
        self,
        *,
        name: str | None = None,
        version: str = "",
        security: bool = False,
        allow_removals: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[package_models.UpgradeChange]:
        """Bring one package, or all of them, to newer versions.

        name: Package to upgrade. Left out: every package.
        version: Exact version to install. Default: the one that the sources of packages prefer.
        security: Only what comes from an archive of security updates. Not for a single package.
        allow_removals: Go on also when other packages must be removed for it; they are named otherwise.
        """
        return await self._run(
            package_operations.UPGRADE,
            package_models.PackageUpgrade(
                name=name,
                version=version,
                security=security,
                allow_removals=allow_removals,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def versions(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[package_models.PackageVersions]:
        """List the versions of a package that the host could have.

        name: Package as the distribution names it, with `:architecture` if one is meant: `nginx`, `libc6:i386`.
        """
        return await self._run(
            package_operations.VERSIONS,
            package_models.PackageName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodePower(AsyncNamespace):
    """The `power` operations on the hosts that a target means."""

    async def cancel(
        self,
        *,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[power_models.PowerChange]:
        """Cancel the reboot or shutdown that is pending."""
        return await self._run(
            power_operations.CANCEL,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[power_models.PowerStatus]:
        """Show whether a reboot or shutdown is pending."""
        return await self._run(
            power_operations.GET,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def reboot(
        self,
        *,
        delay: int = 0,
        message: str = "",
        replace: bool = False,
        force: bool = False,
        wait_for_return: bool = False,
        return_timeout: int = 600,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[power_models.PowerChange]:
        """Reboot a host.

        delay: Seconds until then. At least 5 seconds pass, so that the answer arrives before the host goes.
        message: Line for everybody who is logged in. Default: what the host says by itself.
        replace: Take the place of another shutdown that is pending.
        force: Also when the host runs a controller or the broker, which the fleet needs.
        wait_for_return: Complete the job only when the host is back. Makes no sense for a shutdown.
        return_timeout: Seconds it may be away; a host that takes longer has timed out.
        """
        return await self._run(
            power_operations.REBOOT,
            power_models.RebootRequest(
                delay=delay,
                message=message,
                replace=replace,
                force=force,
                wait_for_return=wait_for_return,
                return_timeout=return_timeout,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def shutdown(
        self,
        *,
        delay: int = 0,
        message: str = "",
        replace: bool = False,
        force: bool = False,
        wait_for_return: bool = False,
        return_timeout: int = 600,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[power_models.PowerChange]:
        """Shut a host down and switch it off.

        delay: Seconds until then. At least 5 seconds pass, so that the answer arrives before the host goes.
        message: Line for everybody who is logged in. Default: what the host says by itself.
        replace: Take the place of another shutdown that is pending.
        force: Also when the host runs a controller or the broker, which the fleet needs.
        wait_for_return: Complete the job only when the host is back. Makes no sense for a shutdown.
        return_timeout: Seconds it may be away; a host that takes longer has timed out.
        """
        return await self._run(
            power_operations.SHUTDOWN,
            power_models.ShutdownRequest(
                delay=delay,
                message=message,
                replace=replace,
                force=force,
                wait_for_return=wait_for_return,
                return_timeout=return_timeout,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeProcess(AsyncNamespace):
    """The `process` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        pid: int,
        sample: int = 0,
        wait_s: float | None = None,
    ) -> Results[process_models.ProcessReport]:
        """Show a process.

        pid: Number of the process.
        sample: Milliseconds over which processor use is measured; 0 gives the mean since the process started.
        """
        return await self._run(
            process_operations.GET,
            process_models.ProcessKey(
                pid=pid,
                sample=sample,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        user: str = "",
        name: str = "",
        sort: str = "pid",
        limit: int = 10000,
        sample: int = 0,
        wait_s: float | None = None,
    ) -> Results[process_models.ProcessList]:
        """List the processes.

        user: Only processes of this account.
        name: Only processes of exactly this name.
        sort: Order: `pid`, or the greatest `cpu` or `memory` or the latest `start` first.
        limit: How many processes to list at most.
        sample: Milliseconds over which processor use is measured; 0 gives the mean since the process started.
        """
        return await self._run(
            process_operations.LIST,
            process_models.ProcessFilter(
                user=user,
                name=name,
                sort=sort,
                limit=limit,
                sample=sample,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def signal(
        self,
        *,
        pid: int,
        signal: str,
        name: str = "",
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[process_models.ProcessSignalled]:
        """Send a signal to a process.

        pid: Number of the process.
        signal: Signal to send: TERM, KILL, HUP, INT, USR1, USR2, QUIT, STOP, CONT. See signal(7).
        name: Send it only if the process has this name. Default: any.
        """
        return await self._run(
            process_operations.SIGNAL,
            process_models.ProcessSignal(
                pid=pid,
                signal=signal,
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeScheduleCron(AsyncNamespace):
    """The `schedule cron` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        name: str,
        object_name: str,
        schedule: str | None = None,
        interval: cron_models.Interval | None = None,
        user: str | None = None,
        content_type: contract_files.ContentType | None = None,
        variables: dict[str, typing.Any] | None = None,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[cron_models.CronChange]:
        """Run an uploaded program or command by schedule.

        name: Name of the job and of its file: letters, digits, `_` and `-`, as cron and run-parts(8) read them.
        object_name: Uploaded file with what is to run: a program that begins with `#!`, one line of shell, or lines of
            crontab(5) for /etc/cron.d.
        schedule: When it runs: minute, hour, day of month, month and day of week as in crontab(5), or a word such as
            `@daily`. Replaces the times in the uploaded lines.
        interval: Run it once an hour, day, week or month, as root, instead of by schedule.
        user: Account that it runs as. Default: as the uploaded lines say, else root.
        content_type: `template` is rendered on the host, `raw` is taken as it is. Default: as it was uploaded.
        variables: What a template may speak of as `vars`; given as NAME=VALUE.
        adopt: Take the place of a file that OSAPI did not write; it is kept, and delete restores it.
        """
        return await self._run(
            cron_operations.CREATE,
            cron_models.CronCreate(
                name=name,
                object_name=object_name,
                schedule=schedule,
                interval=interval,
                user=user,
                content_type=content_type,
                variables=variables or {},
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[cron_models.CronChange]:
        """Remove a managed cron job.

        name: Name of the job and of its file: letters, digits, `_` and `-`, as cron and run-parts(8) read them.
        """
        return await self._run(
            cron_operations.DELETE,
            cron_models.CronName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[cron_models.CronEntry]:
        """Show a managed cron job.

        name: Name of the job and of its file: letters, digits, `_` and `-`, as cron and run-parts(8) read them.
        """
        return await self._run(
            cron_operations.GET,
            cron_models.CronName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[builtins.list[cron_models.CronEntry]]:
        """List the managed cron jobs."""
        return await self._run(
            cron_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        name: str,
        object_name: str | None = None,
        schedule: str | None = None,
        user: str | None = None,
        content_type: contract_files.ContentType | None = None,
        variables: dict[str, typing.Any] | None = None,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[cron_models.CronChange]:
        """Change what a managed cron job runs, when, or as whom.

        name: Name of the job and of its file: letters, digits, `_` and `-`, as cron and run-parts(8) read them.
        object_name: Uploaded file to run instead.
        schedule: When it runs: minute, hour, day of month, month and day of week as in crontab(5), or a word such as
            `@daily`. Replaces the times in the uploaded lines.
        user: Account that it runs as.
        content_type: `template` is rendered on the host, `raw` is taken as it is.
        variables: What a template may speak of as `vars`; given as NAME=VALUE.
        """
        return await self._run(
            cron_operations.UPDATE,
            cron_models.CronUpdate(
                name=name,
                object_name=object_name,
                schedule=schedule,
                user=user,
                content_type=content_type,
                variables=variables,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeSchedule(AsyncNamespace):
    """The `schedule` operations on the hosts that a target means."""

    def __init__(self, run: AsyncRun, target: str) -> None:
        super().__init__(run, target)
        self.cron = AsyncNodeScheduleCron(run, target)


class AsyncNodeService(AsyncNamespace):
    """The `service` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        name: str,
        object_name: str,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Put an uploaded unit in place.

        name: Name of a service that OSAPI keeps: letters, digits, `.`, `_`, `@` and `-`. Its unit is
            `osapi-NAME.service`.
        object_name: Uploaded file with the unit, see systemd.service(5).
        adopt: Take the place of a file that OSAPI did not write; it is kept, and delete restores it.
        """
        return await self._run(
            service_operations.CREATE,
            service_models.ServiceCreate(
                name=name,
                object_name=object_name,
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        name: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Stop, disable and remove a managed unit.

        name: Name of a service that OSAPI keeps: letters, digits, `.`, `_`, `@` and `-`. Its unit is
            `osapi-NAME.service`.
        """
        return await self._run(
            service_operations.DELETE,
            service_models.ServiceDelete(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def disable(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Start a service at boot no longer.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.DISABLE,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def enable(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Start a service at every boot.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.ENABLE,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[service_models.Service]:
        """Show a service.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        """
        return await self._run(
            service_operations.GET,
            service_models.ServiceName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[service_models.Services]:
        """List the services of the host."""
        return await self._run(
            service_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def mask(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Make it impossible to start a service.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.MASK,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def reload(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Let a service read its configuration again.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.RELOAD,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def restart(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Stop a service if it runs, and start it.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.RESTART,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def start(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Start a service and wait until it is up.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.START,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def stop(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Stop a service and wait until it is down.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.STOP,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def unmask(
        self,
        *,
        name: str,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Make it possible again to start a service.

        name: Unit of a service, with or without `.service`, as systemd.unit(5) names it.
        force: Also a service that the host, its network or OSAPI needs to be reached.
        """
        return await self._run(
            service_operations.UNMASK,
            service_models.ServiceAction(
                name=name,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def update(
        self,
        *,
        name: str,
        object_name: str,
        restart: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[service_models.ServiceChange]:
        """Replace a managed unit.

        name: Name of a service that OSAPI keeps: letters, digits, `.`, `_`, `@` and `-`. Its unit is
            `osapi-NAME.service`.
        object_name: Uploaded file with the unit, see systemd.service(5).
        restart: Restart the service if it runs and its unit has changed.
        """
        return await self._run(
            service_operations.UPDATE,
            service_models.ServiceUpdate(
                name=name,
                object_name=object_name,
                restart=restart,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeSysctl(AsyncNamespace):
    """The `sysctl` operations on the hosts that a target means."""

    async def create(
        self,
        *,
        key: str,
        value: str,
        replace: bool = False,
        adopt: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[sysctl_models.SysctlChange]:
        """Set a kernel parameter now and at every boot.

        key: Kernel parameter as sysctl(8) names it. Either separator: `net.ipv4.ip_forward` or `net/ipv4/ip_forward`;
            an interface name with a dot is `net.ipv4.conf.eth0/100.rp_filter`.
        value: Value, one line of printable ASCII; several numbers are separated by blanks.
        replace: Set the value also when OSAPI already manages another one.
        adopt: Take over a file of the same name that OSAPI did not write.
        """
        return await self._run(
            sysctl_operations.CREATE,
            sysctl_models.SysctlCreate(
                key=key,
                value=value,
                replace=replace,
                adopt=adopt,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        key: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[sysctl_models.SysctlChange]:
        """Stop managing a kernel parameter and restore its former value.

        key: Kernel parameter as sysctl(8) names it. Either separator: `net.ipv4.ip_forward` or `net/ipv4/ip_forward`;
            an interface name with a dot is `net.ipv4.conf.eth0/100.rp_filter`.
        """
        return await self._run(
            sysctl_operations.DELETE,
            sysctl_models.SysctlKey(
                key=key,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        key: str,
        wait_s: float | None = None,
    ) -> Results[sysctl_models.SysctlEntry]:
        """Show a managed kernel parameter.

        key: Kernel parameter as sysctl(8) names it. Either separator: `net.ipv4.ip_forward` or `net/ipv4/ip_forward`;
            an interface name with a dot is `net.ipv4.conf.eth0/100.rp_filter`.
        """
        return await self._run(
            sysctl_operations.GET,
            sysctl_models.SysctlKey(
                key=key,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[builtins.list[sysctl_models.SysctlEntry]]:
        """List the managed kernel parameters."""
        return await self._run(
            sysctl_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        key: str,
        value: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[sysctl_models.SysctlChange]:
        """Give a managed kernel parameter another value.

        key: Kernel parameter as sysctl(8) names it. Either separator: `net.ipv4.ip_forward` or `net/ipv4/ip_forward`;
            an interface name with a dot is `net.ipv4.conf.eth0/100.rp_filter`.
        value: Value, one line of printable ASCII; several numbers are separated by blanks.
        """
        return await self._run(
            sysctl_operations.UPDATE,
            sysctl_models.SysctlUpdate(
                key=key,
                value=value,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeTimezone(AsyncNamespace):
    """The `timezone` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[timezone_models.Timezone]:
        """Show the time zone."""
        return await self._run(
            timezone_operations.GET,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def update(
        self,
        *,
        timezone: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[timezone_models.TimezoneChange]:
        """Set the time zone.

        timezone: Name of a zone in the tz database of the host, below /usr/share/zoneinfo.
        """
        return await self._run(
            timezone_operations.UPDATE,
            timezone_models.TimezoneUpdate(
                timezone=timezone,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeUptime(AsyncNamespace):
    """The `uptime` operations on the hosts that a target means."""

    async def get(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[node_models.UptimeReport]:
        """Show how long a host has been up."""
        return await self._run(
            node_operations.UPTIME,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )


class AsyncNodeUserSshKey(AsyncNamespace):
    """The `user ssh-key` operations on the hosts that a target means."""

    async def add(
        self,
        *,
        name: str,
        key: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[user_models.SshKeyChange]:
        """Let an SSH key open an account.

        name: Name of the account.
        key: Public key as one line of authorized_keys(5): type, key, comment, with options before them.
        """
        return await self._run(
            user_operations.SSH_KEY_ADD,
            user_models.SshKeyAdd(
                name=name,
                key=key,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def list(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[user_models.SshKeyReport]:
        """List the SSH keys that open an account.

        name: Name of the account.
        """
        return await self._run(
            user_operations.SSH_KEY_LIST,
            user_models.UserName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def remove(
        self,
        *,
        name: str,
        fingerprint: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[user_models.SshKeyChange]:
        """Let an SSH key open an account no more.

        name: Name of the account.
        fingerprint: Fingerprint of the key as ssh-keygen(1) shows it.
        """
        return await self._run(
            user_operations.SSH_KEY_REMOVE,
            user_models.SshKeyRemove(
                name=name,
                fingerprint=fingerprint,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNodeUser(AsyncNamespace):
    """The `user` operations on the hosts that a target means."""

    def __init__(self, run: AsyncRun, target: str) -> None:
        super().__init__(run, target)
        self.ssh_key = AsyncNodeUserSshKey(run, target)

    async def create(
        self,
        *,
        name: str,
        uid: int = 0,
        gid: int = 0,
        home: str | None = None,
        shell: str | None = None,
        groups: builtins.list[str] | tuple[str, ...] = (),
        password: str | None = None,
        hashed: bool = False,
        system: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[user_models.UserChange]:
        """Make an account.

        name: Name of the new account: small letters, digits, `_` and `-`, beginning with a letter or `_`.
        uid: Number of the account. 0: the next free one.
        gid: Number of its primary group. 0: what the host does for new accounts.
        home: Home directory, an absolute path; made when it is not there. Default: what the host does for new accounts.
        shell: Login shell, one of /etc/shells or one that lets nobody in. Default: that of the host.
        groups: Groups to belong to beside the primary one.
        password: Its password. Default: none.
        hashed: Whether `password` is the hash of one as crypt(5) has it, such as `$y$…` or `$6$…`.
        system: Take the number from the range for system accounts.
        """
        return await self._run(
            user_operations.CREATE,
            user_models.UserCreate(
                name=name,
                uid=uid,
                gid=gid,
                home=home,
                shell=shell,
                groups=list(groups),
                password=None if password is None else user_models.Password(password),
                hashed=hashed,
                system=system,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def delete(
        self,
        *,
        name: str,
        remove_home: bool = False,
        force: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[user_models.UserChange]:
        """Remove an account.

        name: Name of the account.
        remove_home: Remove the home directory and the mail of the account too. Default: they stay.
        force: Remove it also when it is a system account (number below 1000).
        """
        return await self._run(
            user_operations.DELETE,
            user_models.UserDelete(
                name=name,
                remove_home=remove_home,
                force=force,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def get(
        self,
        *,
        name: str,
        wait_s: float | None = None,
    ) -> Results[user_models.UserReport]:
        """Show an account.

        name: Name of the account.
        """
        return await self._run(
            user_operations.GET,
            user_models.UserName(
                name=name,
            ),
            target=self._target,
            wait_s=wait_s,
        )

    async def list(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[user_models.UserReport]:
        """List the accounts."""
        return await self._run(
            user_operations.LIST,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )

    async def password(
        self,
        *,
        name: str,
        password: str,
        hashed: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[user_models.UserChange]:
        """Set the password of an account.

        name: Name of the account.
        password: The password.
        hashed: Whether `password` is the hash of one as crypt(5) has it, such as `$y$…` or `$6$…`.
        """
        return await self._run(
            user_operations.PASSWORD,
            user_models.UserPassword(
                name=name,
                password=user_models.Password(password),
                hashed=hashed,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )

    async def update(
        self,
        *,
        name: str,
        shell: str | None = None,
        home: str | None = None,
        groups: builtins.list[str] | None = None,
        lock: bool | None = None,
        unlock: bool = False,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[user_models.UserChange]:
        """Change shell, home or groups of an account, or shut or open it.

        name: Name of the account.
        shell: Login shell, one of /etc/shells or one that lets nobody in.
        home: Home directory, an absolute path. What is in the old one moves there.
        groups: All groups to belong to beside the primary one. An empty list, or one empty name: none.
        lock: True shuts the account, for passwords and keys alike; false opens it again.
        unlock: The same as `lock` false.
        """
        return await self._run(
            user_operations.UPDATE,
            user_models.UserUpdate(
                name=name,
                shell=shell,
                home=home,
                groups=groups,
                lock=lock,
                unlock=unlock,
            ),
            target=self._target,
            wait_s=wait_s,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )


class AsyncNode(AsyncNamespace):
    """Every operation on the hosts that a target means."""

    def __init__(self, run: AsyncRun, target: str) -> None:
        super().__init__(run, target)
        self.certificate = AsyncNodeCertificate(run, target)
        self.command = AsyncNodeCommand(run, target)
        self.container = AsyncNodeContainer(run, target)
        self.disk = AsyncNodeDisk(run, target)
        self.file = AsyncNodeFile(run, target)
        self.group = AsyncNodeGroup(run, target)
        self.hostname = AsyncNodeHostname(run, target)
        self.load = AsyncNodeLoad(run, target)
        self.log = AsyncNodeLog(run, target)
        self.memory = AsyncNodeMemory(run, target)
        self.network = AsyncNodeNetwork(run, target)
        self.ntp = AsyncNodeNtp(run, target)
        self.os = AsyncNodeOs(run, target)
        self.package = AsyncNodePackage(run, target)
        self.power = AsyncNodePower(run, target)
        self.process = AsyncNodeProcess(run, target)
        self.schedule = AsyncNodeSchedule(run, target)
        self.service = AsyncNodeService(run, target)
        self.sysctl = AsyncNodeSysctl(run, target)
        self.timezone = AsyncNodeTimezone(run, target)
        self.uptime = AsyncNodeUptime(run, target)
        self.user = AsyncNodeUser(run, target)

    async def status(
        self,
        *,
        wait_s: float | None = None,
    ) -> Results[node_models.Status]:
        """Show name, system, uptime, load, memory and disks of a host."""
        return await self._run(
            node_operations.STATUS,
            contract_operation.Nothing(),
            target=self._target,
            wait_s=wait_s,
        )
