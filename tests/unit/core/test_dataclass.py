"""Our dataclasses are those of the standard library: each statement is asked of both."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any, Final

import pytest

from rocketd.core.dataclass import dataclass

STANDARD: Final[Callable[..., Any]] = dataclasses.dataclass
OURS: Final[Callable[..., Any]] = dataclass
BOTH: Final = pytest.mark.parametrize("made_by", [STANDARD, OURS], ids=["standard", "ours"])


def point(made_by: Callable[..., Any], **options: bool) -> Any:  # noqa: ANN401 - a class of either kind
    class Point:
        """A point."""

        x: int
        y: int = 2
        notes: list[str] = field(default_factory=list, compare=False)
        hidden: str = field(default="", repr=False)
        double: int = field(init=False, default=0, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "double", 2 * self.x)

    return made_by(**options)(Point)


@pytest.mark.parametrize("options", [{}, {"slots": True}, {"frozen": True}, {"frozen": True, "slots": True}], ids=str)
def test_both_make_the_same_of_a_class(options: dict[str, bool]) -> None:
    standard, ours = point(STANDARD, **options), point(OURS, **options)
    for made in (standard, ours):
        assert made(1) == made(1, notes=["other"])
        assert made(1) != made(2)
        assert made(1, hidden="s") != made(1)
        assert made(1) != (1, 2)
    assert str(inspect.signature(ours)) == str(inspect.signature(standard))
    assert repr(ours(1, hidden="s")) == repr(standard(1, hidden="s"))
    assert dataclasses.asdict(ours(1)) == dataclasses.asdict(standard(1))
    assert dataclasses.replace(ours(1), x=3).double == dataclasses.replace(standard(1), x=3).double == 6
    assert ours.__match_args__ == standard.__match_args__
    assert hasattr(ours(1), "__dict__") == hasattr(standard(1), "__dict__")
    assert ours.__doc__ == standard.__doc__


@BOTH
def test_a_frozen_instance_is_found_by_its_values(made_by: Callable[..., Any]) -> None:
    made = point(made_by, frozen=True, slots=True)
    assert {made(1): "found"}[made(1, notes=["other"])] == "found"


@BOTH
def test_an_instance_that_may_change_cannot_be_a_key(made_by: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(point(made_by, slots=True)(1))


@BOTH
def test_without_values_two_instances_are_equal(made_by: Callable[..., Any]) -> None:
    class Nothing:
        """Without a field."""

    made = made_by(frozen=True, slots=True)(Nothing)
    assert made() == made()
    assert hash(made()) == hash(made())


@BOTH
def test_what_a_class_defines_itself_is_kept(made_by: Callable[..., Any]) -> None:
    class Own:
        """With methods of its own."""

        x: int

        def __eq__(self, other: object) -> bool:
            return other == "anything"

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    one = made_by(frozen=True, slots=True)(Own)(1)
    assert (one == "anything", hash(one), repr(one)) == (True, 7, "own")


@BOTH
def test_equality_is_inherited_where_none_is_asked_for(made_by: Callable[..., Any]) -> None:
    class Base:
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment] # as Python sets it

    class Derived(Base):
        """By identity, were it not for its base."""

        x: int

    made = made_by(frozen=True, slots=True, eq=False)(Derived)
    assert made(1) == made(2)


@BOTH
def test_a_derived_class_counts_the_values_of_both(made_by: Callable[..., Any]) -> None:
    base = point(made_by, frozen=True, slots=True)
    derived = made_by(frozen=True, slots=True)(type("Derived", (base,), {"__annotations__": {"z": int}, "z": 0}))
    assert derived(1, z=5) != derived(1, z=6)
    assert derived(1) != base(1)
    assert repr(derived(1)).endswith("z=0)")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is pickled must be found by its name."""

    x: int
    y: tuple[int, ...] = ()


def test_instances_are_copied_and_pickled() -> None:
    one = Kept(1, (2, 3))
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own
