"""The row "library" with rocketd: a program as one would write it."""

import time

from library_work import TASKS, Request, report, work, work_on_loop

from rocketd import Rocketd
from rocketd.conds import condition


def main() -> None:
    request = Request.read()
    app = Rocketd(execution=request.execution, restart_delay=0, shut_cond=condition(every="0.1 s")(request.is_done))
    for number in range(TASKS):
        app.task("true", name=f"t{number}")(work_on_loop if request.execution == "async" else work)
    began = time.monotonic()
    app.run()
    report(request, began)


if __name__ == "__main__":
    main()
