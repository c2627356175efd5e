"""The launcher reads an environment file as the daemon does: its parser in C beside ours, on hostile texts.

4,000 of them, or as many as ROCKETD_INPUTS says (`make fuzz`); ROCKETD_SEED replays.
"""

import ctypes
import os
import random
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from rocketd.executor.process.environment import parse_environment

INPUTS = int(os.environ.get("ROCKETD_INPUTS", "4000"))
SEED = int(os.environ.get("ROCKETD_SEED", secrets.randbelow(10**9)))
SOURCE = Path(__file__).parents[2] / "packaging" / "launcher" / "environment_file.c"
PIECES = [
    *("A", "B=", "=", "'", '"', "\\", "\n", " ", "\t", "\r", "#", ";", "$", "`", "x y", "\\\n", "\r\n", "export C=1\n"),
    *("ä", "€", "😀", "\x0b", "\x1c", "\x85", "\xa0", "\u1680", "\u2003", "\u200b", "\u2028", "\u3000", "\ufeff"),
]
BROKEN = [b"\xff", b"\x80", b"\xc3", b"\xc0\x80", b"\xe0\x80\x80", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\0"]
BEYOND = b"\xdd" * 8


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("gcc")
    if compiler is None or not SOURCE.exists():
        pytest.skip("no C compiler, or no sources")
    made = tmp_path_factory.mktemp("launcher") / "environment_file.so"
    checks = ("-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fno-sanitize-recover")
    subprocess.run([compiler, "-std=c11", *checks, "-shared", "-fPIC", "-o", made, SOURCE], check=True)
    found = ctypes.CDLL(str(made))
    found.parse_environment.restype = ctypes.c_long
    found.parse_environment.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p]
    return found


def in_c(library: ctypes.CDLL, data: bytes) -> bytes | str:
    into = ctypes.create_string_buffer(bytes(len(data) + 1) + BEYOND, len(data) + 1 + len(BEYOND))
    trouble = ctypes.create_string_buffer(64)
    length = library.parse_environment(data, len(data), into, trouble)
    assert into.raw[len(data) + 1 :] == BEYOND
    return into.raw[:length] if length >= 0 else trouble.value.decode()


def in_python(data: bytes) -> bytes | str:
    if b"\0" in data:
        return "contains a NUL byte"
    try:
        return b"".join(f"{name}={value}\0".encode() for name, value in parse_environment(data.decode()))
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{data[error.start]:02x} at position {error.start}"
    except ValueError as error:
        return str(error)


def test_the_launcher_reads_environment_files_as_the_daemon_does(library: ctypes.CDLL) -> None:
    draw = random.Random(SEED)  # noqa: S311 - to replay
    for number in range(INPUTS):
        data = "".join(draw.choices(PIECES, k=draw.randrange(30))).encode()
        if draw.random() < 0.2:
            place = draw.randrange(len(data) + 1)
            data = data[:place] + draw.choice(BROKEN) + data[place:]
        assert in_c(library, data) == in_python(data), (SEED, number, data)


def test_every_blank_around_a_name_is_dropped_by_both(library: ctypes.CDLL) -> None:
    for code in (*range(1, 0xD800), *range(0xE000, 0x11000)):
        data = f"{chr(code)}A{chr(code)}=1".encode()
        assert in_c(library, data) == in_python(data), hex(code)
