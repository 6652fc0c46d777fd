"""Containers and images of a real Docker and a real Podman on a Debian host; looked at with docker(1) and podman(1).

Both run on the same host, one after the other: so Podman is found behind the socket of a Docker that does not run.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest
from tests.acceptance.containers import FOLDER, REGISTRY, REMOTE, Engine
from tests.acceptance.fleet import Fleet, eventually
from tests.acceptance.listening import following, last_status, until

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOST, OTHER = 3, 1
CREATE = (
    *("--image", "probe:1", "--name", "web", "--hostname", "inside", "--dns", "10.9.9.9", "--label", "team=web"),
    *("--command", "httpd", "--command=-f", "--command=-h", "--command", "/data", "--env", "SECRET=hunter2"),
    *(
        "--port",
        "127.0.0.1:8080:80",
        "--port",
        "5353:53/udp",
        "--volume",
        "/srv/www:/data:ro",
        "--volume",
        "cache:/cache",
    ),
    *("--restart", "on-failure:3", "--working-dir", "/data"),
)
SLEEP = ("--image", "probe:1", "--name", "web", "--command", "sleep", "--command", "1000")


@pytest.fixture(scope="module", params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[Engine]:
    """An engine that runs and has the image `probe:1`, and a registry. The agent was there before."""
    found = Engine(fleet, HOST, request.param)
    found.start()
    found.build()
    found.serve_registry()
    eventually(lambda: found.shell(f"curl -s http://{REGISTRY}/v2/ || true") == "{}", "the registry does not answer")
    yield found
    fleet.bed("exec", HOST, "systemctl", "stop", "osapi-test-registry", check=False)
    found.clear()
    found.forget()
    found.stop()


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """No container stays."""
    yield
    if "engine" in request.fixturenames:
        request.getfixturevalue("engine").clear()


@pytest.fixture
def web(engine: Engine) -> str:
    """A container that runs and heeds SIGTERM; its id."""
    program = "trap 'exit 0' TERM; echo out; echo err >&2; while :; do sleep 0.1; done"
    return engine.run(f"run -d --name web -e A=1 probe:1 sh -c {shlex.quote(program)}")


def test_a_host_without_an_engine_is_skipped(fleet: Fleet) -> None:
    answer = Engine(fleet, OTHER, "docker")("list")
    found = answer.results[f"host{OTHER}"]
    assert (answer.status, found["status"], found["code"]) == (0, "skipped", "missing_tool")
    assert "neither Docker nor Podman" in found["error"]


def test_a_container_is_made_as_asked_for_and_only_once(engine: Engine) -> None:
    engine.shell("mkdir -p /srv/www; echo hello > /srv/www/index.html")
    told = engine.done("create", *CREATE, "--check")
    assert told["changed"] is True
    assert "+  ports: 5353:53/udp, 127.0.0.1:8080:80/tcp" in told["diff"]
    assert "hunter2" not in json.dumps(told)
    assert engine.state() == ""

    made = engine.done("create", *CREATE)
    assert (made["changed"], made["name"], made["image"], made["state"]) == (True, "web", "probe:1", "running")
    assert made["diff"] == told["diff"]
    forms = {
        "{{.Id}}": made["id"],
        "{{.Config.Hostname}} {{.Config.WorkingDir}}": "inside /data",
        "{{json .Config.Cmd}}": '["httpd","-f","-h","/data"]',
        '{{index .Config.Labels "team"}}': "web",
        "{{json .HostConfig.Dns}}": '["10.9.9.9"]',
        "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}": "on-failure 3",
    }
    assert {form: engine.look("web", form) for form in forms} == forms
    assert "SECRET=hunter2" in json.loads(engine.look("web", "{{json .Config.Env}}"))
    mounts = engine.look("web", "{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}").split(";")
    assert {"bind /data false", "volume /cache true"} <= set(mounts)
    reached = "curl -s --max-time 5 http://127.0.0.1:8080/index.html || true"
    eventually(lambda: engine.shell(reached) == "hello", "the container cannot be reached")

    again = engine.done("create", *CREATE)
    assert (again["changed"], again["id"]) == (False, made["id"])
    engine.refused("create", *CREATE, "--env", "OTHER=1", says=("conflict", "differs in env (OTHER)"))

    seen = engine.done("inspect", "--id", "web")
    assert seen["ports"] == ["5353:53/udp", "127.0.0.1:8080:80/tcp"]
    assert seen["mounts"] == ["cache:/cache", "/srv/www:/data:ro"]
    assert "SECRET" in seen["env"]
    assert "hunter2" not in json.dumps(seen)
    assert seen["network_settings"]["ip_address"] == engine.look("web", "{{.NetworkSettings.IPAddress}}")


def test_one_that_was_stopped_stays_so_and_one_that_never_ran_is_started(engine: Engine) -> None:
    assert engine.done("create", *SLEEP, "--no-auto-start")["state"] == "created"
    assert engine.state() == "created"
    made = engine.done("create", *SLEEP)
    assert (made["changed"], made["diff"], engine.state()) == (True, "container web: created -> running", "running")
    engine.run("stop -t 0 web")
    left = engine.done("create", *SLEEP)
    assert (left["changed"], left["state"], engine.state()) == (False, "exited", "exited")


def test_nothing_stays_of_a_container_that_cannot_be_made(engine: Engine) -> None:
    engine.run("run -d --name first -p 8080:80 probe:1 sleep 1000")
    engine.refused("create", *SLEEP, "--port", "8080:80", says=("conflict", "already"))
    engine.refused("create", "--image", "probe:1", "--name", "web", "--command", "nosuch", says=("not_found", "nosuch"))
    engine.refused("create", *SLEEP, "--volume", "/srv/nosuch:/data", says=("not_found", "there is no /srv/nosuch"))
    engine.refused("create", "--image", "nosuch:1", "--name", "web", says=("not_found", "pull it first"))
    assert (engine.state(), engine.shell("ls /srv | grep nosuch || true")) == ("", "")


@pytest.mark.parametrize(
    ("verb", "words", "before", "after"),
    [
        ("stop", ("--timeout", "5"), "running", "exited"),
        ("start", (), "exited", "running"),
        ("pause", (), "running", "paused"),
        ("unpause", (), "paused", "running"),
        ("remove", (), "exited", ""),
        ("remove", ("--force",), "running", ""),
    ],
)
def test_a_container_is_turned_once_and_check_mode_does_not(
    engine: Engine, web: str, verb: str, words: tuple[str, ...], before: str, after: str
) -> None:
    engine.run({"exited": "stop -t 5 web", "paused": "pause web"}.get(before, "ps"))
    told = engine.done(verb, "--id", "web", *words, "--check")
    assert (told["changed"], bool(told["diff"]), engine.state()) == (True, True, before)
    turned = engine.done(verb, "--id", "web", *words)
    assert (turned["changed"], turned["diff"], turned["id"]) == (True, told["diff"], web)
    assert engine.state() == after
    again = engine.done(verb, "--id", "web", *words)
    assert (again["changed"], again.get("diff", "")) == (False, "")
    assert engine.state() == after


def test_a_restart_starts_the_processes_anew(engine: Engine, web: str) -> None:
    before = engine.look("web", "{{.State.Pid}}")
    assert engine.done("restart", "--id", "web", "--check")["changed"] is True
    assert engine.look("web", "{{.State.Pid}}") == before
    assert engine.done("restart", "--id", web[:12], "--timeout", "5")["changed"] is True
    assert engine.state() == "running"
    assert engine.look("web", "{{.State.Pid}}") != before


def test_what_does_not_fit_the_state_is_a_conflict_and_what_is_unknown_is_not_found(engine: Engine, web: str) -> None:
    engine.refused("remove", "--id", "web", says=("conflict", "stop it first, or set force"))
    engine.run("pause web")
    engine.refused("start", "--id", "web", says=("conflict", "use unpause"))
    engine.refused("exec", "--id", "web", "--command", "true", says=("conflict", "unpause it first"))
    engine.run("unpause web")
    engine.run("stop -t 5 web")
    engine.refused("pause", "--id", "web", says=("conflict", "start it first"))
    engine.refused("stats", "--id", "web", says=("conflict", "uses nothing"))
    for verb in ("inspect", "start", "stop", "restart", "pause", "unpause", "logs", "stats"):
        engine.refused(verb, "--id", "nosuch", says=("not_found", "look at container nosuch"))
    assert engine.done("remove", "--id", "nosuch")["changed"] is False


def test_containers_are_those_that_the_engine_has(engine: Engine, web: str) -> None:
    engine.run("create --name new probe:1 true")
    engine.run("run --name over probe:1 true")
    seen = {name: engine.state(name) for name in engine.run("ps -a --format '{{.Names}}'").splitlines()}
    assert {one["name"]: one["state"] for one in engine.done("list")["containers"]} == seen
    assert seen == {"web": "running", "new": "created", "over": "exited"}
    assert [one["name"] for one in engine.done("list", "--state", "running")["containers"]] == ["web"]
    stopped = engine.done("list", "--state", "stopped", "--limit", "1")
    assert (len(stopped["containers"]), stopped["total"]) == (1, 2)


def test_a_program_runs_in_a_container(engine: Engine, web: str) -> None:
    text = "echo out; echo err >&2; id -u; pwd; echo $A$B; exit 3"
    place = ("--env", "B=2=3", "--working-dir", "/etc", "--user", "app")
    words = ("--id", "web", "--command", "sh", "--command=-c", "--command", text, *place)
    told = engine.done("exec", *words, "--check")
    assert (told["changed"], told["diff"]) == (True, f"would run in container web: {shlex.join(('sh', '-c', text))}")
    found = engine("exec", *words).results[f"host{HOST}"]
    assert (found["stdout"], found["stderr"], found["exit_code"]) == ("out\n1000\n/etc\n12=3\n", "err\n", 3)
    assert found["changed"] is True
    engine.refused("exec", "--id", "web", "--command", "nosuch", says=("not_found", "nosuch"))
    true = ("exec", "--id", "web", "--command", "true")
    engine.refused(*true, "--user", "nosuch", says=("not_found", "nosuch"))
    engine.refused(*true, "--working-dir", "/nosuch", says=("not_found", "/nosuch"))


def test_a_program_that_runs_out_of_time_leaves_nothing_running(engine: Engine, web: str) -> None:
    text = "echo begun; (sleep 4711 & sleep 4711) & sleep 4711"
    words = ("--id", "web", "--command", "sh", "--command=-c", "--command", text, "--timeout", "1")
    engine.refused("exec", *words, says=("took longer than 1 s and was stopped", "begun"))
    assert engine.shell("pgrep -fc '^sleep 4711' || true") == "0"
    assert engine.state() == "running"


def test_giant_output_of_a_program_is_bounded(engine: Engine, web: str) -> None:
    text = "yes | head -c 20000000; yes n | head -c 20000000 >&2"
    found = engine.done("exec", "--id", "web", "--command", "sh", "--command=-c", "--command", text)
    assert found["truncated"] is True
    assert found["stdout"].startswith("y\ny\n")
    assert found["stderr"].endswith("n\nn\n")
    assert "left out]" in found["stdout"]


def test_lines_are_those_that_the_engine_shows(engine: Engine, web: str) -> None:
    eventually(lambda: engine.run("logs web 2>&1 | wc -l") == "2", "the container says nothing")
    lines = engine.done("logs", "--id", "web")["lines"]
    assert sorted((line["stream"], line["message"]) for line in lines) == [("stderr", "err"), ("stdout", "out")]
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert len(engine.done("logs", "--id", "web", "--tail", "1")["lines"]) == 1
    assert len(engine.done("logs", "--id", "web", "--since", "1h")["lines"]) == 2
    engine.run("run -t --name tty probe:1 echo hello")
    (line,) = engine.done("logs", "--id", "tty")["lines"]
    assert (line["stream"], line["message"]) == ("stdout", "hello")


def test_lines_are_followed_as_they_come_until_the_container_ends(engine: Engine) -> None:
    text = "echo before; while ! [ -e /go ]; do sleep 0.1; done; echo after; echo wrong >&2"
    engine.run(f"run -d --name web probe:1 sh -c {shlex.quote(text)}")
    eventually(lambda: engine.run("logs web") == "before", "the container says nothing")
    with following(
        engine.fleet, "node", "container", "docker", "logs", "--id", "web", "--follow", "-T", "host3"
    ) as told:
        until(told, "before")
        engine.run("exec web sh -c '> /go'")
        lines = until(told, "after", "wrong")
        assert " stderr " in next(line for line in lines if "wrong" in line)
        assert told.wait(timeout=20) == 0


def test_following_a_container_ends_with_the_listener_and_with_its_time(engine: Engine, web: str) -> None:
    with following(
        engine.fleet, "node", "container", "docker", "logs", "--id", "web", "--follow", "-T", "host3"
    ) as told:
        until(told, "out", "err")
    eventually(lambda: last_status(engine.fleet, "docker.logs.get") == "cancelled", "the job was not cancelled")
    answer = engine("logs", "--id", "web", "--follow", "--duration", "1")
    assert answer.status == 0, answer
    assert json.loads(answer.stdout.splitlines()[-1])["results"][0]["followed"] == 2


def test_figures_are_told(engine: Engine, web: str) -> None:
    eventually(lambda: engine.done("stats", "--id", "web").get("network_rx"), "nothing is received")
    found = engine.done("stats", "--id", "web")
    assert (found["id"], found["name"]) == (web, "web")
    interface = engine.run("exec web cat /proc/net/dev | grep eth0").split()
    assert 0 < found["network_rx"] <= int(interface[1])


def test_an_image_is_pulled_once_and_again_when_the_registry_has_another(engine: Engine) -> None:
    first, name = engine.publish("1", 1000), f"{REMOTE}:1"
    told = engine.done("pull", "--image", name, "--check")
    there = "whatever the registry has" if engine.is_podman else first
    assert (told["changed"], told["diff"]) == (True, f"image {name}: not here -> {there}")
    assert name not in engine.images()

    made = engine.done("pull", "--image", name)
    assert (made["changed"], made["tag"], made["digest"]) == (True, "1", first)
    assert made["image_id"] == engine.images()[name]
    assert made["size"] == int(engine.run(f"image inspect -f '{{{{.Size}}}}' {name}"))
    engine.shell(f"rm {FOLDER}/requests")
    again = engine.done("pull", "--image", name)
    assert (again["changed"], again["image_id"]) == (False, made["image_id"])
    assert engine.shell(f"cat {FOLDER}/requests").count("/blobs/") <= 1, "the configuration may be read, no layer"
    engine.shell(f"rm {FOLDER}/requests")
    pinned = engine.done("pull", "--image", f"{REMOTE}@{first}")
    assert (pinned["changed"], pinned["tag"]) == (False, first)
    assert engine.shell(f"cat {FOLDER}/requests 2>/dev/null || true") == ""

    second = engine.publish("1", 2000)
    newer = engine.done("pull", "--image", name)
    assert (newer["changed"], newer["digest"]) == (True, second)
    assert newer["image_id"] == engine.images()[name] != made["image_id"]
    listed = {tag: one["id"] for one in engine.done("image-list")["images"] for tag in one.get("tags", ())}
    assert listed == engine.images()


def test_what_cannot_be_pulled_is_told_apart(engine: Engine) -> None:
    before = engine.images()
    for check in ((), ("--check",))[: 1 if engine.is_podman else 2]:
        engine.refused("pull", "--image", f"{REMOTE}:nosuch", *check, says=("not_found", "manifest unknown"))
        engine.refused("pull", "--image", f"{REGISTRY}/secret/probe:1", *check, says=("denied",))
        engine.refused("pull", "--image", "127.0.0.1:9/team/probe:1", *check, says=("unavailable", "refused"))
    engine.refused("pull", "--image", "Web", says=("is no name of an image",))
    assert engine.images() == before


def test_an_image_is_removed_once_and_not_under_a_container(engine: Engine, web: str) -> None:
    engine.refused("image-remove", "--image", "probe:1", says=("conflict", "is used by web"))
    engine.run("tag probe:1 probe:2")
    second = engine.probe.replace(":1", ":2")
    told = engine.done("image-remove", "--image", "probe:2", "--check")
    assert (told["changed"], second in engine.images()) == (True, True)
    gone = engine.done("image-remove", "--image", "probe:2")
    assert (gone["changed"], gone["diff"]) == (True, told["diff"])
    assert second not in engine.images()
    assert engine.probe in engine.images()
    assert engine.done("image-remove", "--image", "probe:2")["changed"] is False

    engine.publish("3", 3000)
    engine.run(f"pull -q {REMOTE}:3")
    last = engine.done("image-remove", "--image", f"{REMOTE}:3")
    assert last["message"] == f"image {REMOTE}:3 was removed"
    assert engine.run(f"image inspect -f '{{{{.Id}}}}' {last['id']} 2>/dev/null || true") in ("", "[]")
    assert engine.state() == "running"


def test_an_engine_that_was_stopped_is_named_and_found_again_by_the_same_agent(engine: Engine) -> None:
    agent = engine.shell("systemctl show --property=MainPID --value osapi-agent")
    engine.stop()
    engine.refused("list", says=("not_running", "start it, for example with systemctl start docker"))
    engine.start()
    assert engine.done("list")["total"] == 0
    assert engine.shell("systemctl show --property=MainPID --value osapi-agent") == agent
