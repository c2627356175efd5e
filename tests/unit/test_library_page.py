"""The examples of docs/how-to/python-library.md can be typed in, one after the other."""

import re
from pathlib import Path

from rocketd import Rocketd

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "python-library.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_every_example_works_after_those_before_it() -> None:
    """All but the one that needs FastAPI, which must at least be Python."""
    namespace: dict[str, object] = {"__name__": "page"}
    for block in BLOCKS:
        code = compile(block, str(PAGE), "exec")
        if "fastapi" not in block:
            exec(code, namespace)  # noqa: S102 - our own documentation
    app = namespace["app"]
    assert isinstance(app, Rocketd)
    assert {"tidy_up", "look_around", "report", "load", "import_orders", "maintenance.tidy"} <= {
        task.name for task in app.session.tasks
    }
    assert str(app.session["maintenance.tidy"].start_cond) == 'daily & time_of_day.after("20:00")'
    tests = [value for name, value in namespace.items() if name.startswith("test_") and callable(value)]
    assert len(tests) == 2
    for test in tests:
        test()
