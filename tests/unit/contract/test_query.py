"""Target queries: what is read, whom it means, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.contract import query
from osapi.contract.errors import Invalid
from osapi.contract.facts import HostFacts, OsRelease
from osapi.contract.ids import MachineId
from osapi.contract.query import (
    Candidate,
    Either,
    Every,
    Everybody,
    Expression,
    Fact,
    Labelled,
    Named,
    NamedLike,
    Not,
    Verdict,
)
from osapi.contract.query_parser import LONGEST, MOST_TERMS, parse
from osapi.contract.target import HostTarget, LabelTarget, QueryTarget
from osapi.contract.target import parse as parse_target

A, B, C = (Named(frozenset({name})) for name in "abc")


def facts(**more: object) -> HostFacts:
    return HostFacts(machine_id=MachineId("m1"), hostname="web-01", **more)  # type: ignore[arg-type]


def host(told: HostFacts | None = None, **labels: str) -> Candidate:
    return Candidate("m1", "web-01", labels, told)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("a,b", Named(frozenset({"a", "b"}))),
        ("a or b and c", Either((A, Every((B, C))))),
        ("(a or b) and c", Every((Either((A, B)), C))),
        ("not a,b", Not(Named(frozenset({"a", "b"})))),
        ("not a and b", Every((Not(A), B))),
        ("not not a", Not(Not(A))),
        ("not (a or b)", Not(Either((A, B)))),
        ("a,group:web,group:db", Either((A, Labelled("group", "web"), Labelled("group", "db")))),
        ("web-*", NamedLike("web-*")),
        ("web-*,db-0?", Either((NamedLike("web-*"), NamedLike("db-0?")))),
        ("group:web.* ", Labelled("group", "web.*")),
        ("_all and not a", Every((Everybody(), Not(A)))),
        ("@fact.arch:arm64", Fact("arch", "arm64")),
        ("@fact.custom.app.port:80", Fact("custom.app.port", "80")),
        ("@fact.address.ipv6:fe80::1", Fact("address.ipv6", "fe80::1")),
        ("""@fact.cpu.model:"Intel(R) Xeon, *" or a""", Either((Fact("cpu.model", "Intel(R) Xeon, *"), A))),
        ("@fact.cpu.model:'a \"b\"'", Fact("cpu.model", "a b")),
    ],
)
def test_a_query_is_read_as_it_binds(text: str, expression: Expression) -> None:
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a b", "before 'b'"),
        ("a,", "instead of the end"),
        ("a and", "instead of the end"),
        ("and a", "instead of 'and'"),
        ("a or or b", "instead of 'or'"),
        ("(a", "a parenthesis is not closed"),
        ("a)", "before ')'"),
        ("()", "instead of ')'"),
        ("_any,a", "instead of '_any'"),
        ("group:web,db", "group:a,group:b"),
        ("@fact.os:debian,ubuntu", "group:a,group:b"),
        ("@fact.os", "@fact.KEY:VALUE"),
        ("@fact.os:", "@fact.KEY:VALUE"),
        ("@fact.achr:arm64", "did you mean arch"),
        ("@custom.x:1", "@fact.KEY:VALUE"),
        ("@fact.cpu.model:'x", "a quotation mark is not closed"),
        ("grö:* ", "is no label"),
        ("group:a..b or c", "is no label"),
        ("-x or a", "neither a host name nor a glob"),
        ("a/* or b", "neither a host name nor a glob"),
        ("not " * 30 + "a", "nested more than"),
        ("(" * 30 + "a" + ")" * 30, "nested more than"),
        (" or ".join(f"g:v{n}" for n in range(MOST_TERMS + 1)), "more than 64 terms"),
        (f"a or {'b' * LONGEST}", "at most 4096 characters"),
        ("a or\nb", "no control characters"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=r"^target") as refused:
        parse(text)
    assert says in refused.value.message
    assert len(refused.value.message) < 500


def test_many_hosts_may_be_spelled_out() -> None:
    assert len(list(query.names(parse(",".join(f"web-{n:03}" for n in range(500)))))) == 500


@pytest.mark.parametrize("text", ["group:web", "web-01", "and", "group:web.dev"])
def test_what_needs_no_query_is_none(text: str) -> None:
    assert isinstance(parse_target(text), HostTarget | LabelTarget)


def test_a_query_is_shown_as_it_was_typed() -> None:
    text = " a  or (b)"
    assert parse_target(text) == QueryTarget(text, Either((A, B)))
    assert str(parse_target(text)) == text


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("web-01,x", True),
        ("m1,x", True),
        ("web-0*", True),
        ("web-0", False),
        ("WEB-*", False),
        ("group:web,x:y", True),
        ("group:we*", True),
        ("group:web.dev,a:b", True),
        ("group:web.de,a:b", False),
        ("site:*", False),
        ("not site:*", True),
    ],
)
def test_names_and_labels_decide(text: str, verdict: Verdict) -> None:
    assert parse(text).verdict(host(group="web.dev")) is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("@fact.arch:x86_64", True),
        ("@fact.arch:amd64", True),
        ("@fact.arch.debian:x86_64", False),
        ("@fact.os:debian", True),
        ("@fact.os.family:linux", True),
        ("@fact.os.version:1*", True),
        ("@fact.containerized:false", True),
        ("@fact.fqdn:*", False),
        ("not @fact.fqdn:*", True),
        ("@fact.custom.role:db", True),
        ("@fact.custom.tags:b", True),
        ("@fact.custom.app.port:80", True),
        ("@fact.custom.app:*", False),
        ("@fact.custom.none:x", False),
        ("not @fact.custom.none:x", True),
    ],
)
def test_facts_decide(text: str, verdict: Verdict) -> None:
    told = facts(
        architecture="x86_64",
        architecture_debian="amd64",
        containerized=False,
        os_release=OsRelease(id="debian", family=("debian", "linux"), version="12"),
        facts={"role": "db", "tags": ["a", "b"], "app": {"port": 80}},
    )
    assert parse(text).verdict(host(told)) is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("@fact.os:debian", None),
        ("not @fact.os:debian", None),
        ("@fact.os:debian or web-*", True),
        ("@fact.os:debian and db-*", False),
        ("@fact.os:debian and web-*", None),
        ("db-* or not @fact.os:debian", None),
    ],
)
def test_what_is_not_known_of_a_host_decides_nothing(text: str, verdict: Verdict) -> None:
    assert parse(text).verdict(host(None)) is verdict


words = st.sampled_from(["a", "b", "web-01", "web-02", "m1"])
terms: st.SearchStrategy[Expression] = st.one_of(
    st.just(Everybody()),
    st.builds(lambda name: Named(frozenset({name})), words),
    st.sampled_from(["web-*", "*", "a?", "[ab]"]).map(NamedLike),
    st.builds(Labelled, st.sampled_from(["group", "site"]), st.sampled_from(["web", "web.dev", "we*"])),
    st.builds(Fact, st.sampled_from(["os", "custom.x", "arch"]), st.sampled_from(["debian", "x y", "d*", "(1)"])),
)


def deeper(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(inner.map(Not), several.map(Every), several.map(Either))


expressions = st.recursive(terms, deeper, max_leaves=8)


def written(one: Expression) -> str:
    """An expression as a user could type it, every part in parentheses."""
    match one:
        case Everybody():
            return "_all"
        case Named(names):
            return ",".join(sorted(names))
        case NamedLike(pattern):
            return pattern
        case Labelled(key, value):
            return f"{key}:{value}"
        case Fact(key, value):
            return f'@fact.{key}:"{value}"'
        case Not(inner):
            return f"not ({written(inner)})"
        case Every(parts):
            return " and ".join(f"({written(part)})" for part in parts)
        case Either(parts):
            return " or ".join(f"({written(part)})" for part in parts)


candidates = st.builds(
    Candidate,
    st.sampled_from(["m1", "m2"]),
    st.sampled_from(["web-01", "web-02", "a", "c"]),
    st.dictionaries(st.sampled_from(["group", "site"]), st.sampled_from(["web", "web.dev", "db"])),
    st.one_of(
        st.none(),
        st.builds(facts, architecture=st.sampled_from(["x86_64", "d1"]), facts=st.just({"x": "x y"})),
    ),
)


@given(expressions)
def test_what_is_written_is_read_again(one: Expression) -> None:
    assert parse(written(one)) == one


@given(expressions, expressions, candidates)
def test_the_words_mean_what_they_mean_in_logic(one: Expression, other: Expression, candidate: Candidate) -> None:
    first, second = one.verdict(candidate), other.verdict(candidate)
    if first is None or second is None:
        return
    assert Every((one, other)).verdict(candidate) is (first and second)
    assert Either((one, other)).verdict(candidate) is (first or second)
    assert Not(one).verdict(candidate) is not first


@given(expressions, candidates)
def test_facts_that_arrive_later_never_turn_a_verdict_round(one: Expression, candidate: Candidate) -> None:
    """A host that is left out or taken without its facts is so whatever they turn out to be."""
    unknown = Candidate(candidate.machine, candidate.hostname, candidate.labels, None)
    before = one.verdict(unknown)
    assert before is None or one.verdict(candidate) is before


@given(st.text(alphabet="ab()*,:@\"' .-_factor", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except Invalid:
        return
    assert found.verdict(host(facts())) in (True, False)
