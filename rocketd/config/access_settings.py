"""The settings of a task about who may operate it, and who may see its output."""

from typing import Final

from rocketd.config.problems import BadValue
from rocketd.config.setting import Setting
from rocketd.config.value_types import BOOLEAN, ValueType, each, strings

MOST_OPERATORS: Final = 100


def _operator(text: str) -> str:
    name = text.removeprefix("@")
    if not name or name != name.strip() or any(character in name for character in ":,@\0\n"):
        raise BadValue(f"'{text}' cannot be a user or a group", 'for example "dba", or "@backup" for a group')
    return text


def _operators(value: object) -> tuple[str, ...]:
    """Take a list of users and groups; each counts once."""
    texts = strings(value)
    if len(texts) > MOST_OPERATORS:
        raise BadValue(
            f"a task has at most {MOST_OPERATORS} operators, and these are {len(texts)}", "name a group: '@dba'"
        )
    return tuple(dict.fromkeys(each(enumerate(texts), _operator)))


OPERATORS: Final[Setting[tuple[str, ...]]] = Setting(
    "operators",
    ValueType("list of strings", _operators),
    (),
    "`[]`",
    "Who may run, stop, pause and resume the task, and see its output, beside root and the group `rocketd`: users, and "
    'groups with `@` in front, by name or number, as in `["dba", "@backup"]`. `[]` overrides `[defaults]` with nobody. '
    "See [Who may do what](../explanation/security.md#operators-and-viewers).",
)
VIEW_OUTPUT: Final = Setting(
    "view_output",
    BOOLEAN,
    default=False,
    shown="`false`",
    meaning="Show the output of the task also to the members of the group `rocketd-view`, who see everything else of "
    "all tasks.",
)
