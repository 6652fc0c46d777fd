"""Commands and flags that scripts written for this product rely on."""

from __future__ import annotations

import pytest

from osapi.cli import tree
from osapi.cli.node import OUTPUT_OPTIONS

COMMANDS = {
    "agent get": "--hostname!",
    "agent list": "",
    "health liveness": "",
    "health ready": "",
    "job delete": "--job-id!",
    "job get": "--job-id!",
    "job list": "--status --limit --offset",
    "job retry": "--job-id! --target-hostname",
    "node command exec": "--command! --args* --cwd --timeout --stdout --stderr",
    "node command shell": "--command! --cwd --timeout --stdout --stderr",
    "node container docker create": "--image! --name --env* --port* --volume* --auto-start",
    "node container docker exec": "--id! --command!* --env* --working-dir",
    "node container docker image-remove": "--image! --force",
    "node container docker inspect": "--id!",
    "node container docker list": "--state --limit",
    "node container docker pull": "--image!",
    "node container docker remove": "--id! --force",
    "node container docker start": "--id!",
    "node container docker stop": "--id! --timeout",
    "node disk get": "",
    "node hostname get": "",
    "node hostname update": "--name!",
    "node load get": "",
    "node memory get": "",
    "node network dns delete": "--interface-name!",
    "node network dns get": "--interface-name!",
    "node network dns update": "--interface-name! --servers* --search-domains* --override-dhcp",
    "node network interface create": "--name! --dhcp4 --dhcp6 --address* --gateway4 --gateway6 --mtu --mac-address --wakeonlan",
    "node network interface delete": "--name!",
    "node network interface get": "--name!",
    "node network interface list": "",
    "node network interface update": "--name! --dhcp4 --dhcp6 --address* --gateway4 --gateway6 --mtu --mac-address --wakeonlan",
    "node network ping": "--address!",
    "node network route create": "--interface! --route!*",
    "node network route delete": "--interface!",
    "node network route get": "--interface!",
    "node network route list": "",
    "node network route update": "--interface! --route!*",
    "node os get": "",
    "node status": "",
    "node sysctl create": "--key! --value!",
    "node sysctl delete": "--key!",
    "node sysctl get": "--key!",
    "node sysctl list": "",
    "node sysctl update": "--key! --value!",
    "node uptime get": "",
    "node user create": "--name! --uid --gid --home --shell --groups* --password --system",
    "node user password": "--name! --password",
}
"""`!` marks a required flag, `*` one that may be repeated."""


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_its_flags(words: str) -> None:
    leaf = tree.find(words)
    assert leaf is not None
    have = {name: one for one in leaf.options for name in one.names}
    shared = ["--url", "--debug", "-d", "--json", "-j", "--osapi-file", "-f"]
    if words.startswith("node "):
        shared += ["--target", "-T"]
    for spelled in [*COMMANDS[words].split(), *shared]:
        name = spelled.rstrip("!*")
        assert name in have
        assert have[name].required is ("!" in spelled)
        assert have[name].is_list is ("*" in spelled)


@pytest.mark.parametrize("words", COMMANDS)
def test_nothing_new_is_required(words: str) -> None:
    leaf = tree.find(words)
    assert leaf is not None
    required = {one.name for one in leaf.options if one.required}
    assert required == {spelled.rstrip("!*") for spelled in COMMANDS[words].split() if "!" in spelled}


def test_every_option_is_explained() -> None:
    words = [""]
    while words:
        here = words.pop()
        leaf = tree.find(here) if here else None
        if leaf is None:
            words += [f"{here} {word}".strip() for word in tree.below(here)]
        else:
            assert leaf.summary.endswith(".")
            assert [one.names for one in leaf.options if not one.help] == [], here


def test_only_commands_with_output_pass_it_on() -> None:
    output = {name for one in OUTPUT_OPTIONS for name in one.names}
    leaf = tree.find("node hostname get")
    assert leaf is not None
    assert output.isdisjoint(name for one in leaf.options for name in one.names)
