"""Every case file is a test: request, host before; result, host after."""

from __future__ import annotations

import msgspec
import pytest
from tests.domains.cases import Case, Content, Note, as_file, load_all

from osapi.contract.errors import OsapiError
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost
from osapi.testing.keeping import Shelf

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("case", load_all(), ids=lambda case: case.name)
async def test_case(case: Case) -> None:
    host = case.new_host()
    await case.prepare(host)
    files, notes, shelf = host.snapshot(), await notes_of(host), Shelf()
    backups = dict(host.backups.kept)
    if case.content.failure is None:
        result = await case.run(host, keep=shelf)
        assert msgspec.to_builtins(result) == case.content.result
    else:
        await fails(case, host)
    assert host.snapshot() == expected_files(files, case.content)
    assert await notes_of(host) == expected_notes(notes, case.content)
    assert {name: content.decode() for name, content in shelf.contents.items()} == case.content.after.kept
    assert host.backups.kept == expected_backups(backups, case.content)
    if case.content.after.commands is not None:
        assert [call.argv for call in host.calls] == list(case.content.after.commands)
    if case.content.after.stdin is not None:
        told = [None if call.stdin is None else call.stdin.decode() for call in host.calls]
        assert told == list(case.content.after.stdin)
    if case.content.after.asked is not None:
        assert [f"{ask.method} {ask.target}" for ask in host.asked if not ask.reads] == list(case.content.after.asked)
    host.close()


async def fails(case: Case, host: FakeHost) -> None:
    failure = case.content.failure
    assert failure is not None
    if failure.code == "refused":
        with pytest.raises(msgspec.ValidationError, match=failure.says or None):
            case.request()
        return
    with pytest.raises(OsapiError) as caught:
        await case.run(host)
    assert (caught.value.error_code, failure.says in caught.value.message) == (failure.code, True), caught.value.message
    if failure.details is not None:
        assert caught.value.details == failure.details


def expected_files(before: dict[str, FakeFile], content: Content) -> dict[str, FakeFile]:
    expected = dict(before)
    for path, file in content.after.files.items():
        if file is None:
            del expected[path]
        else:
            expected[path] = as_file(file, before.get(path))
    return expected


def expected_backups(before: dict[str, FakeFile], content: Content) -> dict[str, FakeFile]:
    changed = {path: None if file is None else as_file(file) for path, file in content.after.backups.items()}
    return {path: file for path, file in (before | changed).items() if file is not None}


def expected_notes(before: dict[str, Note], content: Content) -> dict[str, Note]:
    expected = dict(before)
    for path, note in content.after.managed.items():
        if note is None:
            del expected[path]
        else:
            expected[path] = note
    return expected


async def notes_of(host: FakeHost) -> dict[str, Note]:
    notes = await host.notes()
    return {
        path: Note(
            metadata=dict(note.metadata),
            settled=note.settled,
            object=note.source.object_name if note.source else "",
        )
        for path, note in notes.items()
    }
