"""The commands below `osapi client file`: files in the store, and where they are deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from osapi.cli import exit_status
from osapi.cli.option import Option
from osapi.cli.plain import Plain, leaf, show
from osapi.sdk import calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from osapi.cli.plain import Values
    from osapi.cli.terminal import Terminal
    from osapi.cli.tree import Leaf
    from osapi.sdk.form import Source
    from osapi.sdk.raw import RawClient

_NAME = Option(("--name",), "name", help="Name of the file in the store.", required=True)
_DIGEST = 12
"""Letters of a digest in a table on a terminal; elsewhere it is whole."""


def find(words: str) -> Leaf | None:
    """The command of these words, for example `file list`."""
    return leaf(words, _COMMANDS.get(words))


def lines() -> dict[str, str]:
    """Every command by its words, with a line of help."""
    return {words: command.summary for words, command in _COMMANDS.items()}


def _list(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.file_list()).body, term, _draw_list)


def _get(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.file_get(known["name"])).body, term, _draw_file)


def _delete(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.file_delete(known["name"])).body, term, _draw_deleted)


def _stale(known: Values, client: RawClient, term: Terminal) -> int:
    return show(known, client.send(calls.file_stale()).body, term, _draw_stale)


def _upload(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.sdk.form import Source, UploadForm

    source = Source(known["file"])
    name, content_type = known["name"], known.get("content_type", "raw")
    body = _unchanged(client, name, content_type, source)
    if body is None:
        form = UploadForm({"name": name, "content_type": content_type}, source)
        body = client.send(calls.file_upload(form, force=known.get("force", False))).body
    return show(known, body, term, _draw_upload)


def _unchanged(client: RawClient, name: str, content_type: str, source: Source) -> bytes | None:
    """The answer to an upload that would change nothing; None when it would."""
    from osapi.cli import asking
    from osapi.sdk.errors import NotFound

    try:
        present = asking.json_object(client.send(calls.file_get(name)).body)
    except NotFound:
        return None
    if (present.get("sha256"), present.get("content_type")) != (source.sha256, content_type):
        return None
    wanted = ("name", "sha256", "size", "content_type")
    return json.dumps({**{key: present.get(key) for key in wanted}, "changed": False}, ensure_ascii=False).encode()


def _download(known: Values, client: RawClient, term: Terminal) -> int:
    from osapi.cli import asking
    from osapi.cli.putting import STANDARD_OUTPUT, put
    from osapi.sdk.saving import checked

    name = known["name"]
    answer = client.send(calls.file_get(name))
    digest = str(asking.json_object(answer.body).get("sha256"))
    place = known.get("out", STANDARD_OUTPUT)
    put(checked(name, digest, client.stream(calls.file_content(name))), place, term)
    return exit_status.OK if place == STANDARD_OUTPUT else show(known, answer.body, term, _draw_file)


def _draw_list(told: Mapping[str, Any], term: Terminal) -> None:
    from osapi.cli.cells import size

    files = cast("list[dict[str, Any]]", told.get("files") or [])
    rows = [
        [
            one.get("name"),
            _short(one.get("sha256"), term),
            size(one.get("size") or 0),
            one.get("source"),
            one.get("content_type"),
        ]
        for one in files
    ]
    _table(("NAME", "SHA256", "SIZE", "SOURCE", "TYPE"), rows, term)


def _draw_stale(told: Mapping[str, Any], term: Terminal) -> None:
    stale = cast("list[dict[str, Any]]", told.get("stale") or [])
    heads = ("OBJECT", "HOSTNAME", "PROVIDER", "DEPLOYED", "DEPLOYED SHA", "CURRENT SHA", "REASON", "PATH")
    rows = [
        [
            one.get("object_name"),
            one.get("hostname"),
            one.get("provider"),
            one.get("deployed_at"),
            _short(one.get("deployed_sha"), term),
            _short(one.get("current_sha"), term),
            one.get("reason"),
            one.get("path"),
        ]
        for one in stale
    ]
    if rows:
        _table(heads, rows, term)
    _pairs(term, ("Total", told.get("total")))


def _draw_file(told: Mapping[str, Any], term: Terminal) -> None:
    from osapi.cli.cells import size

    _pairs(
        term,
        ("Name", told.get("name")),
        ("SHA256", told.get("sha256")),
        ("Size", size(told.get("size") or 0)),
        ("Content-Type", told.get("content_type")),
        ("Source", told.get("source")),
    )


def _draw_upload(told: Mapping[str, Any], term: Terminal) -> None:
    from osapi.cli.cells import size

    _pairs(
        term,
        ("Name", told.get("name")),
        ("SHA256", told.get("sha256")),
        ("Size", size(told.get("size") or 0)),
        ("Changed", bool(told.get("changed"))),
        ("Content-Type", told.get("content_type")),
    )


def _draw_deleted(told: Mapping[str, Any], term: Terminal) -> None:
    places = told.get("deployments") or None
    _pairs(term, ("Name", told.get("name")), ("Deleted", told.get("deleted")), ("Still deployed", places))


def _pairs(term: Terminal, *pairs: tuple[str, Any]) -> None:
    from osapi.cli.cells import cell
    from osapi.cli.report import pair

    for label, value in pairs:
        if value is not None:
            pair(term, label, cell(value))


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]], term: Terminal) -> None:
    from osapi.cli import table
    from osapi.cli.cells import cell

    texts = [[cell(value) for value in row] for row in rows]
    term.say()
    for line in table.lines(
        heads, texts, width=term.width, paint=lambda row, _, text: term.paint(text, "header") if row < 0 else text
    ):
        term.say(line)


def _short(digest: Any, term: Terminal) -> str:
    return str(digest or "")[: None if term.width is None else _DIGEST]


_COMMANDS = {
    "file list": Plain("List all files in the store.", (), _list),
    "file get": Plain("Show what is known of a file.", (_NAME,), _get),
    "file upload": Plain(
        "Upload a file of any length.",
        (
            _NAME,
            Option(("--file",), "file", help="Path of the file to upload.", required=True),
            Option(
                ("--content-type",),
                "content_type",
                help="`template` is rendered on each host, `raw` goes there as it is.",
                default="raw",
                choices=("raw", "template"),
            ),
            Option(("--force",), "force", "switch", "Replace a file of that name whose content is another."),
        ),
        _upload,
    ),
    "file download": Plain(
        "Download a file from the store.",
        (_NAME, Option(("--out",), "out", help="Path to write to.", default="-, which is standard output")),
        _download,
    ),
    "file delete": Plain("Delete a file from the store; where it is deployed it stays.", (_NAME,), _delete),
    "file stale": Plain("List the deployed files that are not what would be deployed now.", (), _stale),
}
