"""What programs repeat of their secrets is masked, wherever it stands."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.agent.redaction import Redactor, redacted
from osapi.contract.kept import Kept
from osapi.contract.secret import MASK

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("hunter2", "bad password hunter2!", f"bad password {MASK}!"),
        ("hunter2", "hunter2hunter2", f"{MASK}{MASK}"),
        ("TOKEN=abcd1234", "token is abcd1234", f"token is {MASK}"),
        ("TOKEN=abcd1234", "TOKEN=abcd1234", MASK),
        ("first line\nsecond=line2\n", "got: first line, line2", f"got: {MASK}, {MASK}"),
        ("  padded  ", "[padded]", f"[{MASK}]"),
        ("abc", "abc", "abc"),
        ("geheim", "nothing", "nothing"),
    ],
)
def test_a_secret_is_masked(secret: str, text: str, shown: str) -> None:
    assert Redactor([secret]).text(text) == shown


def test_the_longest_is_found_first() -> None:
    assert Redactor(["pass", "password"]).text("password pass") == f"{MASK} {MASK}"


def test_texts_of_a_result_are_masked_at_any_depth_and_nothing_else_changes() -> None:
    result = {"hunter2": ["a hunter2", {"b": "hunter2"}], "n": 42, "f": 1.5, "t": True, "z": None, "e": '"hunter2\\'}
    shown = msgspec.json.decode(Redactor(["hunter2"]).json(msgspec.Raw(msgspec.json.encode(result))))
    assert shown == {
        "hunter2": [f"a {MASK}", {"b": MASK}], "n": 42, "f": 1.5, "t": True, "z": None, "e": f'"{MASK}\\',
    }  # fmt: skip


def test_without_secrets_worth_finding_a_result_is_left_as_it_is() -> None:
    data = msgspec.Raw(b'{ "a" : 1 }')
    assert Redactor(["", "abc"]).json(data) is data


SECRETS = ["hunter2", "hunter22", "TOKEN=abcd1234", "first line\nx\nsecond line", "aaaaab"]
WORDS = [*SECRETS, "hunter", "hunt", "TOKEN", "abcd", "first line\n", "x", "aaaa", "aaab", "\n", "é", "…"]


def in_pieces(text: bytes, cuts: list[int], redactor: Redactor) -> bytes:
    stream, told, at = redactor.stream(), b"", 0
    for cut in [*sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]:
        told += stream.feed(text[at:cut])
        at = cut
    return told + stream.rest()


@given(st.lists(st.sampled_from(WORDS)), st.lists(st.integers(0, 200)))
def test_text_in_pieces_is_masked_like_the_whole(words: list[str], cuts: list[int]) -> None:
    text, redactor = "".join(words).encode(), Redactor(SECRETS)
    told = in_pieces(text, cuts, redactor)
    assert told == in_pieces(text, [], redactor)
    assert not any(secret.encode() in told for secret in SECRETS)
    assert told == redactor.text(text.decode()).encode() or "aaaaaa" in text.decode()


@given(st.lists(st.text("ab", min_size=4, max_size=9), min_size=1), st.text("ab"), st.lists(st.integers(0, 200)))
def test_nothing_is_told_that_is_a_secret(secrets: list[str], text: str, cuts: list[int]) -> None:
    told = in_pieces(text.encode(), cuts, Redactor(secrets)).decode()
    assert not [secret for secret in secrets if secret in told]
    if not any(secret in text for secret in secrets):
        assert told == text


def test_a_piece_is_told_at_once_unless_a_secret_may_begin_in_it() -> None:
    stream = Redactor(["hunter2"]).stream()
    assert [stream.feed(piece) for piece in (b"word: ", b"hu", b"h", b"unter2", b"!")] == [
        b"word: ", b"", b"hu", MASK.encode(), b"!",
    ]  # fmt: skip
    assert (stream.feed(b"\xffhunt"), stream.rest(), stream.rest()) == (b"\xff", b"hunt", b"")


class Way:
    """A way out for what a job gives out, live or kept, that notes what comes."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.ended = ""

    def text(self, name: str, piece: bytes) -> None:
        self.told.append((name, piece))

    def items(self, name: str, items: Sequence[object]) -> None:
        self.told += [(name, item) for item in items]

    def spool(self, name: str, most: int | None = None) -> Way:
        self.told.append((name, most))
        return self

    async def _wait(self) -> None:
        raise AssertionError("nobody waits for the last piece")

    def add(self, piece: bytes) -> Coroutine[None, None, None]:
        self.told.append(piece)
        return self._wait()

    async def finish(self, within_s: float) -> Kept:
        self.ended = f"finished within {within_s}"
        return Kept(name="stdout")

    def abandon(self) -> None:
        self.ended = "abandoned"


async def test_what_is_told_live_is_masked_and_told_to_its_end() -> None:
    way = Way()
    with redacted(Redactor(["hunter2"]), way, None) as (live, keep):
        assert live is not None
        live.text("stdout", b"a hunt")
        live.text("stderr", b"hunter2")
        live.items("lines", [{"text": "hunter2", "n": 1}])
        assert keep is None
    assert way.told == [
        ("stdout", b"a "), ("stderr", MASK.encode()), ("lines", {"text": MASK, "n": 1}), ("stdout", b"hunt"),
    ]  # fmt: skip


async def test_what_is_kept_is_masked_to_its_end() -> None:
    way = Way()
    with redacted(Redactor(["hunter2"]), None, way) as (live, keep):
        assert live is None
        assert keep is not None
        spool = keep.spool("stdout", 99)
        assert spool.add(b"hunt") is None
        waiting = spool.add(b"er2 hunt")
        assert waiting is not None
        waiting.close()
        await spool.finish(1.5)
        keep.spool("stderr").abandon()
    assert way.told == [("stdout", 99), MASK.encode() + b" ", b"hunt", ("stderr", None)]
    assert way.ended == "abandoned"


def test_without_secrets_nothing_stands_in_the_way() -> None:
    way = Way()
    with redacted(Redactor([]), way, way) as ways:
        assert ways == (way, way)
