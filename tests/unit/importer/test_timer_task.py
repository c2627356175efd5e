"""Timers with their services, in the forms in which packages ship them."""

from pathlib import Path

import pytest

from rocketd.config import load
from rocketd.importer.exec_line import read_exec
from rocketd.importer.sources import ImportRequest, read_sources
from rocketd.importer.task_draft import NotImported, TaskDraft
from rocketd.importer.task_file_text import task_file_text
from rocketd.importer.timer_task import timer_task
from rocketd.importer.unit_directories import UnitDirectories
from rocketd.importer.unit_file import UnitFile, UnknownSpecifier, expanded

SERVICE = "[Service]\nType=oneshot\nExecStart=/usr/bin/true --all\n"


def draft(timer: str, service: str = SERVICE) -> TaskDraft:
    one = result(timer, service)
    assert isinstance(one, TaskDraft), one
    return one


def result(timer: str, service: str) -> TaskDraft | NotImported:
    units = UnitFile.read("it.timer", [f"[Timer]\n{timer}"]), UnitFile.read("it.service", [service])
    return timer_task(*units, "it.timer")


@pytest.mark.parametrize(
    ("timer", "when"),
    [
        ("OnCalendar=daily\nPersistent=true", "calendar('daily')"),
        ("OnCalendar=*-*-* 6:00", "calendar('*-*-* 6:00', within='1min')"),
        ("OnCalendar=*:0/15\nRandomizedDelaySec=300", "calendar('*:0/15', within='6min')"),
        ("OnCalendar=Mon 3:00\nOnCalendar=Thu 4:00\nPersistent=yes", "calendar('Mon 3:00') | calendar('Thu 4:00')"),
        ("OnCalendar=daily\nOnCalendar=\nOnCalendar=weekly\nPersistent=1", "calendar('weekly')"),
        (
            "OnBootSec=15min\nOnUnitActiveSec=1d",
            "(~started.this_boot & host_up(more_than='15min')) | (every('1d') & started.this_boot)",
        ),
        (
            "OnStartupSec=600\nOnUnitInactiveSec=1h",
            "(~started.this_boot & host_up(more_than='10min')) | (every('1h', based='finish') & started.this_boot)",
        ),
        ("OnBootSec=1", "~started.this_boot & host_up(more_than='1s')"),
        ("OnUnitActiveSec=2h", "every('2h')"),
    ],
)
def test_when_a_timer_starts(timer: str, when: str) -> None:
    assert draft(timer).when == when


def test_a_byte_order_mark_is_left_out_as_by_systemd() -> None:
    unit = UnitFile.read("it.timer", ["\ufeff[Timer]\nOnCalendar=daily\n", "\ufeff[Timer]\nPersistent=yes\n"])
    assert unit.all("Timer", "OnCalendar") == ["daily"]
    assert unit.flag("Timer", "Persistent")


def test_a_directory_that_may_be_missing_is_told() -> None:
    one = draft("OnCalendar=daily", SERVICE + "WorkingDirectory=-/srv/app\n")
    assert one.settings["directory"] == "/srv/app"
    assert any("WorkingDirectory=-/srv/app" in missing for missing in one.missing)
    assert "directory" not in draft("OnCalendar=daily", SERVICE + "WorkingDirectory=-~\n").settings


def test_at_boot() -> None:
    one = draft("OnBootSec=0\nOnUnitActiveSec=1h")
    assert one.settings["on"] == "boot"
    assert one.when == "every('1h') & started.this_boot"


@pytest.mark.parametrize(
    ("timer", "splay"),
    [
        ("RandomizedDelaySec=12h", {"most": "12h", "each": "run"}),
        ("RandomizedDelaySec=12h\nFixedRandomDelay=true", "12h"),
        ("RandomizedOffsetSec=1h", "1h"),
    ],
)
def test_a_random_delay_is_a_splay(timer: str, splay: object) -> None:
    assert draft(f"OnCalendar=daily\nPersistent=true\n{timer}").settings["splay"] == splay


def test_a_hardened_service() -> None:
    service = """\
[Unit]
Description=Refresh
ConditionPathExists=!/etc/initrd-release
ConditionACPower=true
Requisite=db.service
After=network-online.target
Wants=network-online.target
[Service]
Type=oneshot
User=www-data
Group=adm
Environment="KEEP=3 days" A=1
EnvironmentFile=-/run/x
Nice=19
UMask=077
LimitNOFILE=131072
TimeoutStartSec=5min
TimeoutStopSec=900
SuccessExitStatus=2 DATAERR
IOSchedulingClass=idle
ProtectSystem=full
ReadWritePaths=/a
ReadWritePaths=/b
KillMode=process
ExecStart=/usr/bin/true "two words" \\
    last
[Install]
WantedBy=multi-user.target
"""
    one = draft("OnCalendar=daily\nPersistent=true", service)
    assert one.when == (
        "calendar('daily') & ~path_exists('/etc/initrd-release') & "
        "command_succeeds('systemd-analyze condition ConditionACPower=true', every='1 min') & unit_active('db.service')"
    )
    assert one.settings == {
        "description": "Refresh",
        "command": ["/usr/bin/true", "two words", "last"],
        "user": "www-data",
        "group": "adm",
        "directory": "/",
        "environment_files": ["-/run/x"],
        "nice": 19,
        "umask": "0077",
        "limits": {"nofile": 131072},
        "timeout": "5min",
        "kill_grace": "15min",
        "success_codes": [0, 2, 65],
        "unit": {"IOSchedulingClass": "idle", "ProtectSystem": "full", "ReadWritePaths": ["/a", "/b"]},
    }
    assert one.environment == {"KEEP": "3 days", "A": "1"}
    assert "KillMode=process" in one.missing
    assert any("After=network-online.target" in what for what in one.missing)


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ("ExecStart=a\nExecStart=b c", "a && b c"),
        ("ExecStartPre=-a x\nExecStart=b ${C D}\nExecStart=", None),
        ("ExecStartPre=-a 'x y'\nExecStart=b", "{ a 'x y' || true; } && b"),
        ("ExecStart=a ${B} $C ${D}/e $$F", 'a "${B}" $C "${D}/e" "\\$F"'),
        ("ExecStart=:a ${B}", ["a", "${B}"]),
        ("ExecStart=a ; b", "a && b"),
        ("ExecStart=-a", "{ a || true; }"),
        ("ExecStart=+a", ["a"]),
        ("ExecStart=a\nExecStartPost=b -f", "a && b -f"),
    ],
)
def test_several_commands_and_variables(lines: str, command: object) -> None:
    one = result("OnCalendar=daily", f"[Service]\nType=oneshot\n{lines}\n")
    assert isinstance(one, TaskDraft)
    if command is None:
        assert one.settings["command"] == ["systemctl", "start", "it.service"]
    else:
        assert one.settings["command"] == command


@pytest.mark.parametrize(
    "service",
    [
        "[Service]\nType=forking\nExecStart=a\n",
        "[Service]\nType=oneshot\nExecCondition=b\nExecStart=a\n",
        "[Service]\nUser=man\nExecStart=+a\nExecStart=b\n",
        "[Service]\nExecStart=a %H\n",
        "[Service]\nExecStart=@a b\n",
        "[Service]\nExecStart=a\nStandardInput=file:/etc/hostname\n",
        "[Service]\nExecStart=a\nStandardInputText=hello\n",
        "[Service]\nExecStart=a\nEnvironmentFile=-/etc/default/a*\n",
        "[Service]\nExecStart=a $OPTIONS\nEnvironment='OPTIONS=--exclude *.tmp'\n",
        "[Service]\nExecStart=a $OPTIONS\nEnvironment=\"OPTIONS=--name 'a b'\"\n",
        "[Unit]\nWants=other.service\n[Service]\nExecStart=a\n",
        "[Unit]\nOnFailure=tell@%n.service\n[Service]\nExecStart=a\n",
    ],
)
def test_a_service_that_no_task_can_be_is_started_as_it_is(service: str) -> None:
    one = draft("OnCalendar=daily", service)
    assert one.settings["command"] == ["systemctl", "start", "it.service"]
    assert any("starts the unit as it is" in note for note in one.notes)
    assert "user" not in one.settings


@pytest.mark.parametrize(
    ("settings", "when"),
    [
        ("Restart=on-failure\nRestartSec=5min", "calendar('daily', within='1min') | retry(delay='5min')"),
        (
            "Restart=on-failure\nRestartSec=30\n[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1h",
            "calendar('daily', within='1min') | retry(2, delay='30s')",
        ),
        ("Restart=on-failure", "calendar('daily', within='1min') | retry(4, delay='100ms')"),
        ("Restart=no", "calendar('daily', within='1min')"),
        ("Restart=on-failure\n[Unit]\nStartLimitBurst=1", "calendar('daily', within='1min')"),
        ("Restart=on-failure\n[Unit]\nStartLimitBurst=0", "calendar('daily', within='1min') | retry(delay='100ms')"),
        ("Restart=on-failure\nRestartSec=2200ms", "calendar('daily', within='1min') | retry(delay='2s 200ms')"),
        (
            "Restart=on-failure\nRestartSec=1min\n[Unit]\nStartLimitBurst=1",
            "calendar('daily', within='1min') | retry(delay='1min')",
        ),
    ],
)
def test_a_restart_is_a_retry(settings: str, when: str) -> None:
    one = draft("OnCalendar=daily", f"{SERVICE}{settings}\n")
    assert one.when == when
    assert not one.missing


def test_a_restart_beside_a_condition_of_the_unit() -> None:
    one = draft("OnCalendar=daily", f"{SERVICE}Restart=on-failure\n[Unit]\nConditionPathExists=/a\n")
    assert one.when == "(calendar('daily', within='1min') | retry(4, delay='100ms')) & path_exists('/a')"
    other = draft("OnCalendar=daily", f"{SERVICE}Restart=always\n")
    assert any("Restart=always" in missing and "retry(3" in missing for missing in other.missing)


def test_what_is_no_assignment_is_left_out_as_by_systemd() -> None:
    one = draft("OnCalendar=daily", SERVICE + 'Environment=JAVA_OPTS=-Xmx1g -Xms1g "A=b\\tc" 1B=2 C=\n')
    assert one.environment == {"JAVA_OPTS": "-Xmx1g", "A": "b\tc", "C": ""}
    assert [missing.split()[0] for missing in one.missing] == ["-Xms1g", "1B=2"]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ("StandardOutput=append:/a\nStandardError=append:/a", ""),
        ("StandardOutput=append:/a\nStandardError=inherit", ""),
        ("StandardOutput=append:/a\nStandardError=append:/b", "StandardError=append:/b"),
        ("StandardOutput=null\nStandardError=journal", "StandardError=journal"),
        ("StandardOutput=journal\nStandardError=journal", ""),
        ("StandardError=null", "StandardError=null"),
    ],
)
def test_standard_error_goes_where_standard_output_goes(settings: str, missing: str) -> None:
    assert "".join(draft("OnCalendar=daily", f"{SERVICE}{settings}\n").missing) == missing


def test_a_timer_that_starts_nothing_is_reported() -> None:
    assert isinstance(result("Persistent=true", SERVICE), NotImported)
    assert isinstance(
        result("OnCalendar=later", SERVICE)
        if False
        else timer_task(UnitFile.read("a.timer", ["[Timer]\nOnCalendar=daily"]), None, "a.timer"),
        NotImported,
    )


def test_words_of_a_command() -> None:
    (one,) = read_exec(r"-/bin/echo 'a b' \"c d\" e\x20f g\;h ${X}")
    assert one.ignores_failure
    assert one.words[:2] == ("/bin/echo", "a b")
    assert "e f" in one.words


def test_specifiers() -> None:
    assert expanded("%p %i %I %n %N %t %%", "a@b-c.service") == "a b-c b/c a@b-c.service a@b-c /run %"
    with pytest.raises(UnknownSpecifier):
        expanded("%H", "a.service")


def test_directories_drop_ins_and_instances(tmp_path: Path) -> None:
    (tmp_path / "a.timer").write_text("[Timer]\nOnCalendar=daily\nPersistent=true\n")
    (tmp_path / "a.timer.d").mkdir()
    (tmp_path / "a.timer.d/10.conf").write_text("[Timer]\nOnCalendar=\nOnCalendar=hourly\n")
    (tmp_path / "a.service").write_text(SERVICE)
    (tmp_path / "b@.timer").write_text("[Timer]\nOnCalendar=weekly\n")
    (tmp_path / "b@.service").write_text("[Service]\nType=oneshot\nExecStart=/usr/bin/true %i\n")
    (file,) = read_sources(ImportRequest(timers=(str(tmp_path), f"{tmp_path}/b@main.timer"))).files
    assert {one.name: one.when for one in file.drafts} == {
        "a": "calendar('hourly')",
        "b-main": "calendar('weekly', within='1min')",
    }
    assert file.drafts[1].settings["command"] == ["/usr/bin/true", "main"]
    assert [one.origin for one in file.rejected] == ["b@.timer"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/timers.toml").write_text(task_file_text(file))
    assert not [one for one in load([tmp_path / "out"], strict=False).problems if one.severity == "error"]


def test_a_drop_in_masks_another_of_its_name_and_a_masked_unit_is_none(tmp_path: Path) -> None:
    """systemd.unit(5): a link to /dev/null in a directory that comes first."""
    first, second = tmp_path / "etc", tmp_path / "lib"
    for directory in (first, second):
        (directory / "a.timer.d").mkdir(parents=True)
    (second / "a.timer").write_text("[Timer]\nOnCalendar=daily\n")
    (second / "a.timer.d/10.conf").write_text("[Timer]\nOnCalendar=hourly\n")
    units = UnitDirectories((first, second))
    read = units.read("a.timer")
    assert read is not None
    assert read.all("Timer", "OnCalendar") == ["daily", "hourly"]
    (first / "a.timer.d/10.conf").symlink_to("/dev/null")
    read = units.read("a.timer")
    assert read is not None
    assert read.all("Timer", "OnCalendar") == ["daily"]
    (first / "a.timer").symlink_to("/dev/null")
    assert units.read("a.timer") is None
