"""What an executor is given to call: for the lines of its runs, and for what their programs are told about them."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from rocketd.core.model.run import Run

EmitLine: TypeAlias = Callable[[Run, str, str], object]
"""Called with a run, a stream (`stdout` or `stderr`) and a line without its newline; returns False if it is lost."""
Variables: TypeAlias = Callable[[Run], Mapping[str, str]]
"""Gives the environment variables that tell a program what it is run for."""
