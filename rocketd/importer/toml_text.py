"""Values as TOML spells them, as readable as possible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rocketd.importer.task_draft import Value

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml(value: Value) -> str:
    """Spell a value on one line, or a text of several lines between three quotes."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(toml, value))}]"
    return f"{{ {', '.join(f'{key(name)} = {toml(item)}' for name, item in value.items())} }}" if value else "{}"


def key(name: str) -> str:
    """Spell a key."""
    return name if _BARE.fullmatch(name) else _basic(name)


def _text(text: str) -> str:
    if "\n" in text and "'''" not in text and _is_plain(text.replace("\n", "")):
        return f"'''\n{text}'''"
    if ('"' in text or "\\" in text) and "'" not in text and _is_plain(text):
        return f"'{text}'"
    return _basic(text)


def _is_plain(text: str) -> bool:
    return all(character.isprintable() or character == "\t" for character in text)


def _basic(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return (
        character if character.isprintable() else f"\\u{ord(character):04x}" if character < "\U00010000" else character
    )
