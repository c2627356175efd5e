"""Passwords in URLs, which nobody is shown: not in messages, not in the lines of files that are quoted."""

import re
from typing import Final

_USER: Final = re.compile(r"(?<=://)([^\s:/@]{0,128}:)([^\s/\"']{1,512})(?=@)")
_WEB_PATH: Final = re.compile(r"(\bh[a-z]{1,8}://[^\s/\"'#]{1,300}/)([^\s\"']{1,2000})", re.IGNORECASE)
"""http, https, and what was meant to be one of them."""
_PARAMETER: Final = re.compile(r"(?<=[?&])(\w{0,16}password=|passwd=)([^\s&\"']{1,512})", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """Replace each character of a password by an asterisk, so that columns stay where they are."""
    if "://" not in text:
        return text
    return _PARAMETER.sub(_starred, _USER.sub(_starred, text))


def without_web_paths(text: str) -> str:
    """Do the same with what comes after the server in a web address: who knows it of a ping or a webhook can use it."""
    return _WEB_PATH.sub(_starred, text) if "://" in text else text


def has_password(url: str) -> bool:
    """Whether there is a password in it."""
    return _USER.search(url) is not None or _PARAMETER.search(url) is not None


def _starred(found: re.Match[str]) -> str:
    return found[1] + "*" * len(found[2])
