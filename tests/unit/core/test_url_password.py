"""No password of a URL is shown, wherever the URL stands."""

import pytest

from rocketd.core.url_password import has_password, without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:secret@db/log", "postgresql://me:******@db/log"),
        ("url = 'postgresql://:secret@db'", "url = 'postgresql://:******@db'"),
        ("postgresql://me:p@ss?word@db/log", "postgresql://me:*********@db/log"),
        ("postgresql://db/log?user=me&password=secret&x=1", "postgresql://db/log?user=me&password=******&x=1"),
        ("postgresql://db/log?sslpassword=secret", "postgresql://db/log?sslpassword=******"),
        ("postgresql://me@db:5432/log?application_name=a@b", "postgresql://me@db:5432/log?application_name=a@b"),
        ("at 12:00 me@db", "at 12:00 me@db"),
    ],
)
def test_each_character_of_a_password_is_an_asterisk(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
    assert has_password(text) is (text != shown)


def test_no_text_keeps_the_reader_busy() -> None:
    without_passwords("://a:" * 20_000 + "?password=" * 20_000)
