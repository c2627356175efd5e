"""The names of signals; a module of its own because rocketctl imports it for each answer."""

from signal import Signals


def signal_name(number: int) -> str:
    """Return `SIGTERM` for 15; for a signal without a name its number as text."""
    try:
        return Signals(number).name
    except ValueError:
        return str(number)
