# Made from the table of verbs by `python -m docgen.rocketctl_reference`: change it there.
_rocketctl_actions='run success fail terminate inaction crash missed withdrawn'
declare -gA _rocketctl_kinds=(
    [list]=task
    [show]=subject
    [history]=task
    [export]=task
    [prune]=none
    [log]=subject
    [why]=task
    [explain]=condition
    [simulate]=path
    [calendar]=text
    [stats]=task
    [timeline]=task
    [run]=task
    [stop]=running
    [pause]=task
    [resume]=paused
    [check]=path
    [edit]=task
    [new]=text
    [import]=none
    [reload]=none
    [status]=none
    [fleet]=text
    [health]=task
    [metrics]=none
    [web]=none
)
declare -gA _rocketctl_options=(
    [none]='-H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help --version'
    [list]='--failed --running --paused --overdue --missing --tag --file --sort --fleet -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [show]='-H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [history]='--since --until --action -n --limit --fleet -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [export]='--since --until --action --csv -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [prune]='--before --dry-run -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [log]='-f --follow --stderr -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [why]='--all --at -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [explain]='-n --count --from --timezone --boot --splay --each-run --task -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [simulate]='--from --to -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [calendar]='-H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [stats]='--since -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [timeline]='--day --since --until --svg -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [run]='--wait --exit-code --as-scheduled -y --yes -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [stop]='--wait --all -y --yes -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [pause]='--until --reason --all -y --yes -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [resume]='--all -y --yes -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [check]='--diff --against -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [edit]='-y --yes -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [new]='-y --yes -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [import]='--crontab --cron-d --user-crontabs --anacrontab --timers --output --compare --disable --undo -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [reload]='-H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [status]='-H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [fleet]='-y --yes -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [health]='--max-age -w --warning -c --critical -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [metrics]='--format --textfile -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
    [web]='--port --write --no-browser -H --host --config-dir --state-dir --runtime-dir --user --json --no-pager -l --full --help'
)
_rocketctl_tasks() { rocketctl list --json 2>/dev/null | grep -o '"task": "[^"]*"' | cut -d '"' -f 4; }
_rocketctl_runs() { rocketctl history --limit 20 --json 2>/dev/null | grep -o '"task": "[^"]*", "run_id": "[^"]*", "number": [1-9][0-9]*' | sed 's,^"task": "\([^"]*\)".*: \(.*\)$,\1/\2,'; }
_rocketctl_running() { rocketctl list --running --json 2>/dev/null | grep -o '"task": "[^"]*"' | cut -d '"' -f 4; }
_rocketctl_active() { rocketctl history --action run --limit 20 --json 2>/dev/null | grep -o '"task": "[^"]*", "run_id": "[^"]*", "number": [1-9][0-9]*' | sed 's,^"task": "\([^"]*\)".*: \(.*\)$,\1/\2,'; }
_rocketctl_paused() { rocketctl list --paused --json 2>/dev/null | grep -o '"task": "[^"]*"' | cut -d '"' -f 4; }
_rocketctl_tags() { rocketctl list --json 2>/dev/null | grep -o '"tags": [[][^]]*' | cut -d '[' -f 2 | grep -o '[^", ]*' | sort -u; }
_rocketctl_times=$'now\ntoday\nyesterday\n1h ago\n1d ago\n7d ago\ntomorrow\nin 1h'

_rocketctl_quoted_times() {
    local IFS=$'\n'
    compgen -W "$_rocketctl_times" -- "$1" | sed 's/ /\\ /g'
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
        --since | --until | --before | --at | --from | --boot | --to | --day) mapfile -t COMPREPLY < <(_rocketctl_quoted_times "$word"); return ;;
        --tag) mapfile -t COMPREPLY < <(compgen -W "$(_rocketctl_tags)" -- "$word"); return ;;
        --sort) mapfile -t COMPREPLY < <(compgen -W "next last name" -- "$word"); return ;;
        -n | --limit | --count | --timezone | --splay | --task | --reason | --timers | --compare | --max-age | -w | --warning | -c | --critical | --format | --port) return ;;
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
