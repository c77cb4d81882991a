"""What was found of one step of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How what the spec does relates to what the original does."""

    EQUAL = "equal"
    DIFFERS = "differs"
    NO_EQUAL = "no equal"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Finding:
    """One step of the original.

    `path` is its name as `set_params` takes it, `source` its class, `uses` the steps or the model
    that stand for it in the spec, `notes` what differs, or is worth knowing.
    """

    path: str
    source: str
    verdict: Verdict
    uses: list[str]
    notes: list[str]
