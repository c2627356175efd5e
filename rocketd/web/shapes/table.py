"""All shapes by name, with the keys that they have."""

from collections.abc import Mapping
from typing import Final

from rocketd.web.shapes.daemon_shapes import DAEMON_SHAPES
from rocketd.web.shapes.run_shapes import RUN_SHAPES
from rocketd.web.shapes.shape import EVENT, Key, Shape
from rocketd.web.shapes.task_shapes import TASK_SHAPES

SHAPES: Final[Mapping[str, Shape]] = {shape.name: shape for shape in (*TASK_SHAPES, *RUN_SHAPES, *DAEMON_SHAPES)}

EVENTS: Final = tuple(name for name in SHAPES if name.startswith(EVENT))
"""The names of the shapes of events."""

TASK_KEYS: Final = tuple(key.name for key in SHAPES["Task"].keys)
"""The keys that can be asked for in a page of tasks."""


def keys_of(name: str) -> tuple[Key, ...]:
    """Return all keys of a shape: those of the shape that it extends come first, unless it has them itself."""
    shape = SHAPES[name]
    if not shape.extends:
        return shape.keys
    own = {key.name for key in shape.keys}
    first, *others = keys_of(shape.extends)
    inherited = [first, *(key._replace(optional=key.optional or shape.partial) for key in others)]
    return (*(key for key in inherited if key.name not in own), *shape.keys)
