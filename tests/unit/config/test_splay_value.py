"""`splay` as a duration, and as a table."""

import pytest

from rocketd.core.instant import MINUTE
from support.task_files import Folder


def written(splay: str) -> str:
    return f'[task.t]\ncommand = ["/bin/true"]\nsplay = {splay}\n'


@pytest.mark.parametrize(
    ("splay", "each_run"),
    [('"10 min"', False), ('{ most = "10 min" }', False), ('{ most = "10 min", each = "host" }', False),
     ('{ most = "10 min", each = "run" }', True)],
)  # fmt: skip
def test_it_is_a_duration_or_a_table(folder: Folder, splay: str, each_run: bool) -> None:  # noqa: FBT001
    (task,) = folder.load(written(splay)).tasks
    assert (task.splay, task.splay_each_run) == (10 * MINUTE, each_run)


@pytest.mark.parametrize(
    ("splay", "message"),
    [
        ('{ most = "10 min", each = "day" }', "each"),
        ('{ each = "run" }', "most is missing"),
        ('{ most = "soon" }', "number is missing"),
        ('{ most = "1 h", every = "run" }', "no key 'every'"),
        ('["1 h"]', "a duration in quotes, or a table"),
        ("10", "a duration in quotes"),
    ],
)
def test_a_mistake_in_it_is_told(folder: Folder, splay: str, message: str) -> None:
    loaded = folder.load(written(splay))
    assert not loaded.tasks
    assert any(message in f"{problem.message} {problem.hint} {problem.source_line}" for problem in loaded.problems)
