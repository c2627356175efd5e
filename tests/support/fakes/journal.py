"""A journal in memory, for tests of those who tell."""

from rocketd.core.messages.message import Message, Priority


class ListJournal:
    """Keeps every entry in a list."""

    def __init__(self) -> None:
        self.entries: list[Message] = []

    def write(self, entry: Message) -> bool:
        self.entries.append(entry)
        return True

    def is_enabled(self, priority: Priority) -> bool:  # noqa: ARG002 - everything
        return True

    @property
    def messages(self) -> list[str]:
        """The sentences, in order."""
        return [entry.message for entry in self.entries]
