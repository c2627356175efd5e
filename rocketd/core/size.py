"""Numbers of bytes as people read them."""

from typing import Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
_THREE_DIGITS: Final = 10


def approximate_size(count: int) -> str:
    """Return a number of bytes as people read it: `512 B`, `4.5 KiB`, `200 MiB`; the rest is cut off."""
    unit, scale = 0, 1
    while count >= scale * _STEP and unit < len(_UNITS) - 1:
        unit, scale = unit + 1, scale * _STEP
    if scale > 1 and count < _THREE_DIGITS * scale and (tenths := count * 10 // scale) % 10:
        return f"{tenths / 10} {_UNITS[unit]}"
    return f"{count // scale} {_UNITS[unit]}"
