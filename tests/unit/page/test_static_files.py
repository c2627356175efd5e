"""The files of the page, as texts: nothing in them parses HTML, and no sentence is left over."""

import re
from pathlib import Path

import pytest

import rocketd.page
from rocketd.page.static_files import static_files

STATIC = Path(rocketd.page.__file__).parent / "static"
SCRIPTS = sorted(STATIC.rglob("*.js"))
LINES = 300

# What makes elements or code of texts, or what the policy of the page forbids.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc"
    r"|\beval\(|new Function|javascript:|https?://(?!www\.w3\.org/2000/svg)"
)
# Their keys are what the daemon says.
LOOKED_UP = re.compile(
    r"\b(states|triggers|causes|outcomes|executors|legend|orders|choices|actions|periods|tiles|views|verdicts): \{"
)


def name_of(path: Path) -> str:
    return str(path.relative_to(STATIC))


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_makes_elements_of_texts_nowhere(path: Path) -> None:
    assert not FORBIDDEN.findall(path.read_text())


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_script_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LINES or "do not edit" in text.splitlines()[0]
    assert text.startswith("// ")


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_what_a_script_imports_is_there(path: Path) -> None:
    for names, target in re.findall(r"import \{([^}]*)\} from \"([^\"]+)\"", path.read_text()):
        text = (path.parent / target).resolve().read_text()
        for name in names.split(","):
            bare = name.split(" as ")[0].strip()
            assert re.search(rf"export (async )?(function|const|class) {bare}\b|export \{{[^}}]*\b{bare}\b", text), bare


def test_a_view_that_is_loaded_later_is_there_under_its_name() -> None:
    (listed,) = re.findall(r"const LAZY = \[([^]]*)\]", (STATIC / "main.js").read_text())
    views = {path.stem for path in (STATIC / "views").iterdir()}
    assert {*re.findall(r"\w+", listed), "overview"} == views
    for name in views:
        assert f"export function {name}(" in (STATIC / "views" / f"{name}.js").read_text()


def test_all_that_the_first_view_needs_is_asked_for_at_once() -> None:
    """One level of imports after the other, it would take as many round trips as there are levels."""
    page = (STATIC / "index.html").read_text()
    asked = [
        *re.findall(r'<link rel="modulepreload" href="([^"]+)">', page),
        *re.findall(r'<script[^>]*src="([^"]+)"', page),
    ]
    needed, missing = set[str](), ["main.js", "http.js"]
    while missing:
        path = STATIC / missing.pop()
        needed.add(name_of(path))
        imported = re.findall(r"^import .* from \"([^\"]+)\"", path.read_text(), re.MULTILINE)
        missing += {name_of((path.parent / target).resolve()) for target in imported} - needed
    assert sorted(asked) == sorted(needed)


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    page = (STATIC / "index.html").read_text()
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == ["", ""]
    assert not re.search(r"<style|\bstyle=|\bon\w+=", page)


def test_all_files_are_served() -> None:
    served = set(static_files())
    assert {f"/{name_of(path)}" for path in SCRIPTS} | {"/", "/index.html", "/style.css", "/icon.svg"} == served


def test_every_sentence_is_used() -> None:
    others = "\n".join(path.read_text() for path in SCRIPTS if path.name != "words.js")
    taken_apart = set(re.findall(r"\w+", " ".join(re.findall(r"\{([^{}]*)\} = ", others))))
    looked_up = False
    unused = set()
    for line in (STATIC / "words.js").read_text().splitlines():
        if re.match(r" {4}\w", line):
            looked_up = False
        looked_up = looked_up or bool(LOOKED_UP.search(line))
        keys = [] if looked_up else re.findall(r"(?:^\s*|[{,] )(\w+): ", line)
        unused |= {key for key in keys if f".{key}" not in others and key not in taken_apart}
    assert not unused
