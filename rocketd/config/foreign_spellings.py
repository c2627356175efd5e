"""How the keys and files of other schedulers are written here: the hints for whoever brings them along.

Keys are those of crontab(5), systemd.timer(5), systemd.service(5), Rocketry, APScheduler, Kubernetes' CronJob,
Ansible's `cron` and their kin, compared without regard to case, `-` and `_`.
"""

import re
from typing import Final

_WRITTEN: Final = {
    'command = ["/usr/bin/program", "argument"]': (
        "action args arguments argv cmd entrypoint exec executable execstart job program run script"
    ),
    'function = "package.module:function"': "callable func target",
    "parameters = { name = 1 }": "kwargs params",
    """when = "cron('0 3 * * *')\"""": "at cron cronexpression crontab crontime hour minute schedule starttime time",
    """when = "calendar('*-*-* 03:00')\"""": "calendar oncalendar",
    """when = "every('15 min')\"""": "every frequency hours interval minutes onunitactivesec period repeat seconds",
    """when = "every('15 min', based='finish')\"""": "onunitinactivesec",
    """when = "cron('0 3 * * *', within='10 min')\"""": "misfiregracetime startdeadline startingdeadlineseconds",
    'when = "daily"': "condition special specialtime startcond startcondition trigger triggers",
    """when = "daily.between('10:00', '12:00')\"""": "between window",
    """when = "daily | retry(3)\"""": (
        "attempts backofflimit maxattempts maxretries restart restartpolicy retries retry startlimitburst tries"
    ),
    """when = "daily | retry(3, delay='10 min')\"""": (
        "backoff restartsec retryafter retrybackoff retrydelay retryinterval retrywait"
    ),
    """when = "after_success('other')\"""": "after depends dependson needs parent requires runafter upstream",
    """stop_when = "~time_of_day.between('22:00', '06:00')\"""": "endcond endcondition stopcond stopcondition",
    'on = "boot"': "onboot onbootsec onstartupsec reboot",
    'splay = "10 min"': "accuracysec jitter randomdelay randomizeddelaysec randomizedoffsetsec",
    'timeout = "1 h"': (
        "activedeadlineseconds deadline executiontimeout maxduration maxruntime runtimemaxsec timelimit timeoutsec"
    ),
    'kill_grace = "10s"': "grace graceperiod killafter killdelay killtimeout stoptimeout timeoutstopsec",
    'overlap = "wait"': "allowoverlap concurrency concurrencypolicy concurrent maxinstances multilaunch nooverlap",
    'mutex = "name"': "flock lock lockfile",
    'user = "backup"': "account becomeuser owner runas runasuser uid username",
    'group = "backup"': "gid groupname runasgroup",
    'directory = "/srv/data"': "chdir cwd dir home pwd workdir workingdir workingdirectory",
    'environment = { NAME = "value" }': "env envs envvar envvars path variables vars",
    'environment_files = ["/etc/default/program"]': "dotenv envfile environmentfile",
    'timezone = "Europe/Helsinki"': "crontz tz zone",
    'output_file = "/var/log/program.log"; the journal has the output in any case': (
        "log logfile logpath logs output standarderror standardoutput stderr stderrfile stdout stdoutfile"
    ),
    'mail = { receivers = ["root"], on = ["fail"] }': (
        "email emailonfailure emails emailto mailon mailonfailure mailto mailwhen notifyemail"
    ),
    'on_start = ["/usr/local/bin/prepare"]': "execstartpre prerun",
    'on_success = ["/usr/local/bin/done"]': "onok onsuccesscallback",
    'on_fail = ["/usr/local/bin/alarm"]': "failurehook onerror onfailure onfailurecallback",
    'on_end = ["/usr/local/bin/clean-up"]': "execstoppost finally postrun",
    'webhooks = ["NAME"], and [webhook.NAME] in rocketd.toml': "alert notification notifications notify slack webhook",
    'ping = "https://ping.example.com/…"': "healthcheck healthchecks heartbeat pingurl",
    "success_codes = [0, 3]": "exitcodes okcodes successexitcodes successexitstatus",
    'fails_on = ["stderr"]': "failonstderr failswhen",
    "limits = { nofile = 1024 }": "rlimits ulimit ulimits",
    'unit = { MemoryMax = "2G", CPUQuota = "50%" }': "cpu cpuquota cpus memory memorylimit memorymax resources",
    'unit = { IOSchedulingClass = "idle" }': "ionice",
    "enabled = false": "active disable disabled inactive state suspend suspended",
    'description = "…"': "comment displayname summary title",
    'tags = ["db"]': "category label labels",
    'hosts = ["web*"]': "host hostname node nodename nodes",
    'max_age = "26 h"': "freshness",
    'slow_after = "1 h"': "expectedruntime sla warnafter",
    'formerly = "old-name"': "alias aliases oldname renamedfrom",
}  # fmt: skip
"""How it is written here, and what it is called elsewhere."""

_EXPLAINED: Final = {
    "the name of a task is in its header, [task.NAME]": "id jobname name taskname",
    "leave it out: after a downtime, the newest start that was missed is made up for": (
        "anacron catchup coalesce makeup persistent runmissed"
    ),
    "leave it out: each run is a process of its own": "background daemonize detach execution fork",
}

OF_TIMERS: Final = "rocketctl import --timers makes task files of systemd's timers and their services"
UNIT_SECTIONS: Final = ("Unit", "Service", "Timer", "Install")
_CRON_CHARACTERS: Final = frozenset("0123456789*/,-~")
_NICKNAMES: Final = frozenset(
    ("@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
)
_LOOKED_AT: Final = 4096
"""How many characters of a file show what it is."""
_HINTS: Final = {
    **{key: f"write {line}" for line, keys in _WRITTEN.items() for key in keys.split()},
    **{key: sentence for sentence, keys in _EXPLAINED.items() for key in keys.split()},
}
_SYSTEMD: Final = re.compile(r"[A-Z][a-zA-Z0-9]*[a-z][A-Z][a-zA-Z0-9]*")


def foreign_key_hint(key: str) -> str:
    """Return how a key of another scheduler is written here; empty if it is not known."""
    hint = _HINTS.get(key.casefold().replace("_", "").replace("-", ""), "")
    if not hint and _SYSTEMD.fullmatch(key):
        return f"a setting of systemd belongs into the table unit: unit = {{ {key} = … }}"
    return hint


def foreign_file_hint(text: str, pos: int) -> str:
    """Say what to do with a file of cron or systemd, which is no TOML from `pos` on; empty if it is neither."""
    start = text.rfind("\n", 0, pos) + 1
    words = text[start : start + _LOOKED_AT].split("\n", 1)[0].split(maxsplit=5) or [""]
    if words[0] in _NICKNAMES or (words[5:] and all(set(word) <= _CRON_CHARACTERS for word in words[:2])):
        return "rocketctl import --crontab FILE makes task files of a crontab"
    return OF_TIMERS if any(f"[{section}]\n" in text[:_LOOKED_AT] for section in UNIT_SECTIONS) else ""
