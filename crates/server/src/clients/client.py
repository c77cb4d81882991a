"""Asks for predictions of NAME: written by `evenstep contract`.

It needs Python 3.8 and nothing else.
"""

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from datetime import date, time
from decimal import Decimal
from typing import Any, Dict, List, Literal, Optional, Sequence, TypedDict

# The contract that this was written from.
CONTRACT = "DIGEST"

PREDICTION = float

# Fields that every row has.
_Required = TypedDict("_Required", {
    # REQUIRED
})

# Fields that may be left out.
_Optional = TypedDict("_Optional", {
    # OPTIONAL
}, total=False)


class Row(_Required, _Optional):
    """A row to predict for."""


class Flag(TypedDict):
    """A rule of the contract that the row breaks without being refused."""

    field: str
    rule: str


class _Answer(TypedDict):
    id: Any
    prediction: Optional[PREDICTION]


class Prediction(_Answer, total=False):
    """What is said of a row; the probability is that of each class."""

    probability: Optional[Dict[str, float]]
    flags: List[Flag]


class Refused(Exception):
    """The server's no: its status, and what is wrong, cell by cell. Its text has the first of them."""

    def __init__(self, status: int, problem: Dict[str, Any]) -> None:
        self.status = status
        self.errors: List[Dict[str, Any]] = problem.get("errors", [])
        told = [str(problem.get("detail", "the answer says no more"))]
        told += [f"row {error['row']}: {error['message']}" for error in self.errors[:3]]
        super().__init__(f"{status}: " + "; ".join(told))


class Client:
    """A server's address, the key that it asks for, if it does, and what it calls the model; with None its default is asked."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        key: Optional[str] = None,
        timeout: float = 10.0,
        model: Optional[str] = "MODEL",
    ) -> None:
        self.url = url.rstrip("/")
        # A file that holds it ends with a line feed. What no header takes would be told by whoever refuses it.
        self.key = None if key is None else key.strip()
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            raise ValueError("the key holds what no key has: letters, digits and `_` are expected")
        self.timeout = timeout
        self.model = model

    def predict(self, rows: Sequence[Row]) -> List[Prediction]:
        """One prediction a row, in their order."""
        if not isinstance(rows, (list, tuple)) or not all(isinstance(row, dict) for row in rows):
            raise TypeError("rows are a list of dictionaries: [row], or frame.to_dict('records')")
        plain = [{name: _plain(f"row {at}: `{name}`", cell) for name, cell in row.items()} for at, row in enumerate(rows)]
        predictions: List[Prediction] = self.ask(self._place() + "/predict", plain)["predictions"]
        return predictions

    def health(self) -> Dict[str, Any]:
        """Which model answers; a mock's digest begins with `mock:`."""
        told = self.ask("/health", None)
        if self.model is None or told.get("model", self.model) == self.model:
            return told
        # That is the server's default, and ours is another.
        ours = self.ask(self._place(), None)
        version = ours["aliases"]["default"]
        digest = next(of["digest"] for of in ours["versions"] if of["version"] == version)
        return {**told, "model": ours["model"], "version": version, "digest": digest}

    def _place(self) -> str:
        return "" if self.model is None else "/models/" + urllib.parse.quote(self.model, safe="")

    def ask(self, path: str, body: Any) -> Dict[str, Any]:
        """The answer to a request."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.timeout and self.timeout < 99_999:
            headers["Evenstep-Timeout-Ms"] = str(max(1, round(self.timeout * 1000)))
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                told: Dict[str, Any] = json.load(answer)
                return told
        except urllib.error.HTTPError as error:
            try:
                problem = json.loads(error.read())
            except ValueError:
                problem = None
            # What stands between us and the server answers as it likes.
            raise Refused(error.code, problem if isinstance(problem, dict) else {}) from None


def _plain(place: str, cell: Any) -> Any:
    """A cell as JSON has it: null for what is missing, a day or a time by ISO 8601."""
    if type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(cell, "dtype") and hasattr(cell, "item"):
        # The item of a moment or a duration may be a number of nanoseconds.
        if cell.dtype.kind == "M":
            return None if str(cell) == "NaT" else str(cell)
        if cell.dtype.kind != "m" and not cell.shape:
            cell = cell.item()
    if isinstance(cell, Decimal):
        is_integer = cell.is_finite() and cell == cell.to_integral_value() and abs(cell) < 1 << 63
        cell = int(cell) if is_integer else float(cell)
    if isinstance(cell, float):
        if math.isinf(cell):
            raise ValueError(f"{place} is infinite, which no cell is")
        return None if math.isnan(cell) else cell
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if cell is None or isinstance(cell, (bool, int, str)):
        return cell
    raise TypeError(f"{place} is of type {type(cell).__name__}, which no cell is")
