"""What the replies of a mail server mean: refused for good, or to be tried again."""

import smtplib

import pytest

from rocketd.mail.queue import MailRefused
from rocketd.mail.redmail_sender import RedmailSender, _error_from_refusals, _partly_accepted

SENDER = RedmailSender("mail.example.com", 25, username="web01")


def test_only_a_refusal_of_all_receivers_for_good_is_final() -> None:
    both = {"a": (550, b"no such user"), "b": (554, b"no")}
    error = _error_from_refusals(smtplib.SMTPRecipientsRefused(both))
    assert isinstance(error, MailRefused)
    assert str(error) == "550 no such user; 554 no"
    one = _error_from_refusals(smtplib.SMTPRecipientsRefused({**both, "c": (452, b"mailbox full")}))
    assert isinstance(one, OSError)


def test_receivers_who_were_refused_for_good_are_told_from_those_to_try_again() -> None:
    partly = _partly_accepted({"a": (550, b"no such user"), "b": (452, b"mailbox full")})
    assert (partly.refused, partly.later) == ({"a": "550 no such user"}, {"b": "452 mailbox full"})


@pytest.mark.parametrize(
    ("code", "final"), [(421, False), (450, False), (550, True), (554, True), (530, False), (535, False)]
)
def test_a_reply_of_5xx_is_final_unless_it_is_about_the_login(code: int, final: bool) -> None:  # noqa: FBT001 - a value
    error = SENDER._error_from_reply(smtplib.SMTPResponseException(code, b"text"))  # noqa: SLF001 - the rule itself
    assert isinstance(error, MailRefused) is final
    assert "refuses the login as web01" in str(error) or code not in {530, 535}
