"""A Sphinx extension: pages of the manual in the form of man pages (man-pages(7)).

On a terminal a table of sentences is a column of broken words. A row becomes an item: its first cell is the term, its
second the text, and each further cell a line with the head of its column. A link to another page becomes its text.
What a page begins with is its DESCRIPTION, and it ends with SEE ALSO.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

_SEE_ALSO = (
    "rocketd(8), rocketctl(1), rocketd.toml(5), rocketd.conditions(7), rocketd-journal-fields(7), rocketd-security(7); "
    "the whole manual: /usr/share/doc/rocketd/html"
)


class ManPage(SphinxPostTransform):
    """Changes a page that the builder `man` writes."""

    default_priority = 400
    builders = ("man",)

    def run(self, **_: object) -> None:
        """Change it."""
        for table in list(self.document.findall(nodes.table)):
            _table_to_list(table)
        for link in list(self.document.findall(nodes.reference)):
            if not link.get("refuri", "").startswith("http"):
                link.replace_self(link.children)
        for page in self.document.findall(nodes.section):
            if page.parent is self.document or isinstance(page.parent, addnodes.start_of_file):
                _describe(page)


def _table_to_list(table: nodes.table) -> None:
    heads = [cell.astext() for cell in next(iter(table.findall(nodes.thead))).findall(nodes.entry)]
    body = next(iter(table.findall(nodes.tbody)))
    table.replace_self(nodes.definition_list("", *(_item(row, heads) for row in body.findall(nodes.row))))


def _describe(page: nodes.section) -> None:
    """Put what stands before the first section into one of its own."""
    opening = list(takewhile(lambda node: not isinstance(node, nodes.section), page.children[1:]))
    for node in opening:
        page.remove(node)
    page.insert(1, nodes.section("", nodes.title("", "Description"), *opening, ids=["description"]))
    page += nodes.section("", nodes.title("", "See also"), nodes.paragraph("", _SEE_ALSO), ids=["see-also"])


def _item(row: nodes.row, heads: list[str]) -> nodes.definition_list_item:
    first, *others = row.findall(nodes.entry)
    definition = nodes.definition("")
    for number, cell in enumerate(others):
        if cell.astext():
            definition += nodes.paragraph("", "", *_labelled(heads[number + 1] if number else "", cell))
    return nodes.definition_list_item("", nodes.term("", "", *_inline(first)), definition)


def _labelled(head: str, cell: nodes.entry) -> Iterator[nodes.Node]:
    if head:
        yield nodes.Text(f"{head}: ")
    yield from _inline(cell)


def _inline(cell: nodes.entry) -> Iterator[nodes.Node]:
    for paragraph in cell.children:
        yield from paragraph.deepcopy().children if isinstance(paragraph, nodes.Element) else [paragraph]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_post_transform(ManPage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
