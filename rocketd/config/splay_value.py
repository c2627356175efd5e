"""The value of `splay`: a duration, or a table that says for what its part is drawn."""

from typing import Final, NamedTuple

from rocketd.config.problems import BadValue
from rocketd.config.value_types import ValueType, duration, one_of, wrong_type
from rocketd.core.instant import Duration


class SplayValue(NamedTuple):
    """How far starts are spread, and whether anew for each run."""

    most: Duration
    each_run: bool = False


NO_SPLAY: Final = SplayValue(0)
_KEYS: Final = ("most", "each")
_HINT: Final = 'write splay = "10 min", or splay = { most = "10 min", each = "run" }'


def splay(value: object) -> SplayValue:
    """Take a duration, or a table of one with `each`, which is `host` or `run`."""
    if type(value) is not dict:
        if type(value) is list:
            raise wrong_type("a duration in quotes, or a table", value, _HINT)
        return SplayValue(duration(0)(value))
    for key in value:
        if key not in _KEYS:
            raise BadValue(f"splay has no key '{key}'", _HINT, path=(key,), at_key=True)
    if "most" not in value:
        raise BadValue("most is missing", _HINT)
    most, each = value["most"], value.get("each", "host")
    try:
        length = duration(0)(most)
    except BadValue as mistake:
        raise BadValue.of(mistake.under(("most",))) from None
    try:
        return SplayValue(length, each_run=one_of("host", "run")(each) == "run")
    except BadValue as mistake:
        raise BadValue.of(mistake.under(("each",))) from None


SPLAY_VALUE: Final = ValueType("duration, or table", splay)
