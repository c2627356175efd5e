"""Builds the launcher, a small C program, when a wheel is built: a hook of hatchling.

It is linked statically, so it runs on any Linux of its architecture; the wheel is for that, and for any Python 3. Where
it cannot be built the wheel is a pure one, without it: what needs the launcher then says so.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

PROGRAM = "rocketd/executor/process/launcher"
# Nothing of the machine or the moment goes in: the same sources and compiler give the same bytes.
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fstack-protector-strong", "-static", "-s", "-Wl,--build-id=none")


class LauncherHook(BuildHookInterface):
    """Puts the program beside the module that uses it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it and name the wheel for the machine."""
        if version == "editable":
            return
        self._directory = tempfile.TemporaryDirectory()
        program = Path(self._directory.name, "launcher")
        if trouble := self._compile(program):
            sys.stderr.write(f"rocketd: built without its launcher, as there is no C compiler that can: {trouble}\n")
            return
        build_data["force_include"][str(program)] = PROGRAM
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{next(tag for tag in platform_tags() if tag.startswith('linux_'))}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - its signature
        """Leave nothing behind."""
        if hasattr(self, "_directory"):
            self._directory.cleanup()

    def _compile(self, program: Path) -> str:
        compiler = shlex.split(os.environ.get("CC", "cc"))
        sources = sorted(
            f"packaging/launcher/{file.name}" for file in Path(self.root, "packaging/launcher").glob("*.c")
        )
        command = [*compiler, *FLAGS, "-o", str(program), *sources]
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)  # noqa: S603 - the compiler
        except OSError as error:
            return str(error)
        return done.stderr.strip() or f"exit code {done.returncode}" if done.returncode else ""
