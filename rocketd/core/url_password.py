"""Passwords in URLs, which nobody is shown: not in messages, not in the lines of files that are quoted."""

import re
from typing import Final

_USER: Final = re.compile(r"(?<=://)([^\s:/@]{0,128}:)([^\s/\"']{1,512})(?=@)")
_PARAMETER: Final = re.compile(r"(?<=[?&])(\w{0,16}password=|passwd=)([^\s&\"']{1,512})", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """Replace each character of a password by an asterisk, so that columns stay where they are."""
    if "://" not in text:
        return text
    return _PARAMETER.sub(_starred, _USER.sub(_starred, text))


def has_password(url: str) -> bool:
    """Whether there is a password in it."""
    return _USER.search(url) is not None or _PARAMETER.search(url) is not None


def _starred(found: re.Match[str]) -> str:
    return found[1] + "*" * len(found[2])
