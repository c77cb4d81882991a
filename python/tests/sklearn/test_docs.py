"""What the docs show of Python runs, and prints what they say; and their table is what the tests found.

`UPDATE_DOCS=1 pytest python/tests/sklearn/test_docs.py` writes the table anew.
"""

import os
import re
from pathlib import Path

import pytest
from cases import DIFFERS, EQUAL, frame
from models import MODELS
from sklearn.base import clone

from evenstep.sklearn import from_sklearn
from evenstep.sklearn.correspondences import known_as

# What peers warn of is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs/src/how-to/from-scikit-learn-to-a-spec.md"]
REFERENCE = ROOT / "docs/src/reference/scikit-learn.md"
HEAD = "| class | is | verdict |\n|---|---|---|\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_of_python_prints_what_it_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", page.read_text(), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for code, output in blocks:
        exec(compile(code, str(page), "exec"), names)
        assert capsys.readouterr().out.strip() == output.strip(), code


def test_the_reference_lists_what_the_table_has():
    table = HEAD + "".join(rows())
    text = REFERENCE.read_text()
    before, after = text.split(HEAD)
    rest = re.sub(r"\A(\|.*\n)*", "", after)
    if os.environ.get("UPDATE_DOCS"):
        REFERENCE.write_text(before + table + rest)
    else:
        assert text == before + table + rest, "run with UPDATE_DOCS=1"


def rows():
    """A line for each class: the steps or models that stand for it, and with which verdicts."""
    data = frame()
    found: dict[str, tuple[list[str], list[str]]] = {}
    for case in EQUAL + DIFFERS:
        transformer = clone(case.transformer).fit(data[case.columns], data["y"])
        translation = from_sklearn(transformer, target="y", data=data[[*case.columns, "y"]], task="binary")
        for finding in translation.findings:
            if len(translation.findings) == 1 and finding.source == type(case.transformer).__name__:
                note(found, known_as(case.transformer), finding)
    for case in MODELS:
        rows = data[["number", "skewed", "whole", "y"]]
        translation = from_sklearn(case.model, target="y", data=rows)
        note(found, known_as(case.model), translation.findings[0])
    for known in sorted(found):
        uses, verdicts = found[known]
        steps = ", ".join(f"`{use}`" for use in uses if use)
        told = ", or ".join(["nothing is needed"] * ("" in uses) + [steps] * bool(steps))
        package, _, name = known.partition(".")
        yield f"| {package} `{name}` | {told} | {' or '.join(sorted(verdicts, reverse=True))} |\n"


def note(found, known, finding):
    uses, verdicts = found.setdefault(known, ([], []))
    # Where no step is needed, an empty name says so.
    uses += [use for use in finding.uses or [""] if use not in uses]
    verdicts += [finding.verdict.value] if finding.verdict.value not in verdicts else []
