"""One run that is handed off: its job, and what is known of it."""

import asyncio
from typing import Final

from rocketd.core.dataclass import dataclass, field
from rocketd.core.instant import Duration
from rocketd.core.model.engine import Engine
from rocketd.executor.engine.decision import JobFacts
from rocketd.executor.engine.job import EngineClient, Job

_OVERLAP: Final = 200
"""Characters by which the end of an older tail is found in a newer one."""


@dataclass(slots=True)
class EngineRun:
    """A run that has not been reported as finished or withdrawn."""

    job: Job
    engine: Engine
    client: EngineClient
    facts: JobFacts
    since: Duration
    """Since when, by the steady clock, nobody else can have submitted its job: the start, or the adoption."""
    adopted: bool = False
    """Whether another daemon has, or may have, submitted it."""
    spawned: bool = False
    output: str = ""
    """The tail of what it has printed, as far as the engine has said."""
    begun_line: str = ""
    """What it has printed of a line that is not complete yet."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set if the engine is to be asked at once."""

    def new_lines(self, output: str, *, ended: bool) -> list[str]:
        """Return the lines that are new in what it has printed by now; once it has `ended`, also one that is cut off.

        Of a tail that has moved on, what follows the end of the old one is new.
        """
        known = self.output[-_OVERLAP:]
        if output.startswith(self.output):
            begin = len(self.output)
        elif (found := output.rfind(known)) >= 0:
            begin = found + len(known)
        else:  # more than the whole tail is new: it begins within a line
            begin, self.begun_line = output.find("\n") + 1, ""
        self.output = output
        *lines, self.begun_line = (self.begun_line + output[begin:]).split("\n")
        if ended and self.begun_line:
            lines.append(self.begun_line)
        return lines

    @property
    def submitted(self) -> bool:
        """Whether the engine may have the job."""
        return self.facts.noted_at > 0 or self.adopted
