"""Dataclasses as the standard library makes them, in a quarter of the time.

Up to Python 3.12 that compiles each method of each class by itself, six for a frozen one: a quarter of the time in
which a verb of `rocketctl` starts. Here only the constructor is compiled; the methods that compare, hash and show an
instance are closures. Type checkers take this for the standard library's own, and they alone see to it that nobody
assigns to a frozen instance: at run time nothing prevents it, which makes instances cheaper as well.
"""

from dataclasses import field as field  # noqa: PLC0414 - for those who import it from here
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414, TID251 - as above
else:
    import dataclasses
    from collections.abc import Callable, Sequence
    from functools import partial
    from operator import attrgetter

    def dataclass(
        cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True
    ) -> type | Callable[[type], type]:
        """Make a dataclass of a class; what it defines itself is kept."""
        if cls is None:
            return partial(dataclass, frozen=frozen, slots=slots, eq=eq)
        made = dataclasses.dataclass(slots=slots, eq=False, repr=False)(cls)  # noqa: TID251 - this is where it is made
        fields = dataclasses.fields(made)
        methods = {"__repr__": _shown_by([field.name for field in fields if field.repr])}
        if eq:
            values = _values_of([field.name for field in fields if field.compare])
            methods |= {"__eq__": _equal_by(values), "__hash__": _hashed_by(values) if frozen else None}
        for name, method in methods.items():
            if name not in vars(cls):
                setattr(made, name, method)
        return made

    def _values_of(names: Sequence[str]) -> Callable[[object], object]:
        return attrgetter(*names) if names else lambda _: ()

    def _equal_by(values: Callable[[object], object]) -> Callable[[object, object], bool]:
        return lambda self, other: (
            values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented
        )

    def _hashed_by(values: Callable[[object], object]) -> Callable[[object], int]:
        return lambda self: hash(values(self))

    def _shown_by(names: Sequence[str]) -> Callable[[object], str]:
        return lambda self: (
            f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"
        )
