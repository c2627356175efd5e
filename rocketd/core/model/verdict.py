"""What a condition answers about a moment."""

from enum import Enum
from typing import Final, NamedTuple

from rocketd.core.instant import BEGINNING, FOREVER, Instant


class Answer(Enum):
    """Whether a condition holds. `UNKNOWN` starts nothing and stops nothing, and neither does its negation."""

    FOR = True
    AGAINST = False
    UNKNOWN = None


FOR: Final = Answer.FOR
AGAINST: Final = Answer.AGAINST
UNKNOWN: Final = Answer.UNKNOWN


class Verdict(NamedTuple):
    """An answer, and how long it is good."""

    answer: Answer
    until: Instant = FOREVER
    """A safe bound: the answer cannot change before it unless an event comes. Later than the moment asked."""
    since: Instant = BEGINNING
    """From when the deciding parts have held: gives a run its due. As good as the answer."""
