"""What a task file says about the engine of a task, and what is said about mistakes in it."""

import pytest

from rocketd.core.instant import MINUTE, SECOND
from rocketd.core.model.engine import Engine, EngineCommands, EngineKind, Kubernetes, RemoteManager, Slurm, Ssh
from rocketd.core.model.executor_choice import choose_executor
from rocketd.core.model.secret import Secret
from rocketd.core.model.task import ExecutorKind
from support.task_files import Folder

TASK = '[task.a]\ncommand = ["/no/such/program", "--all"]\n'
SLURM = f'{TASK}engine = "slurm"\n'


def engine(folder: Folder, text: str) -> Engine | None:
    loaded = folder.load(text)
    assert loaded.problems == ()
    (task,) = loaded.tasks
    return task.engine


def test_a_task_has_no_engine_by_itself(folder: Folder) -> None:
    assert engine(folder, '[task.a]\ncommand = ["true"]\n') is None


def test_slurm_is_told_options_of_sbatch(folder: Folder) -> None:
    text = SLURM + 'slurm = { partition = "gpu", cpus-per-task = 8, exclusive = true }\nengine_interval = "1 min"\n'
    options = (("partition", "gpu"), ("cpus-per-task", "8"), ("exclusive", ""))
    assert engine(folder, text) == Engine(EngineKind.SLURM, Slurm(options), MINUTE)


def test_a_tasks_own_options_go_over_the_defaults(folder: Folder) -> None:
    defaults = '[defaults]\nengine = "slurm"\nslurm = { partition = "gpu", time = "1:00:00" }\n'
    text = f'{defaults}{TASK}slurm = {{ time = "4:00:00" }}\n'
    assert engine(folder, text) == Engine(EngineKind.SLURM, Slurm((("partition", "gpu"), ("time", "4:00:00"))))
    assert engine(folder, f'{defaults}[task.b]\ncommand = ["true"]\nengine = ""\n') is None


def test_ssh_needs_a_host(folder: Folder) -> None:
    text = f'{TASK}engine = "ssh"\nssh = {{ host = "backup@db1", options = ["-p", "2222"], manager = "user" }}\n'
    by = Ssh("backup@db1", ("-p", "2222"), RemoteManager.USER)
    assert engine(folder, text) == Engine(EngineKind.SSH, by, 15 * SECOND)
    assert folder.problems(f'{TASK}engine = "ssh"\n') == ['engine = "ssh" needs host in ssh']


def test_kubernetes_has_a_token_in_a_file(folder: Folder) -> None:
    text = f"""{TASK}engine = "kubernetes"
[task.a.kubernetes]
server = "https://k8s.example.com:6443"
token = {{ file = "/etc/rocketd/token" }}
image = "registry.example.com/report:1"
pod = {{ serviceAccountName = "report" }}
"""
    by = Kubernetes(
        "https://k8s.example.com:6443",
        "registry.example.com/report:1",
        token=Secret(file="/etc/rocketd/token"),
        pod='{"serviceAccountName": "report"}',
    )
    assert engine(folder, text) == Engine(EngineKind.KUBERNETES, by)


def test_commands_are_three(folder: Folder) -> None:
    text = f'{TASK}engine = "commands"\ncommands = {{ submit = ["/a", "b"], status = ["/c"], cancel = ["/d"] }}\n'
    assert engine(folder, text) == Engine(EngineKind.COMMANDS, EngineCommands(("/a", "b"), ("/c",), ("/d",)))
    assert folder.problems(f'{TASK}engine = "commands"\ncommands = {{ submit = ["/a"] }}\n') == [
        'engine = "commands" needs status and cancel in commands'
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('slurm = { job-name = "x" }', "job-name cannot be set: rocketd relies on what it is"),
        ("slurm = { requeue = true }", "requeue cannot be set: rocketd relies on what it is"),
        ("slurm = { reque = true }", "sbatch takes reque for requeue, which cannot be set here"),
        ('slurm = { arr = "1-9" }', "sbatch takes arr for array, which cannot be set here"),
        ('slurm = { uid = "root" }', "uid is set by rocketd"),
        ('slurm = { "--time" = "1" }', "'--time' is not a long option of sbatch"),
        (
            "slurm = { time = false }",
            "this must be text, a number, or true for an option without a value, not a boolean",
        ),
        ('ssh = { host = "x" }', "'ssh' has no effect without engine = \"ssh\""),
        ('unit = { MemoryMax = "1G" }', "'unit' is not possible with engine = \"slurm\""),
        ('executor = "unit"', "'executor' is not possible with engine = \"slurm\""),
        ('output_file = "/var/log/x"', "'output_file' is not possible with engine = \"slurm\""),
        ('on = "shutdown"', 'on = "shutdown" is not possible with engine = "slurm"'),
        ('engine_interval = "10ms"', "10ms is too short"),
    ],
)
def test_what_slurm_cannot_have_is_a_mistake(folder: Folder, text: str, problem: str) -> None:
    assert folder.problems(f"{SLURM}{text}\n") == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('host = "-oProxyCommand=evil"', "'-oProxyCommand=evil' is not a host, or USER@HOST"),
        ('host = "a", hots = "b"', "ssh has no key 'hots'"),
        ('host = "a", manager = "root"', "'root' is not one of 'system' and 'user'"),
    ],
)
def test_what_ssh_cannot_have_is_a_mistake(folder: Folder, text: str, problem: str) -> None:
    assert folder.problems(f'{TASK}engine = "ssh"\nssh = {{ {text} }}\n') == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('token = "eyJhbGciOi"', "this must be a table, not a string"),
        ("pod = { containers = [] }", "containers is set by rocketd"),
        ('namespace = "A/b"', "'A/b' is not the name of a namespace"),
    ],
)
def test_what_kubernetes_cannot_have_is_a_mistake(folder: Folder, text: str, problem: str) -> None:
    needed = 'server = "https://a", image = "b", '
    assert folder.problems(f'{TASK}engine = "kubernetes"\nkubernetes = {{ {needed}{text} }}\n') == [problem]


def test_a_token_is_not_sent_in_the_open(folder: Folder) -> None:
    text = '{}engine = "kubernetes"\nkubernetes = {{ server = "{}", image = "b", token = {{ file = "/token" }} }}\n'
    assert folder.problems(text.format(TASK, "http://cluster")) == ["the token would be sent without encryption"]
    assert folder.problems(text.format(TASK, "https://cluster")) == []
    assert folder.problems(text.format(TASK, "http://127.0.0.1:8001")) == []


def test_an_interval_without_an_engine_has_no_effect(folder: Folder) -> None:
    assert "'engine_interval' has no effect without engine" in folder.problems(f'{TASK}engine_interval = "1 min"\n')


def test_a_function_cannot_be_handed_off(folder: Folder) -> None:
    text = '[task.a]\nfunction = "a:b"\nengine = "slurm"\n'
    assert folder.problems(text) == ["'function' is not possible with engine = \"slurm\""]


def test_systemd_is_told_of_a_unit_on_another_host(folder: Folder) -> None:
    loaded = folder.load(f'{TASK}engine = "ssh"\nssh = {{ host = "a" }}\nunit = {{ MemoryMax = "1G" }}\n')
    (task,) = loaded.tasks
    assert task.unit == (("MemoryMax", "1G"),)
    assert choose_executor(task, ExecutorKind.AUTO, missing="") == (ExecutorKind.ENGINE, "ssh")
