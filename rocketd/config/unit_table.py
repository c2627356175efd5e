"""The table `unit` of a task: what systemd itself is told about the units of its runs, in systemd's own words.

Keys and values are those of systemd.exec(5), systemd.resource-control(5) and systemd.kill(5), for the section
[Service]. What rocketd sets itself is refused, with the setting that does it here.
"""

import re
from typing import Final

from rocketd.config.problems import BadValue
from rocketd.config.value_types import each, string, toml_type, wrong_type

UnitLines = tuple[tuple[str, str], ...]

_KEY: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
_OURS: Final = {
    "User": "user", "Group": "group", "WorkingDirectory": "directory", "UMask": "umask", "Nice": "nice",
    "Environment": "environment", "EnvironmentFile": "environment_files", "SuccessExitStatus": "success_codes",
    "TimeoutStopSec": "kill_grace", "TimeoutSec": "timeout", "RuntimeMaxSec": "timeout",
    "StandardInputText": "parameters", "StandardInputData": "parameters", "RestartSec": "restart_delay",
}  # fmt: skip
"""What a setting of the task says."""
_PATTERNS: Final = {
    "Exec(Start|Stop|Reload|Condition)(Pre|Post|Ex)?": "command",
    "Limit[A-Z]+": "limits",
    "Restart[A-Za-z]*": "when",
}
_NOT_POSSIBLE: Final = frozenset(
    {
        *("Type", "ExitType", "RemainAfterExit", "PIDFile", "BusName", "NotifyAccess", "WatchdogSec", "GuessMainPID"),
        *("FileDescriptorStoreMax", "FileDescriptorStorePreserve", "OpenFile", "Sockets", "NonBlocking", "PAMName"),
        *(
            "StandardInput",
            "StandardOutput",
            "StandardError",
            "SyslogIdentifier",
            "SyslogLevelPrefix",
            "LogExtraFields",
        ),
        *("TTYPath", "KillMode", "KillSignal", "SendSIGHUP", "SendSIGKILL", "FinalKillSignal", "TimeoutStartSec"),
        *("TimeoutAbortSec", "TimeoutStartFailureMode", "TimeoutStopFailureMode", "RootDirectoryStartOnly"),
        *("RootDirectory", "RootImage", "IgnoreSIGPIPE"),
    }
)
"""What rocketd needs as it is: it is told by it how a run goes on, or starts its launcher by it."""
_PUBLIC: Final = "SetCredential"


def unit(value: object) -> UnitLines:
    """Take settings of systemd, as the lines of a file."""
    if type(value) is not dict:
        raise wrong_type("a table", value, "write [task.NAME.unit]")
    settings = each(((key, (key, item)) for key, item in value.items()), _setting)
    return tuple(line for lines in settings for line in lines)


def _setting(named: tuple[str, object]) -> UnitLines:
    key, value = named
    if not _KEY.fullmatch(key):
        raise BadValue(f"'{key}' is not the name of a setting of systemd", "as in MemoryMax", at_key=True)
    _refuse(key)
    items = value if type(value) is list else [value]
    return tuple((key, _text(item)) for item in items)


def _refuse(key: str) -> None:
    ours = _OURS.get(key) or next((ours for pattern, ours in _PATTERNS.items() if re.fullmatch(pattern, key)), "")
    if ours:
        raise BadValue(f"{key} is set by rocketd", f"the setting '{ours}' of the task says it", at_key=True)
    if key in _NOT_POSSIBLE:
        raise BadValue(f"{key} cannot be set: rocketd relies on what it is", at_key=True)
    if key == _PUBLIC:
        hint = "use LoadCredential with a file that only root can read, or SetCredentialEncrypted"
        raise BadValue(f"{key} would let everybody on this host read it", hint, at_key=True)


def _text(value: object) -> str:
    """Write a value as systemd reads it."""
    if type(value) is bool:
        return "yes" if value else "no"
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise BadValue(f"this must be text, a number, a boolean or a list of them, not {toml_type(value)}")
    text = string(value)
    if any(not character.isprintable() and character != "\t" for character in text) or text.endswith("\\"):
        raise BadValue("a setting of systemd is one line")
    return text


def joined(below: UnitLines, above: UnitLines) -> UnitLines:
    """Put a task's own settings over the defaults of its file, key by key."""
    own = {key for key, _ in above}
    return (*(line for line in below if line[0] not in own), *above)
