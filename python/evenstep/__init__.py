"""A machine-learning pipeline from research to production as one artifact, with the same bits on both sides.

    import evenstep as es

    spec = es.init(frame, target="price")        # or es.Spec.read("pipeline.toml")
    trained = spec.train(data=frame, out="models/")
    bundle = es.open(trained.paths["bundle"])
    bundle.score(frame).to_pandas()

It is the engine of the command line `evenstep`, which this package has too: the same spec on the same values has the
same digest, and the same rows have the same predictions, to the bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenstep._bundle import Bundle, open
from evenstep._checked import Checked
from evenstep._difference import Difference, diff
from evenstep._errors import BugError, BundleError, DataError, Error, RefusedError, SpecError
from evenstep._frames import ArrowStream, Data
from evenstep._metrics import Metrics
from evenstep._native import version as _version
from evenstep._page import Page
from evenstep._spec import Spec, init
from evenstep._table import Table
from evenstep._trained import Trained
from evenstep._verified import Verified, verify

if TYPE_CHECKING:
    from evenstep.sklearn import from_sklearn

__version__ = _version()

# Where people find them is where messages and pickles name them.
for _class in (
    *(BugError, BundleError, DataError, Error, RefusedError, SpecError),
    *(Bundle, Checked, Difference, Metrics, Page, Spec, Table, Trained, Verified),
):
    _class.__module__ = "evenstep"

__all__ = [
    "ArrowStream",
    "BugError",
    "Bundle",
    "BundleError",
    "Checked",
    "Data",
    "DataError",
    "Difference",
    "Error",
    "Metrics",
    "Page",
    "RefusedError",
    "Spec",
    "SpecError",
    "Table",
    "Trained",
    "Verified",
    "diff",
    "from_sklearn",
    "init",
    "open",
    "verify",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """`from_sklearn` is imported by those who ask for it."""
    if name != "from_sklearn":
        raise AttributeError(f"module `evenstep` has no attribute `{name}`")
    from evenstep.sklearn import from_sklearn

    return from_sklearn
