"""Mail about runs: what it says, that it gets to a real server, and that a bad server hurts nobody."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from typing import NamedTuple

import pytest

from rocketd.cli.backend.http_client import Client
from rocketd.core.instant import HOUR, MINUTE, SECOND
from rocketd.core.model.events import Finished, Missed
from rocketd.core.model.run import Action, Cause, End, Run, Trigger
from rocketd.mail.message import MAX_LISTED, MailMessage, Notice, compose
from rocketd.mail.queue import MAX_NOTICES, Envelope, MailQueue, MailRefused
from rocketd.mail.redmail_sender import RedmailSender
from support.builders import shell_task
from support.daemon_process import Daemon
from support.servers.mail_server import Certificate, MailServer, html_of, text_of

# aiosmtpd does not see that a server is inside TLS from the start.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

NOW = 1_790_000_000 * SECOND
TO = Envelope("rocketd@web01", ("root@example.com",))


class Guarded(NamedTuple):
    """A server with TLS and logins."""

    server: MailServer
    tls: str

    def sender(self, password: Path) -> RedmailSender:
        """Who sends to it as web01, with what stands in that file."""
        return RedmailSender("127.0.0.1", self.server.port, self.tls, "web01", str(password))


def notice(number: int = 7, output: str = "", task: str = "backup") -> Notice:
    run = Run(task, number, "0190", 2, NOW, NOW + SECOND, Trigger.SCHEDULE, "daily")
    end = End(Action.FAIL, Cause.EXIT, NOW + MINUTE, exit_code=3, output=output, runtime=59 * SECOND)
    return Notice(Finished(run, end), NOW + 24 * HOUR, UTC, "Nightly copy")


# -- what it says


def test_a_mail_says_what_happened_why_when_next_and_how_to_see_more() -> None:
    subject, text, html = compose([notice(output="copying\n{{ 7 * 7 }}\nno <space> left\n")], "web01")
    assert subject == "web01: backup failed with exit code 3 after 59s (attempt 2)"
    assert text == (
        "backup failed with exit code 3 after 59s (attempt 2)\n"
        "\n"
        "task        backup (Nightly copy)\n"
        "run         backup/7, attempt 2\n"
        "why it ran  daily (schedule)\n"
        "due         2026-09-21 14:13:20 UTC\n"
        "started     2026-09-21 14:13:21 UTC\n"
        "ended       2026-09-21 14:14:20 UTC, after 59s\n"
        "exit code   3\n"
        "next run    2026-09-22 14:13:20 UTC\n"
        "host        web01\n"
        "see more    rocketctl show backup/7; journalctl ROCKETD_RUN_ID=0190\n"
        "\n"
        "the end of its output:\n"
        "    copying\n"
        "    {{ 7 * 7 }}\n"
        "    no <space> left\n"
    )
    assert "no &lt;space&gt; left" in html


def test_a_mail_with_only_the_end_of_the_output_says_so() -> None:
    text = compose([notice(output="".join(f"line {number}\n" for number in range(60)))], "web01").text
    assert "the end of its output:\n    … earlier output is omitted here\n    line 10\n" in text


def test_a_missed_stretch_says_how_often_and_why() -> None:
    missed = Missed("backup", "0190", NOW + 3 * HOUR, NOW, NOW + 2 * HOUR, 3, "down from … to …")
    text = compose([Notice(missed, None, UTC)], "web01").text
    assert "backup: 3 scheduled runs missed (down from" in text
    assert "due       2026-09-21 14:13:20 UTC, and up to 2026-09-21 16:13:20 UTC\n" in text
    assert "next run  not known: an event makes it due\n" in text


def test_where_what_is_observed_decides_about_the_next_run_a_mail_says_so() -> None:
    at = "next run    2026-09-22 14:13:20 UTC"
    needs = replace(notice(), next_if="load_below(2.0)")
    assert f"{at}, if load_below(2.0) holds then\n" in compose([needs], "web01").text
    sooner = replace(notice(), now_if="load_below(2.0)")
    assert f"{at}, or when load_below(2.0) holds\n" in compose([sooner], "web01").text
    assert "next run    when load_below(2.0) holds\n" in compose([replace(sooner, next=None)], "web01").text


def test_many_are_one_digest_that_lists_some_and_counts_the_others() -> None:
    subject, text, html = compose([notice(number) for number in range(1, MAX_LISTED + 2)], "web01", dropped=3)
    assert subject == f"web01: {MAX_LISTED + 4} runs: {MAX_LISTED + 1} failed, 3 more"
    assert text.count("backup failed") == html.count("backup failed") == MAX_LISTED
    assert "… and 4 more: rocketctl history" in text


def test_what_cannot_be_mailed_as_text_is_shown_otherwise() -> None:
    subject, text, _ = compose([notice(output="\x1b[31mred\udcff\n", task="a")], "web01\nBcc: x")
    assert "\x1b" not in text
    text.encode()
    assert "\n" not in subject


# -- how it gets there


class Told:
    """What a postman tells."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []
        self.something = Event()

    def __call__(self, waits: str, given_up: str = "") -> None:
        self.all.append((waits, given_up))
        self.something.set()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as made:
        yield made.start()


@pytest.fixture
def dead_server() -> Iterator[MailServer]:
    """One that refuses connections until it is started."""
    with MailServer() as made:
        yield made


def test_red_mail_takes_text_and_html_to_a_real_server(server: MailServer) -> None:
    RedmailSender("127.0.0.1", server.port, name="web01")(TO, compose([notice(output="{{ 7 * 7 }} é\n")], "web01"))
    mail = server.next()
    assert server.receivers == [["root@example.com"]]
    assert (mail["From"], mail["To"]) == ("rocketd@web01", "root@example.com")
    assert mail["Subject"] == "web01: backup failed with exit code 3 after 59s (attempt 2)"
    assert mail["Auto-Submitted"] == "auto-generated"
    for shown in (text_of(mail), html_of(mail)):
        assert "{{ 7 * 7 }} é" in shown


def test_a_refusal_is_for_ever_and_a_passing_trouble_is_not(server: MailServer) -> None:
    server.reply = "554 not from you"
    with pytest.raises(MailRefused, match="554 not from you"):
        RedmailSender("127.0.0.1", server.port)(TO, MailMessage("s", "t", "h"))
    server.reply = "451 come again"
    with pytest.raises(Exception, match="451") as caught:
        RedmailSender("127.0.0.1", server.port)(TO, MailMessage("s", "t", "h"))
    assert not isinstance(caught.value, MailRefused)


def test_a_server_that_hangs_up_once_it_has_the_mail_does_not_get_it_again(server: MailServer) -> None:
    server.hangs_up = True
    postman = MailQueue(RedmailSender("127.0.0.1", server.port), told := Told(), "web01", 0, collect_time=0.0)
    postman.post(TO, notice())
    assert postman.close() == 0
    assert told.all == []
    assert server.mails.qsize() == 1


def test_what_comes_together_is_one_mail_and_nobody_waits(server: MailServer) -> None:
    postman = MailQueue(RedmailSender("127.0.0.1", server.port), Told(), "web01", HOUR, collect_time=0.2)
    for number in range(500):
        postman.post(TO, notice(number))
    assert server.next()["Subject"] == "web01: 500 runs: 500 failed"
    for number in range(MAX_NOTICES + 10):
        postman.post(TO, notice(number))
    other = Envelope("rocketd@web01", ("team@example.com",))
    postman.post(other, notice())
    assert server.next()["To"] == "team@example.com"  # who has had none does not wait for the pause of others
    assert postman.close() == 0  # at the end the pause is over
    assert server.next()["Subject"] == f"web01: {MAX_NOTICES + 10} runs: {MAX_NOTICES} failed, 10 more"


def test_a_server_that_is_away_gets_everything_as_one_mail_once_it_is_back(dead_server: MailServer) -> None:
    told = Told()
    postman = MailQueue(RedmailSender("127.0.0.1", dead_server.port), told, "web01", 0, collect_time=0.0)
    postman.post(TO, notice(1))
    told.something.wait()
    postman.post(TO, notice(2))
    assert dead_server.start().next()["Subject"] == "web01: 2 runs: 2 failed"
    assert postman.close() == 0
    assert "refused" in told.all[0][0]
    assert told.all[-1] == ("", "")


def test_at_the_end_what_a_dead_server_did_not_get_is_counted(dead_server: MailServer) -> None:
    postman = MailQueue(RedmailSender("127.0.0.1", dead_server.port), Told(), "web01", HOUR)
    postman.post(TO, notice())
    assert postman.close() == 1


def test_a_mail_that_is_refused_does_not_hold_up_the_next(server: MailServer) -> None:
    told = Told()
    server.reply = "554 no"
    postman = MailQueue(RedmailSender("127.0.0.1", server.port), told, "web01", 0, collect_time=0.0)
    postman.post(TO, notice(1))
    assert postman.close() == 0
    assert told.all == [("", "mail to root@example.com was refused: 554 no")]


def test_a_receiver_who_cannot_get_mail_keeps_no_other_from_it(dead_server: MailServer) -> None:
    """Which mail is first in the alphabet says nothing about which can be sent."""
    dead, tried = Envelope("rocketd@web01", ("a@example.com",)), Event()
    real = RedmailSender("127.0.0.1", dead_server.start().port)

    def send(envelope: Envelope, mail: MailMessage) -> None:
        if envelope == dead:
            tried.set()
            raise OSError("452 mailbox full")
        real(envelope, mail)

    postman = MailQueue(send, Told(), "web01", 0, collect_time=0.0)
    postman.post(dead, notice())
    tried.wait()
    postman.post(TO, notice())
    assert dead_server.next()["To"] == "root@example.com"
    assert postman.close() == 1


def test_who_alone_is_refused_is_told_and_who_is_put_off_is_tried_again(server: MailServer) -> None:
    server.refusals = {"gone@example.com": ["550 no such user"], "busy@example.com": ["451 come again"]}
    told = Told()
    postman = MailQueue(RedmailSender("127.0.0.1", server.port), told, "web01", 0, collect_time=0.0)
    postman.post(Envelope("rocketd@web01", ("root@example.com", "gone@example.com", "busy@example.com")), notice())
    server.next()
    server.next()
    assert postman.close() == 0
    assert server.receivers == [["root@example.com"], ["busy@example.com"]]
    refused = ("", "mail to gone@example.com was refused: 550 no such user")
    assert told.all == [refused, ("451 come again", ""), ("", "")]


def test_at_the_end_a_server_that_is_back_gets_what_waited(dead_server: MailServer) -> None:
    told = Told()
    postman = MailQueue(RedmailSender("127.0.0.1", dead_server.port), told, "web01", HOUR, collect_time=0.0)
    postman.post(TO, notice())
    told.something.wait()
    dead_server.start()
    assert postman.close() == 0
    assert dead_server.next()["To"] == "root@example.com"


# -- with TLS and a login


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.made(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """The file with the right one."""
    path = tmp_path / "password"
    path.write_text("open sesame\n")
    return path


@pytest.fixture(params=["starttls", "tls"])
def guarded(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[Guarded]:
    """A server that proves who it is, and asks others to."""
    with MailServer(certificate, request.param) as made:
        made.logins["web01"] = "open sesame"
        yield Guarded(made.start(), request.param)


def test_a_login_goes_over_tls_to_a_server_that_the_host_trusts(
    guarded: Guarded, certificate: Certificate, password: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    send = guarded.sender(password)
    send(TO, MailMessage("s", "t", "h"))
    assert guarded.server.next()["Subject"] == "s"


def test_to_a_server_that_the_host_does_not_trust_no_password_goes(guarded: Guarded, password: Path) -> None:
    """It may be the server's certificate that changes, so the mail is kept and tried again."""
    with pytest.raises(OSError, match=r"^127\.0\.0\.1 is not trusted: self-signed certificate$"):
        guarded.sender(password)(TO, MailMessage("s", "t", "h"))
    assert guarded.server.mails.empty()


def test_a_wrong_password_is_told_and_is_no_reason_to_give_the_mail_up(
    guarded: Guarded, certificate: Certificate, password: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    password.write_text("wrong\n")
    with pytest.raises(OSError, match=r"^127\.0\.0\.1 refuses the login as web01: 535 ") as caught:
        guarded.sender(password)(TO, MailMessage("s", "t", "h"))
    assert not isinstance(caught.value, MailRefused)


def test_an_empty_password_file_is_told(password: Path, server: MailServer) -> None:
    password.write_text("")
    with pytest.raises(OSError, match=r"password is empty$"):
        RedmailSender("127.0.0.1", server.port, username="web01", password_file=str(password))(
            TO, MailMessage("s", "t", "h")
        )


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.mknod(path, 0o600 | stat.S_IFSOCK)])
def test_a_password_file_that_is_no_file_is_not_even_opened(
    tmp_path: Path, make: Callable[[Path], object], server: MailServer
) -> None:
    """Opening a device may have effects; a socket shows whether it is tried, as that fails."""
    make(tmp_path / "password")
    with pytest.raises(OSError, match=r"password is not a regular file$"):
        RedmailSender("127.0.0.1", server.port, username="web01", password_file=str(tmp_path / "password"))(
            TO, MailMessage("s", "t", "h")
        )


def test_a_password_that_is_mended_lets_what_waited_go_without_a_reload(
    tmp_path: Path, certificate: Certificate, password: Path
) -> None:
    password.write_text("wrong\n")
    with (
        MailServer(certificate, "starttls") as made,
        Daemon(tmp_path, environment={"SSL_CERT_FILE": str(certificate.file)}) as daemon,
    ):
        made.logins["web01"] = "open sesame"
        login = f'tls = "starttls"\nusername = "web01"\npassword_file = "{password}"'
        daemon.write("rocketd.toml", settings(made.start().port, login))
        daemon.write("a.toml", shell_task("bad", "exit 3"))
        daemon.start()
        daemon.until_line("cannot send mail: 127.0.0.1 refuses the login as web01: 535 ")
        daemon.until_notice("degraded: 1 mail waiting: ")
        password.write_text("open sesame\n")
        daemon.until_line("mail can be sent again")
        assert "bad failed" in made.next()["Subject"]
        assert daemon.stop() == 0


# -- the daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path) as made:
        yield made


def settings(port: int, more: str = "") -> str:
    return f'[mail]\nhost = "127.0.0.1"\nport = {port}\nreceivers = ["root@example.com"]\n{more}\n'


def test_the_daemon_writes_about_a_failure_and_not_about_a_success(daemon: Daemon, server: MailServer) -> None:
    daemon.write("rocketd.toml", settings(server.port))
    daemon.write(
        "a.toml",
        shell_task("good", "true")
        + shell_task("bad", "echo 'no space left'; exit 3", 'mail = { receivers = ["team@example.com"] }')
        + shell_task("quiet", "exit 1", "mail = { on = [] }"),
    )
    daemon.start()
    mail = server.next()
    assert mail["To"] == "team@example.com"
    assert "bad failed with exit code 3" in mail["Subject"]
    text = text_of(mail)
    assert "    no space left\n" in text
    assert "why it ran  daily (schedule)\n" in text
    assert "next run    20" in text
    daemon.until_line("quiet failed")
    daemon.until_line("good succeeded")
    assert daemon.stop() == 0
    assert server.mails.empty()


def test_the_daemon_writes_what_must_be_observed_for_the_next_run(daemon: Daemon, server: MailServer) -> None:
    daemon.write("rocketd.toml", settings(server.port))
    daemon.write("a.toml", '[task.bad]\ncommand = ["/bin/false"]\nwhen = \'daily & path_exists("/")\'\n')
    daemon.start()
    assert re.search(r'next run    20.+, if path_exists\("/"\) holds then\n', text_of(server.next()))
    assert daemon.stop() == 0


def test_a_crash_of_the_daemon_is_written_about_by_the_next(daemon: Daemon, server: MailServer) -> None:
    daemon.write("rocketd.toml", settings(server.port, 'on = ["crash"]'))
    daemon.write("a.toml", shell_task("slow", "echo begun; sleep 1000"))
    daemon.start()
    daemon.until_line("slow | begun")
    daemon.kill()
    daemon.start()
    assert "slow was interrupted" in server.next()["Subject"]
    daemon.stop_at_once()


def test_a_dead_mail_server_shows_in_the_status_and_hurts_nobody(daemon: Daemon, dead_server: MailServer) -> None:
    daemon.write("rocketd.toml", settings(dead_server.port))
    daemon.write("a.toml", shell_task("bad", "exit 3"))
    daemon.start()
    daemon.until_line("cannot send mail: ")
    daemon.until_notice("degraded: 1 mail waiting: ")
    daemon.write("b.toml", shell_task("other", "true"))
    daemon.signal(signal.SIGHUP)
    daemon.until_line("other succeeded")
    dead_server.start()
    daemon.until_line("mail can be sent again")
    assert "bad failed" in dead_server.next()["Subject"]
    assert daemon.stop() == 0


def test_settings_that_are_mended_let_what_waited_go(daemon: Daemon, server: MailServer) -> None:
    daemon.write("rocketd.toml", '[mail]\nhost = "127.0.0.1"\nport = 1\nreceivers = ["rot@example.com"]\n')
    daemon.write(
        "a.toml",
        shell_task("bad", "exit 3") + shell_task("other", "exit 3", 'mail = { receivers = ["team@example.com"] }'),
    )
    daemon.start()
    daemon.until_notice("degraded: 2 mails waiting: ")
    daemon.write("rocketd.toml", settings(server.port))
    daemon.signal(signal.SIGHUP)
    assert {server.next()["To"], server.next()["To"]} == {"root@example.com", "team@example.com"}
    assert daemon.stop() == 0


def test_what_fails_while_a_reload_waits_for_a_server_that_hangs_is_written_about(
    daemon: Daemon, server: MailServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        daemon.write("rocketd.toml", settings(hanging.getsockname()[1]))
        daemon.write("a.toml", shell_task("bad", "exit 3") + shell_task("slow", "sleep 4; exit 3"))
        daemon.start()
        connection, _ = hanging.accept()
        daemon.write("rocketd.toml", settings(server.port))
        daemon.signal(signal.SIGHUP)
        assert "slow failed" in server.next()["Subject"]
        daemon.until_line("1 mail could not be sent")
        connection.close()
    assert daemon.stop() == 0


def test_mail_that_a_stop_could_not_send_is_sent_after_the_restart(daemon: Daemon, server: MailServer) -> None:
    """The server takes connections and says nothing: the stop has a limit, and says what it leaves."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        daemon.write("rocketd.toml", settings(hanging.getsockname()[1]))
        daemon.write("a.toml", shell_task("bad", "echo 'no <space> left'; exit 3"))
        daemon.start()
        connection, _ = hanging.accept()
        assert daemon.stop() == 0
        daemon.until_notice("stopping, 1 task, 0 running, degraded: 1 mail being sent")
        connection.close()
    assert any("1 mail could not be sent; the next start of rocketd sends them" in line for line in daemon.lines)
    daemon.write("rocketd.toml", settings(server.port))
    daemon.start()
    mail = server.next()
    assert "bad failed with exit code 3" in mail["Subject"]
    assert "    no <space> left\n" in text_of(mail)
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.stop() == 0
    assert server.mails.empty(), "each once"


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="sets up a network of its own")
def test_a_name_server_that_answers_nothing_holds_up_no_stop(tmp_path: Path) -> None:
    """A black hole: it takes the questions, and that is all."""
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    hole = (
        f"ip link set lo up && mount --bind {resolv} $(readlink -f /etc/resolv.conf)"
        f' && mount --bind {tmp_path}/nsswitch.conf /etc/nsswitch.conf && exec {sys.executable} -c "$1" "$@"'
    )
    silent = (
        "import os, socket, sys; hole = socket.socket(type=socket.SOCK_DGRAM); hole.bind(('127.0.0.1', 53));"
        "hole.set_inheritable(True); os.execvp(sys.argv[2], sys.argv[2:])"
    )
    with Daemon(tmp_path, environment={"WATCHDOG_USEC": "400000"}) as daemon:
        daemon.wrapper = ("unshare", "-mn", "sh", "-c", hole, "sh", silent)
        daemon.write("rocketd.toml", settings(25).replace("127.0.0.1", "mail.example.net"))
        daemon.write(
            "a.toml", shell_task("bad", "exit 3") + '[task.good]\ncommand = ["/bin/true"]\nwhen = "every(\'200 ms\')"'
        )
        daemon.start()
        daemon.until_line("bad failed")
        daemon.until_line("good succeeded", 10)
        assert daemon.stop() == 0
        assert any("1 mail could not be sent; the next start" in line for line in daemon.lines)


def test_a_mail_that_a_kill_cut_off_is_sent_by_the_next_daemon(daemon: Daemon, server: MailServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        daemon.write("rocketd.toml", settings(hanging.getsockname()[1]))
        daemon.write("a.toml", shell_task("bad", "exit 3"))
        daemon.start()
        connection, _ = hanging.accept()
        daemon.kill()
        connection.close()
    daemon.write("rocketd.toml", settings(server.port))
    daemon.start()
    assert "bad failed with exit code 3" in server.next()["Subject"]
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.stop() == 0
    assert server.mails.empty(), "each once"


def test_mail_is_sent_about_output_and_recoveries_if_that_is_asked_for(daemon: Daemon, server: MailServer) -> None:
    daemon.write("rocketd.toml", settings(server.port, 'on = ["output", "recovered"]\npause = "0s"'))
    says = shell_task("says", "echo here I am") + shell_task("silent", "true")
    works = shell_task("works", "test -e ok", f"directory = '{daemon.directory}'", when="false")
    daemon.write("a.toml", says + works)
    daemon.start()
    assert "says succeeded" in server.next()["Subject"]
    client = Client(str(daemon.runtime / "control.sock"))
    client.post("/v1/tasks/works/run", {})
    daemon.until_line("works failed")
    (daemon.directory / "ok").touch()
    client.post("/v1/tasks/works/run", {})
    assert "works succeeded" in server.next()["Subject"]
    daemon.until_line("silent succeeded")
    assert daemon.stop() == 0
    assert server.mails.empty()


SENDMAIL = """#!/bin/sh
test -e {directory}/refuse && {{ echo "no such user" >&2; exit 67; }}
test -e {directory}/later && {{ echo "disk is full" >&2; exit 75; }}
echo "$@" >{directory}/arguments
cat >{directory}/mail.part && mv {directory}/mail.part {directory}/mail
"""


def test_mail_goes_by_sendmail_where_that_is_written(daemon: Daemon) -> None:
    directory = daemon.directory
    program = directory / "sendmail"
    program.write_text(SENDMAIL.format(directory=directory))
    program.chmod(0o755)
    daemon.write("rocketd.toml", f'[mail]\ncommand = "{program}"\nreceivers = ["a@example.com"]\npause = "0s"\n')
    daemon.write("a.toml", shell_task("bad", "echo alas; exit 3", when="false"))
    (directory / "later").touch()
    daemon.start()
    client = Client(str(daemon.runtime / "control.sock"))
    client.post("/v1/tasks/bad/run", {})
    daemon.until_line("sendmail failed with exit code 75: disk is full")
    (directory / "later").unlink()
    daemon.until_line("mail can be sent again")
    mail = message_from_bytes((directory / "mail").read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert (directory / "arguments").read_text() == "-t -i\n"
    assert (mail["To"], mail["Auto-Submitted"]) == ("a@example.com", "auto-generated")
    assert "bad failed with exit code 3" in mail["Subject"]
    assert "    alas\n" in text_of(mail)
    (directory / "refuse").touch()
    client.post("/v1/tasks/bad/run", {})
    daemon.until_line("was refused: ")
    assert daemon.stop() == 0


def test_red_mail_is_not_imported_where_no_mail_is_sent() -> None:
    script = "import sys, rocketd.bootstrap.service; print({*sys.modules} & {'redmail', 'jinja2', 'smtplib'})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
