"""What an engine's client does that nobody expected."""

import asyncio
from pathlib import Path

from rocketd.core.instant import SECOND
from rocketd.core.model.engine import Engine, EngineCommands, EngineKind
from rocketd.core.model.events import Finished, Spawned, Withdrawn
from rocketd.core.model.run import Run, Trigger
from rocketd.core.model.task import Command, Task
from rocketd.daemon.clock import SystemClock
from rocketd.executor.engine.executor import EngineExecutor
from rocketd.executor.engine.job import EngineClient, Job, JobState, JobStatus
from rocketd.executor.engine.submission_notes import SubmissionNotes
from support.event_loop import looped

NOW = 1_795_950_000 * SECOND
RUN = Run("train", 1, "0190f3c1-a2b4-7c3e-8d5f-60718293a4b5", 1, NOW, NOW, Trigger.SCHEDULE, "it was time")
ENGINE = Engine(EngineKind.COMMANDS, EngineCommands(("/a",), ("/b",), ("/c",)), SECOND)


class Broken:
    """Both all clients and the only one: a submission ends in a defect, and the engine does not have the job."""

    def of(self, engine: Engine) -> EngineClient:  # noqa: ARG002 - whichever
        return self

    async def submit(self, job: Job) -> str:  # noqa: ARG002 - whichever
        raise ValueError("unexpected")

    async def status(self, job: Job) -> JobStatus:  # noqa: ARG002 - whichever
        return JobStatus(JobState.ABSENT)

    async def cancel(self, job: Job) -> None:
        pass

    async def forget(self, job: Job) -> None:
        pass

    async def close(self) -> None:
        pass


@looped
async def test_a_submission_that_ends_in_a_defect_leaves_no_run_behind(tmp_path: Path) -> None:
    """It may have been made: so the engine is asked, and says that it does not have the job."""
    reported: asyncio.Queue[Spawned | Finished | Withdrawn] = asyncio.Queue()
    defects: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: defects.append(context["exception"]))
    executor = EngineExecutor(
        reported.put_nowait,
        lambda *_: None,
        clients=Broken(),
        notes=SubmissionNotes(tmp_path),
        clock=SystemClock(),
        settle=0,
    )
    executor.start(Task("train", Command(("/bin/true",)), engine=ENGINE), RUN)
    outcome = await asyncio.wait_for(reported.get(), 30)
    assert isinstance(outcome, Withdrawn)
    assert outcome.reason == "commands does not have it: unexpected"
    assert [str(one) for one in defects] == ["unexpected"]
    assert executor.active_count == 0
    await executor.close()
