"""The exceptions of rocketd, by who can fix the cause. Each has one sentence, and often a hint."""


class RocketdError(Exception):
    """Something that the operator can mend: printed as a sentence; a program's traceback has the hint as a note."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(hint)


class ConditionError(RocketdError):
    """A condition, or a value such as one holds, that cannot be built.

    `start` and `end` are offsets in the condition's text, in characters, between which the mistake stands;
    both are 0 where the condition was not written as text.
    `about` is the value at fault where that is one argument of a word: then the offsets count in it.
    """

    def __init__(self, message: str, *, hint: str = "", start: int = 0, end: int = 0, about: object = None) -> None:
        super().__init__(message, hint=hint)
        self.start = start
        self.end = end
        self.about = about


class ResourceShortage(RocketdError):
    """A start lacks a resource at the moment: a process, memory, a descriptor, disk space. Nothing has run."""

    def __init__(self, message: str, *, hint: str = "", shared: bool = True, own_limit: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.shared = shared
        """Whether the host lacks it, so that other tasks would fail as well; else only this task's user does."""
        self.own_limit = own_limit
        """Whether it is one of the task's own `limits` that does not allow it: waiting may not help."""


class StoreError(RocketdError):
    """The store could not do it."""

    def __init__(self, message: str, *, hint: str = "", temporary: bool = False, lasting: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.temporary = temporary
        """Whether trying again can help: locked, full, a connection lost."""
        self.lasting = lasting
        """Whether it lasts until somebody acts: full, read-only, a broken disk."""


class DuplicateRun(StoreError):
    """A run with this task and number is recorded already: it must not start again."""

    def __init__(self, message: str, *, hint: str = "", run_id: str = "") -> None:
        super().__init__(message, hint=hint)
        self.run_id = run_id
        """Of the recorded run; empty: not known. It is our own if an acknowledgement was lost."""
