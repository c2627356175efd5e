"""Who may use the page of `rocketctl web`: whoever has exchanged the token of its address for the session.

The token is good for one exchange. A wrong guess does not use it up, or any user of the host could lock its owner out;
but after some wrong guesses another token takes its place, so that nobody can go on guessing.
"""

import hmac
import secrets
from collections.abc import Callable
from threading import Lock
from typing import Final

GUESSES: Final = 10
"""Wrong guesses that one token survives."""


class PageAccess:
    """The token and the session. Safe to use from several threads."""

    def __init__(self, replaced: Callable[[str], None], secret: Callable[[], str] = secrets.token_urlsafe) -> None:
        """`replaced` gets the new token whenever there is one after the first; `secret` makes tokens and sessions."""
        self._replaced = replaced
        self._secret = secret
        self._lock = Lock()
        self._token: str | None = secret()
        self._session = secret()
        self._guesses = 0

    @property
    def token(self) -> str | None:
        """The token; None once it has been exchanged."""
        return self._token

    def exchange(self, token: str) -> str | None:
        """Return the session for the token; None if it is wrong, or has been exchanged."""
        with self._lock:
            if self._token is None or not _same(token, self._token):
                return None
            self._token = None
            return self._session

    def count_guess(self) -> None:
        """Note that somebody has tried a wrong token."""
        with self._lock:
            if self._token is None:
                return
            self._guesses += 1
            if self._guesses == GUESSES:
                self._guesses, self._token = 0, self._secret()
                self._replaced(self._token)

    def allows(self, authorization: str) -> bool:
        """Tell whether an Authorization header holds the session."""
        scheme, _, credentials = authorization.partition(" ")
        return scheme.lower() == "bearer" and _same(credentials.strip(), self._session)


def _same(given: str, expected: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
