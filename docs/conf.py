"""How Sphinx makes the manual of these pages: the site (`make docs`) and the man pages of section 7."""

import re
import sys
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

_TOP = Path(__file__).parents[1]
_SOURCE = (_TOP / "rocketd" / "__init__.py").read_text()
sys.path.insert(0, str(_TOP / "packaging"))

project = "rocketd"
author = "The rocketd project"
copyright = author  # noqa: A001 - the name that Sphinx reads
version = release = re.findall(r'^__version__ = "(.*)"', _SOURCE, re.MULTILINE)[0]

extensions = ["myst_parser", "docgen.man_pages"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
smartquotes = False  # what is quoted is typed as it stands
nitpicky = True
html_theme = "furo"
html_title = f"rocketd {release}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

today = f"rocketd {release}"  # where man pages have their date
man_pages = [
    ("reference/conditions", "rocketd.conditions", "the words that decide when a task runs", "", 7),
    ("reference/journal-fields", "rocketd-journal-fields", "the fields of rocketd in the journal", "", 7),
    ("explanation/security", "rocketd-security", "who may do what on a host with rocketd", "", 7),
]


def setup(app: Sphinx) -> None:
    """Show a diagram as the text that draws it: its pictures would need a program from elsewhere in the browser."""
    app.add_lexer("mermaid", TextLexer)
