"""The container image, built without a registry and run without a container engine: `make contain`.

Its base is a tree of this Debian. Its entry point is PID 1 of a PID namespace, as in any container.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import pytest

from support.machines import debian_trees

TOP: Final = Path(__file__).parents[2]
PATIENCE: Final = 60.0
pytestmark = pytest.mark.skipif("ROCKETD_CONTAINER" not in os.environ, reason="builds an image: make contain")

NAME: Final = "localhost/rocketd:tried"
BASE: Final = "localhost/rocketd-base:tried"
FROM_TREE: Final = """
container=$(buildah from scratch)
cp -a "$TREE/." "$(buildah mount "$container")"
buildah commit --quiet --rm "$container" "$BASE"
"""
STORAGE: Final = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'
INSIDE: Final = """
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
cd / && exec chroot "$ROOT" env -i "$@"
"""
TASKS: Final = """
[task.orphan]
command = ["/bin/sh", "-c", "(exec >/dev/null 2>&1; sleep 0.1 &); echo left one"]
when = "daily"

[task.waits]
command = ["/bin/sh", "-c", "echo begun; read word </fifo; echo done"]
when = "daily"
"""

Config: TypeAlias = Mapping[str, Any]
"""The configuration of the image: `Env`, `Entrypoint` and more."""


class Storage:
    """Where buildah keeps images, for this test alone."""

    def __init__(self, directory: Path) -> None:
        configuration = directory / "storage.conf"
        configuration.write_text(STORAGE.format(directory))
        self._environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(configuration)}

    def call(self, *argv: str | Path, **variables: str) -> str:
        environment = {**self._environment, **variables}
        return subprocess.run(
            argv, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=550
        ).stdout.strip()

    def config(self) -> Config:
        config: Config = json.loads(self.call("buildah", "inspect", "--type=image", NAME))["Docker"]["config"]
        return config


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    storage = Storage(tmp_path)
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    storage.call("sh", "-ec", FROM_TREE, TREE=str(debian_trees.bare(release["VERSION_CODENAME"], "base")), BASE=BASE)
    storage.call(TOP / "packaging/container/build", NAME, BASE)
    yield storage
    storage.call("buildah", "rm", "--all")
    storage.call("buildah", "rmi", "--all", "--force")


@pytest.fixture
def root(storage: Storage) -> Path:
    """The file system of a container."""
    root = Path(storage.call("buildah", "mount", storage.call("buildah", "from", NAME)))
    (root / "etc/rocketd/tasks.toml").write_text(TASKS)
    os.mkfifo(root / "fifo")
    return root


class Container:
    """The entry point of the image, running in that file system."""

    def __init__(self, root: Path, config: Config) -> None:
        self._variables = config["Env"]
        apart = ["unshare", "--pid", "--mount", "--net", "--fork", "--kill-child", "sh", "-ec", INSIDE, "inside"]
        self._process = subprocess.Popen(
            [*apart, *self._variables, *config["Entrypoint"]],
            env={**os.environ, "ROOT": str(root)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.output: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:  # which closes its output
            self._process.wait(PATIENCE)

    def await_line(self, part: str) -> None:
        """Read what it prints until there is such a line; the test has a time limit."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line)
            if part in line:
                return
        pytest.fail(f"{part!r} was not printed: {self.output}")

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", f"--target={self._first()}", "--pid", "--mount", "--root", "--wd=/", "env", "-i"]
        return subprocess.run(
            [*enter, *self._variables, *argv], capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    def left(self) -> list[str]:
        """What a task has left behind, as long as it lives or nobody has waited for its end."""
        processes = self.run("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null").stdout.splitlines()
        return [process for process in processes if "(sleep)" in process or ") Z " in process]

    def terminate(self) -> None:
        os.kill(self._first(), 15)

    def await_exit(self) -> int:
        assert self._process.stdout is not None
        self.output += self._process.stdout
        return self._process.wait(PATIENCE)

    def _first(self) -> int:
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def printed(container: Container, line: str) -> bool:
    return any(line in one for one in container.output)


def test_it_logs_is_healthy_reaps_lets_runs_end_and_goes_on(storage: Storage, root: Path) -> None:
    config = storage.config()
    with Container(root, config) as container:
        container.await_line("waits | begun")
        (kind, *check) = config["Healthcheck"]["Test"]
        assert (kind, container.run(*check).returncode) == ("CMD", 0)
        assert container.run("rocketctl", "health").stdout.startswith("ROCKETD OK")
        give_up = time.monotonic() + PATIENCE
        while left := container.left():
            assert time.monotonic() < give_up, left
        container.terminate()
        container.await_line("stopping")
        (root / "fifo").write_text("go\n")
        assert container.await_exit() == 0
        assert printed(container, "orphan | left one")
        assert printed(container, "waits | done")
        assert printed(container, "waits succeeded")
    with Container(root, config) as again:
        again.await_line("is ready")
        runs = json.loads(again.run("rocketctl", "history", "--json").stdout)
        assert sorted((run["task"], run["action"]) for run in runs) == [("orphan", "success"), ("waits", "success")]
        again.terminate()
        assert again.await_exit() == 0
