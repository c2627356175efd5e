"""A small HTTP server on loopback that keeps JSON objects: what a RESTRepo talks to."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit


class RestServer:
    """Takes and gives objects at `url`; `status` other than 200 is its answer to everything, and nothing is done."""

    def __init__(self) -> None:
        self.items: list[dict[str, object]] = []
        self.status = 200
        self.filters = True
        """Whether it heeds what it is asked for."""
        self.asked = Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(lambda found: found)

            def do_POST(self) -> None:
                self._answer(lambda _: server.items.append(self._body()))

            def do_PATCH(self) -> None:
                self._answer(lambda found: [item.update(self._body()) for item in found])

            def do_DELETE(self) -> None:
                self._answer(server.forget)

            def _answer(self, act: object) -> None:
                assert callable(act)
                server.asked.set()
                done = act(server.found(self.path)) if server.status == 200 else None
                said = json.dumps(done).encode()
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def _body(self) -> dict[str, object]:
                body: dict[str, object] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                return body

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/runs"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    def found(self, path: str) -> list[dict[str, object]]:
        """What the query of this path asks for."""
        query = parse_qsl(urlsplit(path).query) if self.filters else []
        return [item for item in self.items if all(str(item.get(name)) == value for name, value in query)]

    def forget(self, items: list[dict[str, object]]) -> None:
        """Have them no longer."""
        self.items = [item for item in self.items if item not in items]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
