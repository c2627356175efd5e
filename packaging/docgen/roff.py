"""Man pages in roff (man(7)): the little that our pages need of it."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from rocketd import __version__
from rocketd.config.setting import Section, Setting
from rocketd.config.settings import SETTINGS

_MADE: Final = r".\" Made by `python -m docgen.rocketctl_reference`: change it there."


def page(title: str, section: int, name: str, purpose: str, body: Iterable[str]) -> str:
    """Put a page together."""
    head = [_MADE, f'.TH {title} {section} "" "rocketd {__version__}"', ".SH NAME", rf"{text(name)} \- {text(purpose)}"]
    return "\n".join([*head, *body, ""])


def text(words: str) -> str:
    """Escape what roff would obey; what stands between backquotes becomes bold."""
    escaped = words.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("†", r"\(dg")
    escaped = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", escaped)
    return r"\&" + escaped if escaped.startswith((".", "'")) else escaped


def item(term: str, words: str) -> Iterator[str]:
    """A term, and what it means."""
    yield from (".TP", rf"\fB{text(term)}\fR", text(words))


def see_also(*pages: str) -> Iterator[str]:
    """Where to read on."""
    yield ".SH SEE ALSO"
    for number, name in enumerate(pages, 1):
        title, _, section = name.partition("(")
        yield f".BR {text(title)} ({section}{',' * (number < len(pages))}"


_PLACES: Final = (
    ("/usr/lib/rocketd/tasks/*.toml", "installed by packages"),
    ("/run/rocketd/tasks/*.toml", "written by programs, until the next boot"),
    ("/etc/rocketd/*.toml", "written by the administrator"),
)

_FILES: Final = (
    "TOML files define the tasks. They are read in the order of their names, across all directories. "
    "A file in `/etc` or `/run` replaces one of the same name in `/usr/lib`; "
    "an empty file or a link to `/dev/null` hides it. "
    "A file and its directory must belong to root or to the user of the daemon, and be writable by nobody else. "
    "`rocketctl check` reports every problem of every file."
)

_NAMES: Final = (
    "The name of a task is 1 to 128 letters, digits, dots, underscores and hyphens, and begins with a letter or digit. "
    "A task needs a `command` or a `function`; everything else has a default. "
    "`[defaults]` sets defaults for the tasks of its file. It takes the same keys, except those marked †."
)

_SECTIONS: Final = {
    Section.TASK: _NAMES,
    Section.ROCKETD: "Only in `/etc/rocketd/rocketd.toml`: the daemon itself.",
    Section.STORE: "Only in `rocketd.toml`: where runs are recorded, and how long the records are kept.",
    Section.FLEET: "Only in `rocketd.toml`: one history and one view of several hosts. "
    "Without `url`, `host` and `tags` only serve the `hosts` of tasks.",
    Section.MAIL: "Only in `rocketd.toml`: mail about runs. Without this table no mail is sent.",
    Section.CALENDAR: "Only in `rocketd.toml`: what `workday` and `holiday` mean; `default` is meant without a name.",
    Section.TASK_MAIL: "In any task file: overrides `[mail]` for one task. `on = []` turns mail off.",
}

_EXAMPLE: Final = (
    "[task.backup]",
    'description = "Nightly copy of /srv"',
    'command = ["/usr/bin/restic", "backup", "/srv"]',
    "when = \"(daily | retry(3)) & time_of_day.between('01:00', '05:00')\"",
    'timeout = "2h"',
    'user = "backup"',
)


def settings_page() -> str:
    """Write rocketd.toml(5), from the table of settings."""
    return page("ROCKETD.TOML", 5, "rocketd.toml", "tasks and settings of rocketd", _settings_lines())


def _settings_lines() -> Iterator[str]:
    yield from (".SH DESCRIPTION", text(_FILES))
    for section, introduction in _SECTIONS.items():
        yield from (f".SH [{text(section)}]", text(introduction))
        for setting in SETTINGS[section].values():
            yield from _setting(setting)
    yield from (".SH EXAMPLES", ".nf", *map(text, _EXAMPLE), ".fi", ".SH FILES")
    for path, whose in _PLACES:
        yield from item(path, whose)
    yield from see_also("rocketd(8)", "rocketctl(1)", "rocketd.conditions(7)", "systemd.time(7)", "systemd.exec(5)")


def _setting(setting: Setting[object]) -> Iterator[str]:
    only = f" Only with `{setting.only}`." if setting.only else ""
    yield from item(
        f"{setting.key}{'' if setting.shared else ' †'} ({setting.kind.name})".replace("`", ""),
        f"{setting.meaning}{only} Default: {setting.shown}.",
    )
