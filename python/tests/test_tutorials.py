"""What the tutorials show is what happens."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import nbclient
import nbformat
import pytest
from conftest import ROOT

TUTORIAL = ROOT / "python/tutorial"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(TUTORIAL / "penguins.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_notebook_runs(folder: Path) -> None:
    notebook = nbformat.read(TUTORIAL / "penguins.ipynb", as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [output["data"]["text/html"] for output in shown if "text/html" in output.get("data", {})]
    assert len(pages) >= 6 and any("<table" in page for page in pages) and any("<iframe" in page for page in pages)
    assert any("steps" in str(output) or "body_mass_g" in str(output) for output in shown)


def test_the_page_shows_what_happens(folder: Path) -> None:
    page = ROOT / "docs/src/tutorial/python.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    text = "\n".join("" if line.startswith("```") else line for line in lines)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.attempted > 10 and result.failed == 0
