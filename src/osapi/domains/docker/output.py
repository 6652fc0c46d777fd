"""What a program in a container writes, kept in bounds and passed on as it comes."""

from __future__ import annotations

from osapi.domains.docker.models import ExecResult
from osapi.host.door import Live
from osapi.host.output import Capture, as_text
from osapi.host.program import Stream

STREAM_LIMIT = 256 * 1024
"""Bytes kept of each stream."""
JSON_LIMIT = 384 * 1024
"""Bytes of each stream in a result, as JSON spells it: both together stay below the broker's 1 MiB per message."""


class Output:
    """Both streams of one program."""

    def __init__(self, live: Live | None) -> None:
        self._streams: dict[Stream, Capture] = {"stdout": Capture(STREAM_LIMIT), "stderr": Capture(STREAM_LIMIT)}
        self._live = live

    def add(self, stream: Stream, piece: bytes) -> None:
        """Take in the next bytes of a stream."""
        self._streams[stream].add(piece)
        if self._live is not None:
            self._live.text(stream, piece)

    @property
    def text(self) -> str:
        """All of it, for a message."""
        return " ".join(one.content().decode("utf-8", "replace").strip() for one in self._streams.values()).strip()

    def result(self, exit_code: int | None) -> ExecResult:
        """What is told of it; `exit_code` None when it did not end by itself."""
        stdout, out_cut = as_text(self._streams["stdout"].content(), JSON_LIMIT)
        stderr, err_cut = as_text(self._streams["stderr"].content(), JSON_LIMIT)
        is_cut = out_cut or err_cut or any(one.left_out for one in self._streams.values())
        return ExecResult(changed=True, stdout=stdout, stderr=stderr, exit_code=exit_code, truncated=is_cut)
