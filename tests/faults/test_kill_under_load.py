"""kill -9 at random moments, while 200 runs a second begin and end; the tasks keep their own ledger.

20 kills, or as many as ROCKETD_KILLS says (`make kill`); ROCKETD_SEED replays.
"""

import os
import secrets
from collections import Counter
from pathlib import Path
from random import Random

from support.daemon_process import Daemon
from support.run_ledger import NOTE, reconcile, reconcile_at_rest, told

KILLS = os.environ.get("ROCKETD_KILLS", "20")
SEED = int(os.environ.get("ROCKETD_SEED", secrets.randbelow(10**9)))

QUICK = 195
SLOW = 5
CHECKED_EVERY = 20


def tasks(directory: Path) -> str:
    note = NOTE % directory
    quick = [(f"quick{number}", note) for number in range(QUICK)]
    slow = [(f"slow{number}", f"{note}; sleep 2") for number in range(SLOW)]
    return "".join(
        f"[task.{name}]\ncommand = '{command}'\nshell = true\nwhen = \"every('1 s')\"\n"
        for name, command in quick + slow
    )


def test_random_kills_under_load_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    chance = Random(SEED)  # noqa: S311 - to be replayed, not a secret
    print(f"ROCKETD_SEED={SEED}")  # noqa: T201 - how to replay
    ends: Counter[str] = Counter()
    kills = 1000 if KILLS == "all" else int(KILLS)
    with Daemon(tmp_path) as daemon:
        daemon.write("rocketd.toml", "[rocketd]\nshutdown_grace = '0s'\n")
        daemon.write("tasks.toml", tasks(tmp_path))
        for kill in range(1, kills + 1):
            lines = chance.choice((chance.randint(0, 6), chance.randint(0, 400), chance.randint(0, 1200)))
            daemon.spawn()
            daemon.until(lambda least=lines: len(daemon.lines) >= least or daemon.has_closed())  # type: ignore[misc]
            assert not daemon.has_closed(), "\n".join(daemon.lines)
            daemon.kill()
            ends += told(daemon.lines)
            daemon.lines.clear()
            daemon.notices.clear()
            if kill % CHECKED_EVERY == 0:
                begun, _ = reconcile(daemon, ends)
                assert begun
        daemon.start()
        assert daemon.stop_at_once() == 0
        begun, recorded = reconcile_at_rest(daemon, ends + told(daemon.lines))
    summary = f"{kills} kills, {begun} runs in the ledger, {recorded} recorded, {ends.total()} ends told"
    print(summary)  # noqa: T201 - for the report
