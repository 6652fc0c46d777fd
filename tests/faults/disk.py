"""A broker whose disk is a few megabytes of memory, which can be filled and emptied."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.conftest import NatsServer

SIZE_MB = 8


class TinyDisk:
    """A tmpfs at `folder`, seen only by programs that are run `within`. Needs user namespaces, or root."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        as_root = os.geteuid() == 0
        mount = f"mount -t tmpfs -o size={SIZE_MB}m none {folder} && echo mounted && exec sleep infinity"
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *([] if as_root else ["-r"]), "-m", "sh", "-c", mount],
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"mounted\n"
        user = [] if as_root else ["-U", "--preserve-credentials"]
        self.within = ["nsenter", "-t", str(self._holder.pid), *user, "-m"]
        self._ballast = Path(f"/proc/{self._holder.pid}/root{folder}") / "ballast"

    def fill(self) -> None:
        """Let somebody else take all the room that is left."""
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"x" * 4096)

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink()

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()
        if self._holder.stdout is not None:
            self._holder.stdout.close()


class TinyServer(NatsServer):
    """A broker on such a disk."""

    def __init__(self, folder: Path) -> None:
        self.disk = TinyDisk(folder / "store")
        self.within = self.disk.within
        super().__init__(folder)

    def end(self) -> None:
        self.stop()
        self.disk.close()
