"""What a translation came to: a spec, and how far it is what the pipeline was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from .finding import Finding, Verdict

if TYPE_CHECKING:
    from evenstep import Spec


@dataclass(frozen=True)
class Translation:
    """A spec made of a pipeline, and a finding for each of the pipeline's steps.

    Shows itself as a table, in a terminal and in a notebook. `toml` is the spec's text, which
    `evenstep train` takes; `findings` are in the pipeline's order.
    """

    toml: str
    findings: list[Finding]

    @property
    def spec(self) -> Spec:
        """The spec, ready to train. Raises as `Spec.from_toml`, such as a column that is named twice."""
        from evenstep import Spec

        return Spec.from_toml(self.toml)

    @property
    def is_equal(self) -> bool:
        """Whether each step is equal: on rows that the original takes, it gives the same values."""
        return all(finding.verdict is Verdict.EQUAL for finding in self.findings)

    def __str__(self) -> str:
        return report(self.findings)

    def __repr__(self) -> str:
        return report(self.findings)

    def _repr_html_(self) -> str:
        rows = "".join(_html_row(finding) for finding in self.findings)
        head = "<tr><th>step</th><th>was</th><th>is</th><th></th><th>notes</th></tr>"
        return (
            f"<p>{escape(summary(self.findings))}</p><table><thead>{head}</thead><tbody>{rows}</tbody></table>"
            f"<details><summary>spec</summary><pre>{escape(self.toml)}</pre></details>"
        )


def summary(findings: list[Finding]) -> str:
    """How many steps are equal, and how many are not."""
    counts = Counter(finding.verdict for finding in findings)
    told = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    return f"{len(findings)} step{'' if len(findings) == 1 else 's'}: " + (", ".join(told) or "none")


def report(findings: list[Finding]) -> str:
    """The findings as a table of text, notes beneath their steps."""
    cells = [(f.verdict.value, f.path, f.source, ", ".join(f.uses) or "–") for f in findings]
    widths = [max((len(row[at]) for row in cells), default=0) for at in range(3)]
    lines = [summary(findings), ""]
    for row, finding in zip(cells, findings, strict=True):
        padded = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lines.append(f"  {padded}  {row[3]}")
        lines += [f"      {note}" for note in finding.notes]
    return "\n".join(lines)


def _html_row(finding: Finding) -> str:
    uses = ", ".join(f"<code>{escape(use)}</code>" for use in finding.uses) or "–"
    notes = "<br>".join(escape(note) for note in finding.notes)
    return (
        f"<tr><td><code>{escape(finding.path)}</code></td><td>{escape(finding.source)}</td><td>{uses}</td>"
        f"<td><b>{escape(finding.verdict.value)}</b></td><td>{notes}</td></tr>"
    )
