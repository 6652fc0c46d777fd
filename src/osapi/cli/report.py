"""Prints the answers of hosts for people: job id, table, summary, details of what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.cli import exit_status, table
from osapi.cli.asking import is_broadcast
from osapi.cli.cells import cell, clean, clean_lines, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from osapi.cli.asking import Answer, Entry
    from osapi.cli.node import Call
    from osapi.cli.terminal import Terminal

_COLOURS = {"ok": "green", "changed": "yellow", "skip": "yellow", "err": "red"}


def results(call: Call, answer: Answer, term: Terminal) -> None:
    """Everything there is to say about the answers to a call."""
    term.say()
    if answer.job_id:
        pair(term, "Job ID", answer.job_id)
        term.say()
    if call.output == "table" and _is_one_good(call, answer.entries):
        _one(call, answer.entries[0], term)
    else:
        _table(call, answer.entries, term)
    _summary(call, answer.entries, term)
    _details(call, answer.entries, term)


def pair(term: Terminal, label: str, value: str) -> None:
    """A line of label and value."""
    term.say(f"  {term.paint(f'{label}:', 'label')} {term.paint(value, 'value')}")


def output(call: Call, entries: Sequence[Entry], term: Terminal) -> None:
    """What the hosts' commands wrote, line by line, as they wrote it; what went wrong goes to standard error."""
    for entry in entries:
        host = entry.get("hostname")
        for wanted, name, stream in ((call.stdout, "stdout", term.out), (call.stderr, "stderr", term.err)):
            text = entry.get(name) if wanted else None
            for line in text.splitlines() if isinstance(text, str) else ():
                stream.write(f"[{host}] {line}\n")
        if entry.get("error"):
            term.tell(f"[{host}] osapi: {clean(str(entry['error']))}")


def status_word(entry: Entry) -> str:
    """The STATUS cell: skipped before failed before changed before ok."""
    if entry.get("status") == "skipped":
        return "skip"
    if entry.get("status") == "failed" or entry.get("error"):
        return "err"
    return "changed" if entry.get("changed") else "ok"


def _one(call: Call, entry: Entry, term: Terminal) -> None:
    """About one host everything that there is to show; line by line where the terminal is too narrow for its row."""
    from osapi.cli import detail

    if call.command.details:
        detail.draw(entry, call.command.details, term)
    elif _is_too_wide(call, entry, term):
        detail.draw_row(entry, call.command.columns, term)
    else:
        _table(call, [entry], term)


def _is_too_wide(call: Call, entry: Entry, term: Terminal) -> bool:
    if term.width is None or any("[]" in column.path for column in call.command.columns):
        return False
    return table.whole_width(_headers(call), [cells for cells, _ in _rows(call, [entry])]) > term.width


def _is_one_good(call: Call, entries: Sequence[Entry]) -> bool:
    """Whether one host was asked and has done it."""
    return not is_broadcast(call.target) and len(entries) == 1 and status_word(entries[0]) in ("ok", "changed")


def _table(call: Call, entries: Sequence[Entry], term: Terminal) -> None:
    headers, columns = _headers(call), call.command.columns
    drawn = list(_rows(call, entries))

    def paint(row: int, column: int, text: str) -> str:
        if row < 0:
            return term.paint(text, "header")
        return term.paint(text, _COLOURS[drawn[row][1]]) if column == 1 else text

    before = len(headers) - len(columns)
    whole = [before + number for number, column in enumerate(columns) if column.format == "moment"]
    width = None if call.output == "wide" else term.width
    for line in table.lines(headers, [cells for cells, _ in drawn], width=width, paint=paint, whole=whole):
        term.say(line)


def _headers(call: Call) -> list[str]:
    wide = ["MACHINE ID"] if call.output == "wide" else []
    return ["HOSTNAME", "STATUS", *wide, *(column.title for column in call.command.columns)]


def _rows(call: Call, entries: Sequence[Entry]) -> Iterator[tuple[list[str], str]]:
    """The cells of every row, and its status."""
    columns = call.command.columns
    for entry in entries:
        word = status_word(entry)
        wide = [cell(entry.get("machine_id"))] if call.output == "wide" else []
        for values in rows(entry, tuple(column.path for column in columns)):
            told = [cell(value, column.format) for value, column in zip(values, columns, strict=True)]
            yield [cell(entry.get("hostname")), word, *wide, *(_none(told) if word == "ok" else told)], word


def _none(cells: list[str]) -> list[str]:
    """A row of a host that has nothing to show says so."""
    return ["(none)", *cells[1:]] if cells and not any(cells) else cells


def _summary(call: Call, entries: Sequence[Entry], term: Terminal) -> None:
    hosts = exit_status.by_host(entries)
    told = [max((status_word(entry) for entry in host), key=list(_COLOURS).index) for host in hosts]
    if len(hosts) == 1 and told[0] in ("ok", "changed") and not call.dry_run:
        return
    names = {"ok": "ok", "changed": "would change" if call.dry_run else "changed", "skip": "skipped", "err": "failed"}
    parts = [
        term.paint(f"{told.count(word)} {name}", _COLOURS[word]) for word, name in names.items() if told.count(word)
    ]
    ended = sum(any(entry.get("exit_code") for entry in host) for host in hosts)
    if ended:
        parts.append(term.paint(f"{ended} ended with a status other than 0", "red"))
    term.say()
    term.say(f"  {len(hosts)} {'host' if len(hosts) == 1 else 'hosts'}: {', '.join(parts) or 'none'}")


def _details(call: Call, entries: Sequence[Entry], term: Terminal) -> None:
    lines = [line for entry in entries for line in _detail(call, entry, term)]
    if lines:
        term.say()
        term.say(f"  {term.paint('Details:', 'label')}")
        for line in lines:
            term.say(f"  {line}")


def _detail(call: Call, entry: Entry, term: Terminal) -> list[str]:
    host = cell(entry.get("hostname"))
    lines: list[str] = []
    if entry.get("error"):
        first, *more = clean_lines(str(entry["error"])) or [""]
        colour = _COLOURS[status_word(entry)]
        lines += [term.paint(f"{host}: {first}", colour), *(term.paint(f"    {line}", colour) for line in more)]
    if call.dry_run and entry.get("diff"):
        lines += [f"{host}:", *(f"    {line}" for line in clean_lines(str(entry["diff"])))]
    return lines
