"""Completions for bash, zsh and fish, made from the table of verbs."""

from collections.abc import Iterator
from typing import Final

from rocketd.cli.command_table import ACTIONS, GLOBAL, VERBS
from rocketd.cli.command_types import OptionKind, Verb, VerbArgument, VerbOption
from rocketd.cli.overview_verbs import SORT_ORDERS

_MADE: Final = "# Made from the table of verbs by `python -m docgen.rocketctl_reference`: change it there."

# Both ask rocketctl itself, which answers from the daemon, or from files and store; without either there is nothing.
_TASKS: Final = """rocketctl list --json 2>/dev/null | grep -o '"task": "[^"]*"' | cut -d '"' -f 4"""
_RUNNING: Final = _TASKS.replace("list --json", "list --running --json")
_PAUSED: Final = _TASKS.replace("list --json", "list --paused --json")
_TAGS: Final = (
    """rocketctl list --json 2>/dev/null | grep -o '"tags": [[][^]]*' | cut -d '[' -f 2"""
    """ | grep -o '[^", ]*' | sort -u"""
)
_RUNS: Final = (
    "rocketctl history --limit 20 --json 2>/dev/null"
    """ | grep -o '"task": "[^"]*", "run_id": "[^"]*", "number": [1-9][0-9]*'"""
    """ | sed 's,^"task": "\\([^"]*\\)".*: \\(.*\\)$,\\1/\\2,'"""
)
_ACTIVE: Final = _RUNS.replace("--limit 20", "--action run --limit 20")
_TIMES: Final = ("now", "today", "yesterday", "1h ago", "1d ago", "7d ago", "tomorrow", "in 1h")


def _options(verb: Verb) -> tuple[VerbOption, ...]:
    return (*verb.options, *GLOBAL)


def _words(options: tuple[VerbOption, ...]) -> str:
    return " ".join(name for option in options for name in option.names)


def bash() -> str:
    """The script that bash reads."""
    return "\n".join([_MADE, *_bash_lists(), *_bash_program().strip("\n").split("\n"), ""])


def _bash_program() -> str:
    program = _BASH.replace("%VALUED%", _valued()).replace("%TIMED%", " | ".join(_of_kinds(OptionKind.TIME)))
    program = program.replace("%TAGGED%", " | ".join(_of_kinds(OptionKind.TAG)))
    program = program.replace("%ORDERED%", " | ".join(_of_kinds(OptionKind.ORDER)))
    return program.replace("%ORDERS%", " ".join(SORT_ORDERS))


def _valued() -> str:
    """The options whose values cannot be listed."""
    return " | ".join(_of_kinds(*_FREE))


def _of_kinds(*kinds: OptionKind) -> list[str]:
    """The options whose values are of these kinds."""
    names = {name: None for verb in VERBS for option in verb.options if option.kind in kinds for name in option.names}
    return [*names]


_FREE: Final = (OptionKind.NUMBER, OptionKind.TEXT, OptionKind.ZONE)

_BASH: Final = """
_rocketctl_quoted_times() {
    local IFS=$'\\n'
    compgen -W "$_rocketctl_times" -- "$1" | sed 's/ /\\\\ /g'
}

_rocketctl_complete() {
    local word=${COMP_WORDS[COMP_CWORD]} before= verb= each
    for each in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        [[ -z $verb && $before != --*-dir && -n ${_rocketctl_kinds[$each]+there} ]] && verb=$each
        before=$each
    done
    COMPREPLY=()
    case $before in
        --config-dir | --state-dir | --runtime-dir) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        --action) mapfile -t COMPREPLY < <(compgen -W "$_rocketctl_actions" -- "$word"); return ;;
        %TIMED%) mapfile -t COMPREPLY < <(_rocketctl_quoted_times "$word"); return ;;
        %TAGGED%) mapfile -t COMPREPLY < <(compgen -W "$(_rocketctl_tags)" -- "$word"); return ;;
        %ORDERED%) mapfile -t COMPREPLY < <(compgen -W "%ORDERS%" -- "$word"); return ;;
        %VALUED%) return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${_rocketctl_options[${verb:-none}]}" -- "$word")
    elif [[ -z $verb ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${!_rocketctl_kinds[*]}" -- "$word")
    else
        case ${_rocketctl_kinds[$verb]} in
            task) mapfile -t COMPREPLY < <(compgen -W "$(_rocketctl_tasks)" -- "$word") ;;
            subject) mapfile -t COMPREPLY < <(compgen -W "$(_rocketctl_tasks; _rocketctl_runs)" -- "$word") ;;
            running) mapfile -t COMPREPLY < <(compgen -W "$(_rocketctl_running; _rocketctl_active)" -- "$word") ;;
            paused) mapfile -t COMPREPLY < <(compgen -W "$(_rocketctl_paused)" -- "$word") ;;
            path) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        esac
    fi
}

complete -F _rocketctl_complete rocketctl
"""


def _bash_lists() -> Iterator[str]:
    yield f"_rocketctl_actions='{' '.join(ACTIONS)}'"
    yield "declare -gA _rocketctl_kinds=("
    yield from (f"    [{verb.name}]={_kind(verb)}" for verb in VERBS)
    yield ")"
    yield "declare -gA _rocketctl_options=("
    yield f"    [none]='{_words(GLOBAL)} --help --version'"
    yield from (f"    [{verb.name}]='{_words(_options(verb))} --help'" for verb in VERBS)
    yield ")"
    yield f"_rocketctl_tasks() {{ {_TASKS}; }}"
    yield f"_rocketctl_runs() {{ {_RUNS}; }}"
    yield f"_rocketctl_running() {{ {_RUNNING}; }}"
    yield f"_rocketctl_active() {{ {_ACTIVE}; }}"
    yield f"_rocketctl_paused() {{ {_PAUSED}; }}"
    yield f"_rocketctl_tags() {{ {_TAGS}; }}"
    yield "_rocketctl_times=$'" + "\\n".join(_TIMES) + "'"
    yield ""


def _kind(verb: Verb) -> str:
    return verb.arguments[0].kind.name.lower() if verb.arguments else "none"


def zsh() -> str:
    """The script that zsh reads."""
    return "\n".join(["#compdef rocketctl", _MADE, *_zsh_lines(), ""])


def _zsh_lines() -> Iterator[str]:
    yield f'_rocketctl_tasks() {{ compadd -- ${{(f)"$({_TASKS})"}} }}'
    yield f'_rocketctl_runs() {{ compadd -- ${{(f)"$({_RUNS})"}} }}'
    yield f'_rocketctl_running() {{ compadd -- ${{(f)"$({_RUNNING})"}} ${{(f)"$({_ACTIVE})"}} }}'
    yield f'_rocketctl_paused() {{ compadd -- ${{(f)"$({_PAUSED})"}} }}'
    yield f'_rocketctl_tags() {{ compadd -- ${{(f)"$({_TAGS})"}} }}'
    yield f"_rocketctl_times() {{ compadd -- {' '.join(map(_zsh_quoted, _TIMES))} }}"
    yield "_rocketctl_subjects() { _rocketctl_tasks; _rocketctl_runs }"
    yield "_rocketctl_verbs() {"
    yield "    local -a verbs=("
    yield from (f"        {_zsh_quoted(f'{verb.name}:{verb.help}')}" for verb in VERBS)
    yield "    )"
    yield "    _describe verb verbs"
    yield "}"
    yield "_rocketctl() {"
    yield "    local curcontext=$curcontext state line"
    yield "    local -a everywhere=("
    yield from (f"        {spec}" for option in GLOBAL for spec in _zsh_specs(option))
    yield "        '--help[explain]'"
    yield "    )"
    yield "    _arguments -C $everywhere '--version[print the version]' '1:verb:_rocketctl_verbs' '*::argument:->verb'"
    yield "    [[ $state == verb ]] || return"
    yield "    case $line[1] in"
    for verb in VERBS:
        specs = [spec for option in verb.options for spec in _zsh_specs(option)]
        specs += map(_zsh_argument, verb.arguments)
        yield f"        {verb.name}) _arguments {' '.join([*specs, '$everywhere'])} ;;"
    yield "    esac"
    yield "}"
    yield '_rocketctl "$@"'


_ZSH_VALUES: Final = {
    OptionKind.TASK: "_rocketctl_tasks",
    OptionKind.SUBJECT: "_rocketctl_subjects",
    OptionKind.RUN: "_rocketctl_runs",
    OptionKind.RUNNING: "_rocketctl_running",
    OptionKind.PAUSED: "_rocketctl_paused",
    OptionKind.TAG: "_rocketctl_tags",
    OptionKind.TIME: "_rocketctl_times",
    OptionKind.ORDER: f"({' '.join(SORT_ORDERS)})",
    OptionKind.ACTION: f"({' '.join(ACTIONS)})",
    OptionKind.DIRECTORY: "_files -/",
    OptionKind.PATH: "_files",
}


def _zsh_specs(option: VerbOption) -> Iterator[str]:
    value = "" if option.kind is OptionKind.FLAG else f":{option.metavar.lower()}:{_ZSH_VALUES.get(option.kind, ' ')}"
    described = option.help.replace("[", r"\[").replace("]", r"\]").replace(":", r"\:")
    for name in option.names:
        yield _zsh_quoted(f"{'*' * option.repeats}{name}[{described}]{value}")


def _zsh_argument(argument: VerbArgument) -> str:
    place = {"": "1:", "?": "1::", "*": "*:"}[argument.how_many]
    return _zsh_quoted(f"{place}{argument.metavar.lower()}:{_ZSH_VALUES.get(argument.kind, ' ')}")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def fish() -> str:
    """The script that fish reads."""
    return "\n".join([_MADE, *_fish_lines(), ""])


def _fish_lines() -> Iterator[str]:
    yield f"function __rocketctl_tasks; {_TASKS}; end"
    yield f"function __rocketctl_runs; {_RUNS}; end"
    yield f"function __rocketctl_running; {_RUNNING}; end"
    yield f"function __rocketctl_active; {_ACTIVE}; end"
    yield f"function __rocketctl_paused; {_PAUSED}; end"
    yield f"function __rocketctl_tags; {_TAGS}; end"
    yield f"function __rocketctl_times; printf '%s\\n' {' '.join(map(_fish_quoted, _TIMES))}; end"
    yield "complete -c rocketctl -f"
    for option in GLOBAL:
        yield _fish_option(option, "")
    for verb in VERBS:
        yield f"complete -c rocketctl -n __fish_use_subcommand -a {verb.name} -d {_fish_quoted(verb.help)}"
        chosen = f" -n '__fish_seen_subcommand_from {verb.name}'"
        for argument in verb.arguments:
            yield f"complete -c rocketctl{chosen} {_FISH_VALUES.get(argument.kind, '-x')}"
        for option in verb.options:
            yield _fish_option(option, chosen)


_FISH_VALUES: Final = {
    OptionKind.TASK: "-a '(__rocketctl_tasks)'",
    OptionKind.SUBJECT: "-a '(__rocketctl_tasks; __rocketctl_runs)'",
    OptionKind.RUN: "-a '(__rocketctl_runs)'",
    OptionKind.RUNNING: "-a '(__rocketctl_running; __rocketctl_active)'",
    OptionKind.PAUSED: "-a '(__rocketctl_paused)'",
    OptionKind.TAG: "-x -a '(__rocketctl_tags)'",
    OptionKind.TIME: "-x -a '(__rocketctl_times)'",
    OptionKind.ORDER: f"-x -a '{' '.join(SORT_ORDERS)}'",
    OptionKind.ACTION: f"-x -a '{' '.join(ACTIONS)}'",
    OptionKind.DIRECTORY: "-x -a '(__fish_complete_directories)'",
    OptionKind.PATH: "-F",
}


def _fish_option(option: VerbOption, chosen: str) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    value = "" if option.kind is OptionKind.FLAG else f" {_FISH_VALUES.get(option.kind, '-x')}"
    return f"complete -c rocketctl{chosen} {names}{value} -d {_fish_quoted(option.help)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
