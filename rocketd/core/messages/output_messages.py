"""What people are told about output that is missing: where it is missing, and in the record of its run."""

from typing import Final

from rocketd.core.plural import counted

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024


def cut_from_here(limit: int) -> str:
    """Tell where lines begin to be missing."""
    return f"… more than {_about(limit)} within a minute (output_limit): what follows is left out here"


def lines_left_out(lines: int, size: int) -> str:
    """Tell where they end."""
    return f"… {_amount(lines, size)} left out"


def missing_output(beyond_limit: tuple[int, int], untold: int) -> str:
    """Say what of a run's output only the record's tail may have: lines and bytes, and lines; empty: nothing."""
    told = []
    if beyond_limit != (0, 0):
        told.append(f"{_amount(*beyond_limit)} of its output, beyond output_limit, are not in the journal")
    if untold:
        told.append(f"{counted(untold, 'line')} of its output could not be told to the journal, which took nothing")
    return "; ".join(told)


def missing_in_file(path: str, size: int, trouble: str) -> str:
    """Say what an output file has not: so many bytes, or more than anybody could count."""
    what = f"{_about(size)} of its output are not in {path}" if size else f"its output file {path} is incomplete"
    return f"{what}: {trouble}"


def _amount(lines: int, size: int) -> str:
    return f"{counted(lines, 'line')} ({_about(size)})" if lines else _about(size)


def _about(count: int) -> str:
    """A number of bytes with three digits or so: `95.4 MiB`."""
    size, unit = float(count), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    digits = 0 if size == int(size) or size >= 100 else 1  # noqa: PLR2004 - three digits say enough
    return f"{size:.{digits}f} {_UNITS[unit]}"
