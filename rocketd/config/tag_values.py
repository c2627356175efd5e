"""The value of `tags`: a list of names."""

from typing import Final

from rocketd.config.problems import BadValue
from rocketd.config.value_types import ValueType, each, strings
from rocketd.core.model.tags import MOST_TAGS, is_tag


def _tag(text: str) -> str:
    if not is_tag(text):
        hint = "letters, digits, '.', '_' and '-', at most 128 of them, the first a letter or a digit"
        raise BadValue(f"'{text}' cannot be a tag", hint)
    return text


def _tags(value: object) -> tuple[str, ...]:
    """Take a list of tags; each counts once."""
    texts = strings(value)
    if len(texts) > MOST_TAGS:
        raise BadValue(f"a task has at most {MOST_TAGS} tags, and these are {len(texts)}")
    return tuple(dict.fromkeys(each(enumerate(texts), _tag)))


TAGS_VALUE: Final = ValueType("list of strings", _tags)
