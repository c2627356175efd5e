"""Escapes text that a terminal would obey instead of showing it: output of tasks, names, reasons."""


def visible(text: str) -> str:
    """Make everything visible that does not print: C0, C1, escapes, bidi controls, lone surrogates, line ends.

    `str.isprintable` draws the line: by the categories of Unicode, `other` and `separator` but the space do not.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def storable(text: str) -> str:
    """Spell out lone surrogates, which no encoding and no database takes; a file name that is not UTF-8 has them."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
