"""The sentences about missing output: in the journal where it is missing, and in the record of its run."""

from typing import Final

from rocketd.core.plural import counted

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024


def cut_from_here(limit: int) -> str:
    """Return the line after which output is missing; `limit` in bytes."""
    return f"… more than {_about(limit)} within a minute (output_limit): the rest is omitted here"


def lines_left_out(lines: int, size: int) -> str:
    """Return the line after which output continues; `size` in bytes."""
    return f"… {_amount(lines, size)} omitted"


def missing_output(beyond_limit: tuple[int, int], rejected: int) -> str:
    """Return what of a run's output the journal lacks; empty: nothing.

    `beyond_limit` counts lines and bytes, `rejected` the lines that the journal did not accept.
    """
    gaps = []
    if beyond_limit != (0, 0):
        gaps.append(f"the journal lacks {_amount(*beyond_limit)} of its output, beyond output_limit")
    if rejected:
        gaps.append(f"the journal lacks {counted(rejected, 'line')} of its output because it did not accept them")
    return "; ".join(gaps)


def missing_in_file(path: str, size: int, trouble: str) -> str:
    """Return what an output file lacks; `size` in bytes, 0: more than could be counted."""
    what = f"{path} lacks {_about(size)} of its output" if size else f"its output file {path} is incomplete"
    return f"{what}: {trouble}"


def _amount(lines: int, size: int) -> str:
    return f"{counted(lines, 'line')} ({_about(size)})" if lines else _about(size)


def _about(count: int) -> str:
    """Write a number of bytes with about three digits: `95.4 MiB`."""
    if count == 1:
        return "1 byte"
    size, unit = float(count), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    digits = 0 if size == int(size) or size >= 100 else 1  # noqa: PLR2004 - three digits say enough
    return f"{size:.{digits}f} {_UNITS[unit]}"
