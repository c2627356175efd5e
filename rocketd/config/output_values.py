"""The kinds of values that say where a task's output goes and how much of it."""

import sys
from typing import Final

from rocketd.config.problems import BadValue
from rocketd.config.value_types import ValueType, each_of, path, size
from rocketd.core.model.output_path import DIRECTIVES, NAMES, find_unknown_part
from rocketd.core.model.task import OutputKind


def size_or_infinity(value: object) -> int:
    """Take a size, or `infinity`, which is the largest number there is."""
    if value == "infinity":
        return sys.maxsize
    if value == -1 or (type(value) is str and not any(map(str.isdigit, value))):
        raise BadValue(f"'{value}' is not a size", 'write "infinity" for no limit')
    return size(2**50)(value)


def output_file(value: object) -> str:
    """Take an absolute path with placeholders, or an empty text, which is none."""
    if value == "":
        return ""
    text = path(value)
    if wrong := find_unknown_part(text):
        known = f"{', '.join(f'%{letter}' for letter in DIRECTIVES)}, {', '.join(f'{{{name}}}' for name in NAMES)}"
        raise BadValue(f"'{wrong[0]}' is not a placeholder", f"allowed: {known}", start=wrong.start(), end=wrong.end())
    if text.rpartition("/")[2] in ("", ".", ".."):
        raise BadValue(f"'{text}' is a directory", "add the name of a file")
    return text


def printed(value: object) -> frozenset[OutputKind]:
    """Take a list of what a run may print."""
    return frozenset(map(OutputKind, each_of(*OutputKind)(value)))


LIMIT: Final = ValueType("size, or `infinity`", size_or_infinity)
FILE: Final = ValueType("path, with placeholders", output_file)
PRINTED: Final = ValueType("list of `output`, `stderr`", printed)
