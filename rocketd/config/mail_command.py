"""The kind of values that are programs which send mail."""

from rocketd.config import value_types
from rocketd.config.problems import BadValue


def mail_command(value: object) -> tuple[str, ...]:
    """Take a program and its arguments; the path alone is called as sendmail(8) is."""
    command = value_types.command(value)
    if isinstance(command, str):
        command = (command, "-t", "-i")
    if not command[0].startswith("/") or " " in command[0]:
        hint = 'for example ["/usr/sbin/sendmail", "-t", "-i"]'
        raise BadValue("this must be the absolute path of a program, with its arguments in a list", hint)
    return command
