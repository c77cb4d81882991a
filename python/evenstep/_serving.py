"""The real server, for as long as it is wanted: `evenstep serve` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from evenstep import _native
from evenstep._errors import DataError, Error
from evenstep._frames import dictionaries

# So many cells are told in a text; `cells` has more.
_SHOWN = 10
# A server on this machine is not behind the proxy that the environment names.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    """A bundle that is served over HTTP and gRPC. `Bundle.serve` gives it.

    `with bundle.serve() as server:` stops it at the end of the block; `stop` does, too. It ends with this process, however
    this ends.
    """

    address: str
    """Host and port."""

    def __init__(self, bundle: bytes, host: str, port: int) -> None:
        if not 0 <= port <= 65535:
            raise Error(f"port={port}: give 0, for any that is free, or a number up to 65535")
        self._folder = tempfile.TemporaryDirectory(prefix="evenstep-")
        path = os.path.join(self._folder.name, "model.evenstep")
        with open(path, "wb") as file:
            file.write(bundle)
        arguments = ["serve", path, "--listen", f"{host}:{port}", "--json"]
        # The pipe to its standard input is never written to: when it closes, this process is gone.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "evenstep._serving", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # An interrupt at the keyboard is for this process, which may go on.
            start_new_session=True,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        told = self._process.stdout.readline()
        if '"address"' not in told:
            why = self._process.stderr.read().strip()
            self.stop()
            raise Error(why.removeprefix("×").strip() or "the server ended before it listened")
        self.address = str(json.loads(told)["address"])
        threading.Thread(target=_drain, args=(self._process.stderr,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers: `POST {url}/predict`."""
        return f"http://{self.address}"

    def predict(self, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Asks it over HTTP for one row or many: what other programs would be told. A category has to be a text to it.

        Raises `DataError` for rows that break the contract; `cells` names them. Raises `Error` if the server doesn't answer.
        """
        headers = {"Content-Type": "application/json"}
        told = _native.json_of(dictionaries([rows] if isinstance(rows, Mapping) else rows))
        request = urllib.request.Request(f"{self.url}/predict", told.encode(), headers)
        try:
            with _direct.open(request) as answer:
                return list(json.load(answer)["predictions"])
        except urllib.error.HTTPError as error:
            raise _refused(error) from None
        except OSError as error:
            if self._process.poll() is not None:
                raise Error(f"the server at {self.url} has ended\n  help: `bundle.serve()` starts another") from None
            raise Error(f"the server at {self.url} doesn't answer: {getattr(error, 'reason', error)}") from None

    def stop(self) -> None:
        """Lets it answer what it was asked, and end."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<evenstep.Server at {self.url}>"


def _refused(error: urllib.error.HTTPError) -> Error:
    """What the server says of rows that it refuses, in the words of `Bundle.predict`."""
    try:
        problem = json.load(error)
    except ValueError:
        problem = {}
    cells = problem.get("errors") or []
    if not cells:
        return DataError(problem.get("detail", str(error)))
    count = problem["count"]
    what = f"{count} {'cell breaks' if count == 1 else 'cells break'} the contract"
    rows = ", in rows counted from 0" if any(cell["row"] > 0 for cell in cells) else ""
    lines = "".join(f"\n  row {cell['row']}, {cell['message']}" for cell in cells[:_SHOWN])
    more = f"\n  and {count - _SHOWN} more" if count > _SHOWN else ""
    return DataError(what + rows + lines + more, cells=cells)


def _drain(pipe: Any) -> None:
    """Reads what it remarks, so that it never waits for somebody to."""
    try:
        for _ in pipe:
            pass
    except ValueError:
        pass  # It was stopped, and the pipe closed.


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    from evenstep.__main__ import main

    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main())
