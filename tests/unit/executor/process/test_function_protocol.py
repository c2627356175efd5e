"""What a function's child reports: it is a process of the task's user, and may say anything."""

import json

import pytest

from rocketd.executor.process.function_child import LONGEST
from rocketd.executor.process.function_protocol import (
    MESSAGE_LENGTH,
    NO_REPORT,
    TEXT_LENGTH,
    FunctionReport,
    read_report,
)


def test_a_message_is_one_line_and_no_text_is_longer_than_a_child_sends() -> None:
    report = read_report(json.dumps({"message": "a" * 5_000 + "\nb", "exc_text": "c" * 100_000}).encode())
    assert report == FunctionReport(message="a" * MESSAGE_LENGTH, exc_text="c" * TEXT_LENGTH)
    assert read_report(b'{"message": "one\\ntwo", "inaction": true}') == FunctionReport(inaction=True, message="one")


def test_what_a_child_sends_is_kept_whole() -> None:
    assert TEXT_LENGTH >= LONGEST
    text = "d" * LONGEST
    assert read_report(json.dumps({"message": "m" * 1_000, "exc_text": text}).encode()).exc_text == text


@pytest.mark.parametrize("data", [b"", b"[", b"[]", b"[" * 100_000, b'{"message": 1, "exc_text": [], "inaction": 1}'])
def test_what_is_no_report_counts_as_none(data: bytes) -> None:
    assert read_report(data) == NO_REPORT
