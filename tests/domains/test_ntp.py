"""What chrony says, and what happens when it does not do what it is told."""

from __future__ import annotations

import pytest

from osapi.contract.errors import CommandFailed
from osapi.domains.ntp import chrony
from osapi.domains.ntp.debian import DebianNtp
from osapi.domains.ntp.models import NtpCreate
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.programs import Script

SERVER = "ntp1.example.org"
TRACKING = b"00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n"
BROKEN = "/run/chrony-is-broken"


@pytest.mark.anyio
async def test_a_reload_that_failed_is_done_by_the_next_call() -> None:
    host = FakeHost(
        Setup(
            files={
                chrony.CONFIGURATION: FakeFile(content=b"sourcedir /etc/chrony/sources.d\n"),
                BROKEN: FakeFile(),
            },
            scripts=(
                Script(argv=chrony.TRACKING, stdout=TRACKING),
                Script(argv=chrony.RELOAD, stderr=b"501 Not authorised\n", exit_code=1, when={BROKEN: b""}),
                Script(argv=chrony.RELOAD, stdout=b"200 OK\n"),
                Script(argv=chrony.SOURCES, stdout=f"^,?,{SERVER},0,6,0,4294967295,0.0,0.0,0.0\n".encode()),
            ),
        )
    )
    request = NtpCreate(servers=[SERVER])
    with pytest.raises(CommandFailed, match="501 Not authorised"):
        await DebianNtp(host).create(request)
    host.put(BROKEN, None)
    again = await DebianNtp(host).create(request)
    assert (again.changed, again.diff) == (True, f"{chrony.PATH} is in place; what follows from it is done again")
    assert (await DebianNtp(host).create(request)).changed is False
    assert [call.argv for call in host.calls].count(chrony.RELOAD) == 2
    assert {call.privileged for call in host.calls if call.argv == chrony.RELOAD} == {True}
    host.close()


@pytest.mark.parametrize(
    ("configuration", "is_read"),
    [
        (b"sourcedir /etc/chrony/sources.d", True),
        (b"confdir /etc/chrony/conf.d\n  SourceDir\t/run/chrony-dhcp /etc/chrony/sources.d/ /x\n", True),
        (b"# sourcedir /etc/chrony/sources.d", False),
        (b"sourcedir /etc/chrony/sources.d.old", False),
        (b"sourcedir /run/chrony-dhcp", False),
        (b"confdir /etc/chrony/sources.d", False),
        (None, False),
    ],
)
def test_a_configuration_tells_whether_our_file_is_read(configuration: bytes | None, is_read: bool) -> None:
    assert chrony.reads_our_file(configuration) is is_read


def test_files_of_others_are_read_as_far_as_they_name_servers() -> None:
    content = b"# mine\nserver a iburst\n\npool b\npeer c\nrefclock PPS /dev/pps0\nserver\n"
    assert chrony.servers_in(content) == ["a", "b", "c"]
    assert chrony.servers_in(chrony.content(["a", "fd00::1"])) == ["a", "fd00::1"]
    assert chrony.servers_in(None) == []
