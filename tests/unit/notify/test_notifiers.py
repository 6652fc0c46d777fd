"""What is refused at the start, without telling the secrets of a URL."""

from __future__ import annotations

import pytest

from osapi.contract.errors import Invalid
from osapi.notify.notifiers import of_url
from osapi.notify.texts import Texts

# A plugin of apprise uses a module that Python 3.13 no longer has, if it is there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
SCHEMES = frozenset({"json", "mailto"})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("syslog://anna:hunter2", "its scheme is not allowed"),
        ("anna:hunter2", "its scheme is not allowed"),
        ("mailto://anna:hunter2@", "cannot read this URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_by_its_name(url: str, why: str) -> None:
    with pytest.raises(Invalid, match=r"controller\.notifications\.notifiers\.ops\.url") as refused:
        of_url("ops", url, SCHEMES)
    assert why in refused.value.message
    assert "hunter2" not in refused.value.message


def test_a_template_that_cannot_be_used_is_refused_by_its_name() -> None:
    with pytest.raises(Invalid, match=r"controller\.notifications\.body: line 1"):
        Texts(body="{{ vars.nothing }}").check()


def test_our_own_templates_can_be_used() -> None:
    Texts().check()
