"""The examples, and the command line as their measure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = {"houses": "ames.csv", "titanic": "titanic.csv", "credit": "credit.csv"}
PROGRAM = os.environ.get("EVENSTEP", str(ROOT / "target/debug/evenstep"))


def program(*args: object, folder: Path) -> str:
    """What the command line prints, in a folder."""
    done = subprocess.run([PROGRAM, *map(str, args)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Example:
    """One of the examples, in a folder of its own, trained by the command line."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.csv = folder / EXAMPLES[name]
        self.spec = folder / "pipeline.toml"
        for path in (ROOT / "examples" / name).iterdir():
            if path.suffix in {".csv", ".toml"}:
                shutil.copy(path, folder)
        self.told: dict[str, Any] = json.loads(program("train", "--json", "--quiet", folder=folder))
        self.bundle = folder / self.told["bundle"]


@pytest.fixture(scope="session", params=list(EXAMPLES))
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    return Example(request.param, tmp_path_factory.mktemp(request.param))
