"""What to write instead of a command that is a string."""

import json
import shlex

from rocketd.core.shell_syntax import needs_shell


def command_hint(command: str) -> str:
    """Return how a command that was written as a string can be written instead."""
    try:
        words = [] if needs_shell(command) else shlex.split(command)
    except ValueError:
        words = []
    if not words:
        return "add shell = true"
    return f"add shell = true, or write {json.dumps(words, ensure_ascii=False)}"
