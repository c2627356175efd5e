"""The kind of values that are secret: written down, or where to find them."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from rocketd.config import value_types
from rocketd.config.problems import BadValue
from rocketd.config.value_types import ValueType
from rocketd.core.model.secret import Secret
from rocketd.core.suggestion import did_you_mean

_PLACES: Final = ("file", "credential")
_MAX_URL: Final = 2_000


def secret_place(value: object, *, others: tuple[str, ...] = ()) -> Secret:
    """Take `{ file = "/path" }` or `{ credential = "name" }`; `others` are further keys that somebody else reads."""
    if type(value) is not dict:
        raise value_types.wrong_type("a table", value)
    for name in value:
        if name not in (*_PLACES, *others):
            hint = did_you_mean(name, (*_PLACES, *others)) or 'write { file = "/path" } or { credential = "name" }'
            raise BadValue(f"a secret has no key '{name}'", hint, path=(name,), at_key=True)
    given = [name for name in _PLACES if name in value]
    if len(given) != 1:
        raise BadValue("this must have either file or credential", 'for example { file = "/etc/rocketd/ping" }')
    if given == ["file"]:
        return Secret(file=_under("file", value_types.path, value["file"]))
    return Secret(credential=_under("credential", _credential, value["credential"]))


def _under(name: str, read: Callable[[object], str], value: object) -> str:
    try:
        return read(value)
    except BadValue as mistake:
        raise BadValue.of(mistake.under((name,))) from None


def _credential(value: object) -> str:
    text = value_types.non_empty(value)
    if "/" in text or text in (".", ".."):
        raise BadValue("this must be the name of a credential, not a path", "see LoadCredential= in systemd.exec(5)")
    return text


def secret_url(value: object) -> Secret:
    """Take a URL of a web server, or where to find it."""
    return Secret(web_url(value)) if type(value) is str else secret_place(value)


def web_url(value: object) -> str:
    """Take a URL of a web server; what is wrong with it is said without quoting it."""
    text = value_types.non_empty(value)
    hint = 'for example "https://example.com/ping/backup"'
    if not text.isascii() or any(character <= " " for character in text) or len(text) > _MAX_URL:
        raise BadValue(f"a URL has only ASCII characters, no blanks, and at most {_MAX_URL} of them", hint)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise BadValue("this is not a URL", hint) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadValue("this is not a URL that begins with https:// or http://", hint)
    return text


def secret_text(value: object) -> Secret:
    """Take a text, or where to find it."""
    return Secret(value_types.non_empty(value)) if type(value) is str else secret_place(value)


SECRET_URL: Final = ValueType("URL, or table", secret_url)
