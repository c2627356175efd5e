"""What the journal has of a run, when it does not answer."""

import asyncio
import socket
from pathlib import Path

from rocketd.executor.unit.run_journal import JournalFacts, Question, RunJournal

ENDED = Question("rocketd-once-1.service", "no-such-run", 4096, failed=False)


def test_an_end_does_not_wait_for_a_journal_that_hangs(tmp_path: Path) -> None:
    """The socket of journald takes the connection and never answers."""
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()

        async def ask() -> JournalFacts:
            return await asyncio.wait_for(RunJournal(str(path), time_limit=0.05).facts(ENDED), 1.5)

        assert asyncio.run(ask()) == JournalFacts("")
