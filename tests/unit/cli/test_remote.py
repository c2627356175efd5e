"""`-H HOST`: the same words on another host, and nothing that ssh or a shell there would take for something else."""

import shlex

import pytest

from rocketd.cli.exit_codes import UsageError
from rocketd.cli.parser import parse
from rocketd.cli.remote import ssh_command


@pytest.mark.parametrize(
    "words",
    [
        ["-H", "web2", "list", "--json"],
        ["list", "--json", "-H", "web2"],
        ["-Hweb2", "list", "--json"],
        ["list", "--host=web2", "--json"],
        ["--host", "web2", "list", "--json"],
    ],
)
def test_the_remote_command_line_is_the_same_without_the_host(words: list[str]) -> None:
    assert ssh_command("web2", words, terminal=False) == ["ssh", "-T", "--", "web2", "rocketctl list --json"]


def test_a_terminal_here_is_one_there() -> None:
    assert ssh_command("web2", ["list"], terminal=True)[1] == "-t"


@pytest.mark.parametrize("value", ["; reboot", "$(reboot)", "`reboot`", "a'b", "a\nb", "-", "é", "*"])
def test_no_shell_there_sees_more_than_words(value: str) -> None:
    *_, told = ssh_command("web2", ["pause", "backup", f"--reason={value}", "-H", "web2"], terminal=False)
    assert shlex.split(told) == ["rocketctl", "pause", "backup", f"--reason={value}"]


def test_what_follows_two_dashes_is_left_alone() -> None:
    *_, told = ssh_command("web2", ["-H", "web2", "explain", "--", "-H"], terminal=False)
    assert told == "rocketctl explain -- -H"


@pytest.mark.parametrize("words", [["web", "--port", "8377"], ["web", "--port=8377", "--write"], ["web"]])
def test_the_port_of_the_page_is_forwarded(words: list[str]) -> None:
    command = ssh_command("web2", words, terminal=True)
    *_, told = command
    port = parse(shlex.split(told)[1:]).port
    assert command[2:4] == ["-oExitOnForwardFailure=yes", f"-L127.0.0.1:{port}:127.0.0.1:{port}"]
    assert port == 8377 or len(words) == 1


@pytest.mark.parametrize("host", ["admin@web2.example.com", "10.0.0.2", "fe80::1%eth0", "[::1]", "web_2"])
def test_hosts_are_written_as_ssh_takes_them(host: str) -> None:
    assert ssh_command(host, ["list"], terminal=False)[3] == host


@pytest.mark.parametrize("host", ["", "-oProxyCommand=reboot", "web2 reboot", "web2;reboot", "we\nb", "@web2", "a/b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="is not a host for ssh"):
        ssh_command(host, ["list"], terminal=False)


def test_an_option_that_hides_among_letters_is_refused() -> None:
    with pytest.raises(UsageError, match="stands among other letters"):
        ssh_command("web2", ["list", "-lH", "web2"], terminal=False)
