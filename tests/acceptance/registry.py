"""A registry of images, just large enough to pull from: `python3 registry.py PORT FOLDER` on a host.

Serves what lies in FOLDER: `manifests/<name>/<tag>` and `blobs/<digest>`; a name that begins with `secret/` wants a
login. Each request is a line in FOLDER/requests. See the distribution specification of the Open Container Initiative.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PATH = re.compile(r"/v2/(?P<name>[a-z/]+)/(?P<kind>manifests|blobs)/(?P<key>[A-Za-z0-9:._-]+)")


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def image(files: dict[str, bytes], command: list[str]) -> tuple[bytes, dict[str, bytes]]:
    """A manifest and its blobs, of an image with these files, all of them programs."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    layer = gzip.compress(packed.getvalue(), mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": command},
            "rootfs": {"type": "layers", "diff_ids": [digest(packed.getvalue())]},
            "history": [{"created": "2026-01-01T00:00:00Z"}],
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _named(CONFIG, config),
        "layers": [_named(LAYER, layer)],
    }
    return json.dumps(manifest).encode(), {digest(config): config, digest(layer): layer}


def _named(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(content), "digest": digest(content)}


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_GET(self) -> None:
        with (self.folder / "requests").open("a") as log:
            log.write(f"{self.command} {self.path}\n")
        if self.path == "/v2/":
            self._answer(200, b"{}", "application/json")
            return
        match = PATH.fullmatch(self.path)
        if match is None:
            self._refuse(404, "NAME_UNKNOWN", "repository name not known to registry")
        elif match["name"].startswith("secret/"):
            self._refuse(401, "UNAUTHORIZED", "authentication required")
        elif match["kind"] == "blobs":
            self._serve(self.folder / "blobs" / match["key"], "application/octet-stream")
        else:
            self._serve(self._manifest(match["name"], match["key"]), MANIFEST)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass

    def _manifest(self, name: str, key: str) -> Path:
        folder = self.folder / "manifests" / name
        if not key.startswith("sha256:"):
            return folder / key
        found = [path for path in folder.glob("*") if digest(path.read_bytes()) == key]
        return found[0] if found else folder / key

    def _serve(self, path: Path, kind: str) -> None:
        if path.is_file():
            self._answer(200, path.read_bytes(), kind)
        else:
            self._refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self._answer(status, body, "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
