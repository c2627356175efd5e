"""docs/reference/library.md is what the docstrings say."""

from pathlib import Path

from docgen.library_reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "library.md"


def test_the_page_is_what_the_docstrings_say() -> None:
    """`PYTHONPATH=.:packaging python -m docgen.library_reference > docs/reference/library.md` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_everything_on_the_page_says_what_it_is() -> None:
    """A public name without a docstring is nothing for those who never saw it."""
    bare = [line for line in reference().splitlines() if line.startswith("- `") and not line.partition("`: ")[2]]
    assert all("Repo`" in line for line in bare), bare
    assert "| |" not in reference().replace("| option | value | |", "")
