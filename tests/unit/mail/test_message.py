"""The content of mails."""

from dataclasses import replace
from datetime import UTC
from email.message import EmailMessage

import pytest

from rocketd.core.instant import SECOND
from rocketd.core.model.events import Finished, Missed
from rocketd.core.model.run import Action, Cause, End, Run, Trigger, Usage
from rocketd.mail.message import MAX_LISTED, OUTPUT_CHARACTERS, OUTPUT_LINES, Notice, compose

AT = 1_772_362_800 * SECOND
"""2026-03-01 11:00 UTC."""
RUN = Run("backup", 7, "id-7", 1, AT, AT, Trigger.SCHEDULE, "daily")
FAILED = End(Action.FAIL, Cause.EXIT, AT + 2 * SECOND, exit_code=3, output="one\ntwo\n", runtime=2 * SECOND)


def notice(end: End = FAILED, run: Run = RUN) -> Notice:
    return Notice(Finished(run, end), None, UTC)


def test_the_mail_about_one_run_has_its_facts_and_the_end_of_its_output() -> None:
    mail = compose([notice()], "web01")
    assert mail.subject.startswith("web01: backup failed with exit code 3")
    assert "run         backup/7\n" in mail.text
    assert "exit code   3\n" in mail.text
    assert mail.text.endswith("the end of its output:\n    one\n    two\n")
    assert "<pre>one\ntwo</pre>" in mail.html


def test_facts_that_do_not_apply_are_left_out() -> None:
    text = compose([notice(replace(FAILED, exit_code=None, signal=9, output=""))], "web01").text
    assert "exit code" not in text
    assert "signal      SIGKILL\n" in text
    assert "output" not in text


def test_what_it_has_used_is_told_as_far_as_it_is_known() -> None:
    assert "used" not in compose([notice()], "web01").text
    text = compose([notice(replace(FAILED, usage=Usage(1_500_000, 200 << 20)))], "web01").text
    assert "used        1.5s of CPU time, up to 200 MiB of memory\n" in text


@pytest.mark.parametrize("output", ["x\n" * OUTPUT_LINES + "end\n", "x" * OUTPUT_CHARACTERS + "end"])
def test_of_long_output_the_end_is_shown_and_it_says_so(output: str) -> None:
    text = compose([notice(replace(FAILED, output=output))], "web01").text
    assert "… earlier output is omitted here\n" in text
    assert text.endswith("end\n")
    assert len(text) < OUTPUT_CHARACTERS + 1000


def test_several_notices_make_a_digest_that_counts_by_outcome() -> None:
    missed = Notice(Missed("nightly", "id-m", AT, AT, AT, 1, "rocketd was down"), None, UTC)
    mail = compose([notice(), missed, notice()], "web01")
    assert mail.subject == "web01: 3 runs: 2 failed, 1 missed"
    assert mail.text.count("2026-03-01") == 3


def test_a_digest_lists_a_bounded_number_and_counts_the_others() -> None:
    mail = compose([notice() for _ in range(MAX_LISTED + 1)], "web01", dropped=2)
    assert mail.subject == f"web01: {MAX_LISTED + 3} runs: {MAX_LISTED + 1} failed, 2 more"
    assert mail.text.count("backup failed") == MAX_LISTED
    assert "… and 3 more: rocketctl history\n" in mail.text


def test_nothing_that_a_task_controls_becomes_a_header_or_markup() -> None:
    hostile = replace(FAILED, output="<script>\x1b[2J\udcff", message="a\r\nBcc: x@example.com")
    mail = compose([notice(hostile, replace(RUN, reason="<b>\r\nx"))], "web01\nBcc: y@example.com")
    assert not {"\r", "\n"} & set(mail.subject)
    assert "<script>" not in mail.html
    assert "<b>\r" not in mail.html
    assert "\x1b" not in mail.text + mail.html
    email = EmailMessage()
    email["Subject"] = mail.subject
    email.set_content(mail.text)
    assert email["Bcc"] is None


def test_a_long_subject_is_cut() -> None:
    subject = compose([notice(run=replace(RUN, task="x" * 500))], "web01").subject
    assert len(subject) == 150
    assert subject.endswith("…")
