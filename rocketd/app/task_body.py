"""What a task does: a function, a function of a file, a piece of code, or a command."""

import inspect
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from rocketd.core.dataclass import dataclass, field
from rocketd.core.errors import RocketdError
from rocketd.core.model.task import Command, Surroundings
from rocketd.core.shell_syntax import has_operator

ArgForm: TypeAlias = Literal["-", "--", "short", "long"]
_DASHES: Final[dict[ArgForm, str]] = {"-": "-", "short": "-", "--": "--", "long": "--"}


class Body(Protocol):
    """The work of a task, and its default name."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def is_coroutine(self) -> bool: ...
    def load(self) -> Callable[..., object]:
        """Return the function to call; raises whatever prevents that."""
        ...


@dataclass(frozen=True, slots=True)
class FunctionBody:
    """A function of the program."""

    function: Callable[..., object]

    def __post_init__(self) -> None:
        check_function(self.function)

    @property
    def name(self) -> str:
        name: object = getattr(self.function, "__name__", type(self.function).__name__)
        return str(name)

    @property
    def description(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def is_coroutine(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def load(self) -> Callable[..., object]:
        return self.function


@dataclass(frozen=True, slots=True)
class FileBody:
    """A function in a Python file, which is read for each run."""

    path: Path
    function: str = "main"
    sys_paths: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        return f"{'.'.join(self.path.with_suffix('').parts)}:{self.function}"

    @property
    def description(self) -> str:
        return ""

    @property
    def is_coroutine(self) -> bool:
        return False  # that is known when it has been read; a thread will do for both

    def load(self) -> "InFile":
        return InFile(self)

    def read(self) -> Callable[..., object]:
        """Run the file and return its function; raises whatever that raises."""
        root, name = _import_root(self.path.absolute())
        for place in (root, *self.sys_paths):
            if str(place) not in sys.path:
                sys.path.append(str(place))
        spec = spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.path} is not a Python file")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        function: Callable[..., object] = getattr(module, self.function)
        check_function(function)
        return function


def _import_root(path: Path) -> tuple[Path, str]:
    """Return from where a file is imported, and by which name: a file in a package by that of the package as well."""
    root, name = path.parent, path.stem
    while (root / "__init__.py").exists() and root != root.parent:
        root, name = root.parent, f"{root.name}.{name}"
    return root, name


def check_function(function: Callable[..., object]) -> None:
    """Raise RocketdError if it cannot be called, or if a call does not run its body."""
    if not callable(function):
        raise RocketdError(f"{function!r} cannot be called")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise RocketdError(f"{function.__name__} is a generator function: calling it does not run its body")


class InFile:
    """Reads the file when it is first needed; a child process reads it again."""

    def __init__(self, body: FileBody) -> None:
        self._body = body

    @cached_property
    def function(self) -> Callable[..., object]:
        """The function; raises whatever reading the file raises."""
        return self._body.read()

    def __call__(self, **parameters: object) -> object:
        return self.function(**parameters)

    def __reduce__(self) -> tuple[type["InFile"], tuple[FileBody]]:
        return InFile, (self._body,)


@dataclass(frozen=True, slots=True)
class CodeBody:
    """A piece of Python; its parameters are its variables, and so is `return_value`."""

    code: str
    result: str = "return_value"

    @property
    def name(self) -> str:
        raise RocketdError("a task made of code needs a name")

    @property
    def description(self) -> str:
        return ""

    @property
    def is_coroutine(self) -> bool:
        return False

    def load(self) -> Callable[..., object]:
        return _Code(self)


@dataclass(frozen=True, slots=True)
class _Code:
    body: CodeBody

    def __call__(self, **parameters: object) -> object:
        variables = dict(parameters)
        exec(compile(self.body.code, "<code>", "exec"), variables)  # noqa: S102 - it is the program's own
        return variables.get(self.body.result)


@dataclass(frozen=True, slots=True)
class CommandBody:
    """A program to run; its parameters become options."""

    command: str | tuple[str, ...]
    shell: bool = False
    cwd: str = ""
    argform: ArgForm = "--"
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if why := _command_error(self.command, shell=self.shell):
            raise RocketdError(f"{self.command!r} is not a command: {why}")
        if not self.shell and isinstance(self.command, str) and has_operator(self.command):
            hint = "add shell=True; or give a list, whose words are passed on as they are"
            raise RocketdError(f"{self.command!r} needs a shell", hint=hint)

    @property
    def name(self) -> str:
        return self.command if isinstance(self.command, str) else " ".join(self.command)

    @property
    def description(self) -> str:
        return ""

    @property
    def is_coroutine(self) -> bool:
        return False

    def load(self) -> Callable[..., object]:
        raise TypeError("a command is not a function")

    def work(self, parameters: Mapping[str, object]) -> Command:
        """Return the command with these parameters. It runs in the program's directory unless `cwd` is set."""
        options = [text for name, value in parameters.items() for text in (self._option(name), str(value))]
        around = Surroundings(
            directory=self.cwd or os.getcwd(),  # noqa: PTH109 - a text is what is wanted
            environment=tuple(self.environment.items()),
        )
        return Command(self._argv(options), surroundings=around)

    def _argv(self, options: Sequence[str]) -> tuple[str, ...]:
        if self.shell:
            text = self.command if isinstance(self.command, str) else " ".join(self.command)
            return ("/bin/sh", "-c", f'{text} "$@"' if options else text, "sh", *options)
        words = shlex.split(self.command) if isinstance(self.command, str) else self.command
        return (*words, *options)

    def _option(self, name: str) -> str:
        return name if name.startswith("-") else f"{_DASHES[self.argform]}{name}"


def _command_error(command: str | tuple[str, ...], *, shell: bool) -> str:
    """Return why it is not a command; empty: it is one."""
    if not command:
        return "it is empty"
    if isinstance(command, str):
        try:
            shlex.split("" if shell else command)
        except ValueError as error:
            return str(error)
        return ""
    return next((f"{word!r} is not text" for word in command if not isinstance(word, str)), "")
