"""The first line of a script."""

import pytest

from rocketd.core.script_header import interpreter_of, missing, mistake_in

WINDOWS = "the file has Windows line endings"


@pytest.mark.parametrize(
    ("head", "interpreter"),
    [
        (b"#!/bin/sh\n", "/bin/sh"),
        (b"#!/bin/sh", "/bin/sh"),
        (b"#! \t/bin/sh -e\n", "/bin/sh"),
        (b"#!/bin/sh\t-e\n", "/bin/sh"),
        (b"#!/bin/sh\r\n", "/bin/sh\r"),
        (b"#!/bin/sh\0x", "/bin/sh"),
        (b"#!\n", ""),
        (b"#", ""),
        (b"", ""),
        (b"\x7fELF", ""),
        (b"\xef\xbb\xbf#!/bin/sh\n", ""),
        (b"#!/\xff\n", "/\udcff"),
    ],
)
def test_the_interpreter_is_named_as_the_kernel_takes_it(head: bytes, interpreter: str) -> None:
    assert interpreter_of(head) == interpreter


def test_a_missing_interpreter_is_told_with_what_makes_it_missing() -> None:
    assert missing("/bin/zsh") == "its interpreter /bin/zsh does not exist"
    assert missing("/bin/sh\r") == f"its interpreter '/bin/sh\\r' does not exist: {WINDOWS}"


@pytest.mark.parametrize(
    ("head", "mistake"),
    [
        (b"#!/bin/sh\r\necho\r\n", f"its interpreter '/bin/sh\\r' does not exist: {WINDOWS}"),
        (b"#!/usr/bin/env python3\r\n", f"its first line names 'python3\\r': {WINDOWS}"),
        (b"\xef\xbb\xbf#!/bin/sh\n", "the file begins with a byte order mark; remove it"),
        (b"#!/bin/sh\necho\r\n", ""),
        (b"plain\r\n", ""),
        (b"", ""),
    ],
)
def test_a_mistake_that_can_be_seen_in_the_file_is_told(head: bytes, mistake: str) -> None:
    assert mistake_in(head) == mistake
