"""A real message bus, dbus-daemon, for one test."""

import subprocess
from pathlib import Path


class Bus:
    """A message bus; it may end and begin again at the same address."""

    def __init__(self, directory: Path) -> None:
        self.address = f"unix:path={directory}/bus"
        self._socket = directory / "bus"

    def begin(self) -> None:
        self._socket.unlink(missing_ok=True)
        command = [
            "dbus-daemon",
            "--session",
            "--nofork",
            "--nopidfile",
            "--print-address",
            f"--address={self.address}",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
