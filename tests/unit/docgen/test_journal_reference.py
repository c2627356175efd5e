"""Every field and message id of the journal is in its page."""

import re
from pathlib import Path

from docgen.journal_reference import field_names, reference

TOP = Path(__file__).parents[3]
SOURCES = [*(TOP / "rocketd/core/messages").glob("*.py"), *(TOP / "rocketd/daemon").glob("*.py")]


def test_the_page_is_up_to_date() -> None:
    """`PYTHONPATH=.:packaging python -m docgen.journal_reference > docs/reference/journal-fields.md` writes it anew."""
    assert (TOP / "docs/reference/journal-fields.md").read_text() == reference()


def test_every_field_that_is_written_is_explained_and_no_other() -> None:
    written = {name for source in SOURCES for name in re.findall(r'"(ROCKETD_[A-Z_]+)"', source.read_text())}
    assert sorted(field_names()) == sorted(written)
