"""How much is wrong in the task files, in one line."""

from typing import NamedTuple

from rocketd.core.plural import counted


class FileProblems(NamedTuple):
    """Problems counted by their effect: the first four are what errors have done."""

    files: int = 0
    """Files of which nothing is loaded."""
    missing: int = 0
    """Their tasks, as far as their names are known."""
    kept: int = 0
    """Files whose last good tasks stay."""
    tasks: int = 0
    """Tasks that are not loaded though others of their files are."""
    errors: int = 0
    """All other errors."""
    warnings: int = 0

    def __str__(self) -> str:
        """Return `1 file not loaded (4 tasks missing), 11 warnings`; empty: nothing is wrong."""
        missing = f" ({counted(self.missing, 'task')} missing)" if self.missing else ""
        other = "other error" if any((self.files, self.kept, self.tasks)) else "error"
        effects = (
            (self.files, f"{counted(self.files, 'file')} not loaded{missing}"),
            (self.kept, f"{counted(self.kept, 'file')} kept as before"),
            (self.tasks, f"{counted(self.tasks, 'task')} not loaded"),
            (self.errors, counted(self.errors, other)),
            (self.warnings, counted(self.warnings, "warning")),
        )
        return ", ".join(text for count, text in effects if count)
