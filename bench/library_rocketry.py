"""The row "library" with Rocketry 2.5, in an interpreter of its own."""

import time

from library_work import TASKS, Request, report, work, work_on_loop
from rocketry import Rocketry
from rocketry.conds import condition


def main() -> None:
    request = Request.read()
    done = condition()(request.is_done)
    app = Rocketry(execution=request.execution, cycle_sleep=request.cycle_sleep, shut_cond=done)
    for number in range(TASKS):
        app.task("always true", name=f"t{number}")(work_on_loop if request.execution == "async" else work)
    began = time.monotonic()
    app.run()
    report(request, began)


if __name__ == "__main__":
    main()
