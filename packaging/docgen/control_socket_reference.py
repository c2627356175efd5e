"""What is made of the table of shapes: the tables of the manual, the OpenAPI document, and the types of the page.

    python -m docgen.control_socket_reference .      # with PYTHONPATH=.:packaging: writes them again

In the manual, a table stands between `<!-- table: WHICH -->` and `<!-- end -->`.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from rocketd.web.api import ROUTES
from rocketd.web.openapi import ERRORS, document
from rocketd.web.shapes.route_table import ANSWERS, PARAMETERS
from rocketd.web.shapes.shape import EVENT, Key, Kind
from rocketd.web.shapes.table import EVENTS, SHAPES, keys_of

PAGE: Final = "docs/reference/control-socket.md"
OPENAPI: Final = "rocketd/web/openapi.json"
TYPES: Final = "rocketd/page/static/types.js"

_BLOCK: Final = re.compile(r"(<!-- table: ([\w :]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def paths() -> Iterator[str]:
    """Return the table of the routes."""
    yield "| method | path | parameters | answer |"
    yield "|---|---|---|---|"
    for route in ROUTES:
        names = " ".join(f"`{name}`" for name in route.parameters)
        answer = ANSWERS[route.method, route.path].meaning
        yield f"| {route.method} | `{route.path}` | {names} | {answer} |"


def parameters() -> Iterator[str]:
    """Return the table of the parameters."""
    yield "| parameter | |"
    yield "|---|---|"
    yield from (f"| `{name}` | {parameter.meaning} |" for name, parameter in PARAMETERS.items())


def errors() -> Iterator[str]:
    """Return the table of the statuses."""
    yield "| status | |"
    yield "|---|---|"
    yield "| 200 | done |"
    yield from (f"| {status} | {meaning} |" for status, meaning in ERRORS.items())


def events() -> Iterator[str]:
    """Return the table of the events."""
    yield "| event | keys | |"
    yield "|---|---|---|"
    for name in EVENTS:
        shape = SHAPES[name]
        own = " ".join(f"`{key.name}`" for key in shape.keys if key.name != "event")
        base = f"those of a [{shape.extends.lower()}](#{_anchor(shape.extends)})" if shape.extends else ""
        yield f"| `{name.removeprefix(EVENT)}` | {' '.join(filter(None, (base, own)))} | {shape.meaning} |"


def keys(name: str) -> Iterator[str]:
    """Return the table of a shape."""
    shape = SHAPES[name]
    if shape.extends:
        rest = ", and:" if shape.keys else "."
        yield f"The keys of a [{shape.extends.lower()}](#{_anchor(shape.extends)}){rest}"
        yield ""
    if shape.meaning:
        yield f"{shape.meaning}."
        yield ""
    if not shape.keys:
        return
    yield "| key | type | |"
    yield "|---|---|---|"
    yield from (f"| `{key.name}` | {_type(key)} | {key.meaning} |" for key in shape.keys)


def _type(key: Key) -> str:
    kind = f"[{key.of.lower()}](#{_anchor(key.of)})" if key.of else str(key.kind)
    if key.kind is Kind.BAR:
        kind = "array"
    return f"{'array of ' if key.array else ''}{kind}{' or null' if key.null else ''}"


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


_TABLES: Final = {"paths": paths, "parameters": parameters, "errors": errors, "events": events}


def described(page: str) -> str:
    """Return the page of the manual with its tables as they are now."""

    def table(found: re.Match[str]) -> str:
        lines = _TABLES[found[2]]() if found[2] in _TABLES else keys(found[2])
        return f"{found[1]}\n" + "\n".join(lines) + f"\n\n{found[3]}"

    return _BLOCK.sub(table, page)


def openapi() -> str:
    """Return the OpenAPI document."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


_JAVASCRIPT: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "string",
    Kind.INTEGER: "number",
    Kind.SECONDS: "number",
    Kind.FLAG: "boolean",
    Kind.INSTANT: "string",
    Kind.BAR: "[number, string, string | null, string]",
}


def types() -> str:
    """Return the types of answers and events for JavaScript, as comments of JSDoc."""
    lines = ["// The types of what the daemon answers. Made by docgen.control_socket_reference: do not edit.", ""]
    for name, shape in SHAPES.items():
        lines += ["/**", f" * {shape.meaning or name}", f" * @typedef {{object}} {_class(name)}"]
        lines += [f" * @property {{{_javascript(key)}}} {_property(key)}" for key in keys_of(name)]
        lines += [" */", ""]
    union = " | ".join(_class(name) for name in EVENTS)
    return "\n".join([*lines, f"/** @typedef {{{union}}} AnyEvent */", "", "export {};", ""])


def _class(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in name.split())


def _property(key: Key) -> str:
    name = f"[{key.name}]" if key.optional else key.name
    meaning = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", key.meaning)
    return f"{name} {meaning}".rstrip()


def _javascript(key: Key) -> str:
    kind = _class(key.of) if key.of else _JAVASCRIPT[key.kind]
    if key.words:
        kind = " | ".join(f'"{word}"' for word in key.words)
    if key.array:
        kind = f"({kind})[]" if " " in kind else f"{kind}[]"
    return f"{kind} | null" if key.null else kind


def main(root: Path) -> None:
    """Write what has changed."""
    page = root / PAGE
    made = {page: described(page.read_text()), root / OPENAPI: openapi(), root / TYPES: types()}
    for path, text in made.items():
        if path.parent.is_dir() and (not path.exists() or path.read_text() != text):
            path.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
