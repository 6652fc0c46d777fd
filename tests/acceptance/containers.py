"""A container engine on one of the hosts, as an object: what docker(1) or podman(1) says there, and what OSAPI does."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance import registry
from tests.acceptance.fleet import Answer, Fleet

FOLDER = "/srv/registry"
REGISTRY = "127.0.0.1:5000"
REMOTE = f"{REGISTRY}/team/probe"
APPLETS = ("sh", "sleep", "echo", "cat", "true", "id", "yes", "head", "httpd", "pwd", "env")
BUILD = f"""set -e
mkdir -p /tmp/image/bin /tmp/image/etc
cp /bin/busybox /tmp/image/bin/
for name in {" ".join(APPLETS)}; do ln -sf busybox /tmp/image/bin/$name; done
echo 'app:x:1000:1000::/:/bin/sh' > /tmp/image/etc/passwd
"""


@dataclass(frozen=True)
class Engine:
    """Docker or Podman on a host. `program` is its command line, by which effects are seen."""

    fleet: Fleet
    host: int
    program: str

    @property
    def is_podman(self) -> bool:
        return self.program == "podman"

    @property
    def probe(self) -> str:
        """The name under which the engine has the image that `build` makes."""
        return "localhost/probe:1" if self.is_podman else "probe:1"

    def __call__(self, verb: str, *words: str) -> Answer:
        """Run `osapi client node container docker VERB` for the host."""
        return self.fleet.client("node", "container", "docker", verb, "-T", f"host{self.host}", *words)

    def done(self, verb: str, *words: str) -> dict[str, Any]:
        """The same; it succeeds and this is the host's entry."""
        answer = self(verb, *words)
        assert answer.status == 0, answer
        return answer.results[f"host{self.host}"]

    def refused(self, verb: str, *words: str, says: tuple[str, ...]) -> None:
        """The same; it is refused in these words, the first of which is usually the code."""
        answer = self(verb, *words)
        assert answer.status != 0, answer
        assert [word for word in says if word not in answer.stdout + answer.stderr] == [], answer

    def shell(self, text: str) -> str:
        """What a line of shell prints on the host."""
        return self.fleet.bed("enter", self.host, "sh", "-c", text)

    def run(self, words: str) -> str:
        """What the engine's command line prints."""
        return self.shell(f"{self.program} {words}")

    def look(self, name: str, form: str) -> str:
        """A part of what the engine says of a container; empty when there is none."""
        return self.run(f"container inspect -f {shlex.quote(form)} {name} 2>/dev/null || true")

    def state(self, name: str = "web") -> str:
        return self.look(name, "{{.State.Status}}")

    def images(self) -> dict[str, str]:
        """Names and ids of its images."""
        text = self.run("images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' | grep -v '<none>' || true")
        return dict(line.split() for line in text.splitlines())

    def start(self) -> None:
        """Have it run; the agent is not told."""
        if self.is_podman:
            # No controllers of control groups in these hosts; and a registry on this host is no stranger.
            self.fleet.bed.write(self.host, "/etc/containers/containers.conf", b"[containers]\npids_limit = 0\n")
            told = f'[[registry]]\nlocation = "{REGISTRY}"\ninsecure = true\n'
            self.fleet.bed.write(self.host, "/etc/containers/registries.conf.d/probe.conf", told.encode())
        self.fleet.bed("exec", self.host, "systemctl", "start", "podman.socket" if self.is_podman else "docker")

    def stop(self) -> None:
        units = ("podman.socket", "podman") if self.is_podman else ("docker.socket", "docker", "containerd")
        self.fleet.bed("exec", self.host, "systemctl", "stop", *units, check=False)

    def clear(self) -> None:
        """Remove every container at once."""
        at_once = " --time 0" if self.is_podman else ""
        self.shell(f"{self.program} ps -aq | xargs -r {self.program} rm -fv{at_once}")

    def forget(self) -> None:
        """Remove every image, and what the registry has."""
        self.shell(f"{self.program} images -aq | sort -u | xargs -r {self.program} rmi -f; rm -rf {FOLDER}")

    def build(self) -> None:
        """Make the image `probe:1`, without a network."""
        self.fleet.bed(
            "exec", self.host, "sh", "-c", f"{BUILD}tar -C /tmp/image -c . | {self.program} import - probe:1"
        )

    def serve_registry(self) -> None:
        self.fleet.bed.write(self.host, f"{FOLDER}/registry.py", Path(registry.__file__).read_bytes())
        command = ("python3", f"{FOLDER}/registry.py", REGISTRY.rpartition(":")[2], FOLDER)
        unit = "--unit=osapi-test-registry"
        self.fleet.bed("enter", self.host, "systemd-run", "--quiet", "--collect", unit, *command)

    def publish(self, tag: str, seconds: int) -> str:
        """Lay an image into the registry; its digest there."""
        manifest, blobs = registry.image({"etc/motd": b"welcome\n"}, ["sleep", str(seconds)])
        for digest, content in blobs.items():
            self.fleet.bed.write(self.host, f"{FOLDER}/blobs/{digest}", content)
        self.fleet.bed.write(self.host, f"{FOLDER}/manifests/team/probe/{tag}", manifest)
        return registry.digest(manifest)
