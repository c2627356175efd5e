"""`rocketctl web`: the page, in the browser of whoever calls it."""

import os
import select
import sys
from contextlib import nullcontext
from typing import TextIO

from rocketd.cli.backend.http_client import Client
from rocketd.cli.context import Context
from rocketd.cli.exit_codes import ExitCode, Failure
from rocketd.page.access import PageAccess
from rocketd.page.browser import can_open, opened
from rocketd.page.server import LOOPBACK, PageServer, Site
from rocketd.page.static_files import static_files


def web(call: Context) -> ExitCode:
    """Serve the page until Ctrl-C, or until the terminal or standard input is closed."""
    choices = call.choices
    Client(choices.socket).connect().close()  # raises Failure now, rather than in the browser
    access = PageAccess(lambda token: _replace(call, server, token))
    server = _listen(call, access)
    with server:
        address = _address(server, access.token)
        call.terminal.write([address])
        looks = "" if choices.write else " It can only look; with --write, it has buttons."
        call.terminal.note(f"Open this address in a browser of yours; it is good for one.{looks} Ctrl-C ends it.")
        opens = not choices.no_browser and can_open(os.environ)
        with opened(address, os.environ) if opens else nullcontext():
            return _serve(server)


def _listen(call: Context, access: PageAccess) -> PageServer:
    port = call.choices.port
    try:
        return PageServer(port, Site(call.choices.socket, static_files(), access, may_write=call.choices.write))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise Failure(f"cannot listen on port {port}: {why}", hint="choose another one: --port") from None


def _replace(call: Context, server: PageServer, token: str) -> None:
    call.terminal.note("Somebody tried wrong addresses; this is a new one:")
    call.terminal.write([_address(server, token)])


def _address(server: PageServer, token: str | None) -> str:
    return f"http://{LOOPBACK}:{server.server_port}/#token={token}"


def _serve(server: PageServer) -> ExitCode:
    """Handle connections; nothing is read of standard input, so that it may be in the background of a shell."""
    waiting = select.poll()
    waiting.register(server, select.POLLIN)
    if (terminal := _descriptor(sys.stdin)) is not None:
        waiting.register(terminal, select.POLLRDHUP)  # and POLLHUP, as always
    while True:
        for descriptor, _ in waiting.poll():
            if descriptor == terminal:
                return ExitCode.DONE
            server.handle_request()


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None
