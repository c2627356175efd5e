"""Whether the kernel has killed something for want of memory meanwhile."""

from pathlib import Path

import pytest

from rocketd.executor.oom_kills import OomKills, was_killed


def counts(path: Path, count: int) -> str:
    path.write_text(f"nr_free_pages 1\noom_kill {count}\nnuma_hit 2\n", encoding="ascii")
    return str(path)


def test_a_count_that_rises_says_that_something_was_killed(tmp_path: Path) -> None:
    before = OomKills(counts(tmp_path / "vmstat", 3)).before_start()
    assert not before.has_risen()
    counts(tmp_path / "vmstat", 4)
    assert before.has_risen()


@pytest.mark.parametrize("content", ["", "nr_free_pages 1\n"])
def test_a_kernel_that_does_not_count_them_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "vmstat").write_text(content, encoding="ascii")
    for path in (tmp_path / "vmstat", tmp_path / "missing"):
        before = OomKills(str(path)).before_start()
        assert before.value is None
        assert not before.has_risen()
        assert not before._replace(value=3).has_risen()  # it was there before


def test_a_count_is_not_read_again_for_each_run_but_when_it_has_risen(tmp_path: Path) -> None:
    kills = OomKills(counts(tmp_path / "vmstat", 3))
    before = kills.before_start()
    counts(tmp_path / "vmstat", 4)
    assert kills.before_start() == before
    assert before.has_risen()
    assert not kills.before_start().has_risen()


def test_a_shell_passes_on_that_its_command_was_killed() -> None:
    assert was_killed(None, 9)
    assert was_killed(137, None)
    assert not was_killed(None, 15)
    assert not was_killed(9, None)
