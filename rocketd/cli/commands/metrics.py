"""`rocketctl metrics`: what the daemon tells Prometheus."""

from pathlib import Path

from rocketd.cli.backend.http_client import Client
from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode, Failure, UsageError
from rocketd.metrics.exposition import MetricsFormat
from rocketd.metrics.textfile import write_textfile


def metrics(call: Context) -> ExitCode:
    """Print them, or write them to a file."""
    choices = call.choices
    if choices.format not in [*MetricsFormat]:
        message = f"--format takes {' or '.join(MetricsFormat)}, not {choices.format!r}"
        raise UsageError(message)
    written = MetricsFormat.TEXT.value if choices.textfile else choices.format
    found = Client(choices.socket).text("/v1/metrics", [("format", written)])
    if not choices.textfile:
        call.terminal.write(found.splitlines())
        return ExitCode.DONE
    try:
        write_textfile(Path(choices.textfile).absolute(), found)
    except OSError as error:
        raise Failure(f"cannot write {choices.textfile}: {error.strerror}") from None
    return ExitCode.DONE
