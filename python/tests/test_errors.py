"""Errors have the text that the command line shows, and say what a program needs to know."""

from __future__ import annotations

import pickle
import re
import subprocess
from pathlib import Path

import pandas
import pyarrow
import pytest
from conftest import PROGRAM

import evenstep as es

SPEC = """\
[pipeline]
name = "p"
seed = 1

[data]
source = "rows.csv"
id = "id"
target = "y"

[contract]
x = { type = "number", min = 0 }

[model]
use = "ridge"
"""


def frame() -> pandas.DataFrame:
    return pandas.DataFrame({"id": range(60), "x": [n % 7 for n in range(60)], "y": [n * 3 % 11 for n in range(60)]})


def shown(folder: Path, *args: str) -> str:
    """What the command line says, without the mark before it."""
    done = subprocess.run([PROGRAM, *args, "--quiet"], cwd=folder, capture_output=True, text=True, env={"NO_COLOR": "1"})
    assert done.returncode == 2, done
    return done.stderr.strip().removeprefix("×").strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipeline.toml").write_text(SPEC)
    frame().to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path


def test_a_spec_error_points_into_the_text(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    (project / "pipeline.toml").write_text(SPEC.replace("ridge", "rigde"))
    with pytest.raises(es.SpecError) as raised:
        es.Spec.read("pipeline.toml")
    assert str(raised.value) == shown(project, "check", "pipeline.toml")
    assert "pipeline.toml:14:" in str(raised.value)
    assert raised.value.help is not None and "ridge" in raised.value.help
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.help) == (str(raised.value), raised.value.help)


def test_cells_that_break_the_contract_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    rows = frame()
    rows.loc[4, "x"] = -1
    rows.to_csv("rows.csv", index=False)
    (project / "pipeline.toml").write_text(SPEC.replace("min = 0", 'min = 0, out_of_range = "reject"'))
    spec = es.Spec.read("pipeline.toml")
    with pytest.raises(es.DataError) as of_file:
        spec.train()
    assert str(of_file.value) == shown(project, "train", "pipeline.toml")
    with pytest.raises(es.DataError) as of_frame:
        spec.train(rows)
    [cell] = of_frame.value.cells
    assert (cell["column"], cell["row"], cell["value"]) == ("x", 4, "-1")
    told = str(of_file.value).replace("rows.csv, row 5", "the frame, row 4 (counted from 0)")
    assert str(of_frame.value) == told.replace("rows.csv", "the frame")


def test_what_isn_t_there_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(es.SpecError, match="`missing.toml` can't be read"):
        es.Spec.read("missing.toml")
    with pytest.raises(es.BundleError, match="`missing.evenstep` can't be read"):
        es.open("missing.evenstep")
    with pytest.raises(es.BundleError):
        es.Bundle(b"no bundle")
    with pytest.raises(es.DataError, match="no column `prize`"):
        es.init(frame(), target="prize")
    with pytest.raises(es.SpecError, match="missing key `source`"):
        es.init(frame(), target="y").train()
    with pytest.raises(es.DataError):
        es.Spec.read().train("missing.csv")
    with pytest.raises(ValueError, match="KEY=VALUE"):
        es.Spec.read(set={"": 1})


def test_a_request_that_breaks_the_contract_is_told_cell_by_cell(project: Path) -> None:
    bundle = es.Spec.read(project / "pipeline.toml").train().bundle
    with pytest.raises(es.DataError) as raised:
        bundle.predict([{"x": 1}, {"x": "many"}])
    [cell] = raised.value.cells
    assert (cell["row"], cell["field"], cell["value"]) == (1, "x", "many")
    with pytest.raises(es.DataError, match=r"row 1 \(counted from 0\), `x`: no cell can be of type `list`"):
        bundle.predict([{"x": 1}, {"x": []}])
    with pytest.raises(es.DataError, match="a cell's name is a text, not 1"):
        bundle.predict_one({1: 2})  # type: ignore[dict-item]
    with bundle.serve() as server, pytest.raises(es.DataError, match=r"row 1 \(counted from 0\), `x`: no cell"):
        server.predict([{"x": 1}, {"x": []}])
    for rows in ({"x": 1}, "x", 3):
        with pytest.raises(es.DataError, match="no list of rows"):
            bundle.predict(rows)  # type: ignore[arg-type]
    with pytest.raises(es.DataError, match="`score` takes frames"):
        bundle.predict(frame())  # type: ignore[arg-type]
    with pytest.raises(es.DataError, match=r"row 1 \(counted from 0\) is a `int`"):
        bundle.predict([{"x": 1}, 2])  # type: ignore[list-item]


def test_what_is_given_in_place_of_something_else_is_said() -> None:
    spec = es.Spec(SPEC)
    with pytest.raises(es.DataError, match="a `int` is no run"):
        es.diff(spec, 2)  # type: ignore[arg-type]
    with pytest.raises(es.DataError, match="a `int` can't be verified"):
        es.verify(3)  # type: ignore[arg-type]
    for values in (None, "model.l2=1", [("model.l2", 1)]):
        with pytest.raises(TypeError, match="values are set by a dictionary, not"):
            spec.set(values)  # type: ignore[arg-type]
    assert es.Spec(SPEC, set=None) == spec
    with pytest.raises(TypeError, match="values are set by a dictionary, not a `str`"):
        es.Spec(SPEC, set="model.l2=1")  # type: ignore[arg-type]
    for value in (None, float("nan"), [None]):
        with pytest.raises(ValueError, match="can't stand in a spec"):
            spec.set({"model.l2": value})
    for parts, message in [
        ([1], "a spec is made of a dictionary of its sections, not of a `list`"),
        ({"data": {3: 1}}, "`data`: a key is a text, not 3"),
        ({"data": {"id": [None]}}, "`data.id`: None and NaN can't stand in a spec"),
        ({"model": {"l2": float("nan")}}, "`model.l2`: None and NaN can't stand in a spec"),
        ({"model": {"l2": object()}}, "`model.l2`: no cell can be of type `object`"),
    ]:
        with pytest.raises(es.SpecError, match=re.escape(message)):
            es.Spec.from_dict(parts)  # type: ignore[arg-type]
    named = es.Spec.from_dict({**spec.to_dict(), "data": {**spec.to_dict()["data"], "source": Path("a") / "b.csv"}})
    assert named.to_dict()["data"]["source"] == "a/b.csv"
    for threads in (-1, 2**70):
        with pytest.raises(ValueError, match=f"threads={threads}: give 0"):
            spec.train(frame(), threads=threads)
    with pytest.raises(TypeError, match="pickle its `bundle`"):
        pickle.dumps(spec.train(frame(), threads=2000))
    bundle = spec.train(frame()).bundle
    with pytest.raises(es.DataError, match="`NoneType` holds no rows"):
        bundle.score(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"`evenstep.open\('p.evenstep'\)` reads its file"):
        es.Bundle("p.evenstep")  # type: ignore[arg-type]
    assert es.Bundle(bytearray(bundle.to_bytes())) == bundle
    with pytest.raises(TypeError, match="pickle what `to_arrow` or `to_pandas` gives"):
        pickle.dumps(bundle.score(frame()))
    assert spec.set({"data.id": ["id"]}).to_dict()["data"]["id"] == ["id"]


def test_nobody_is_told_to_write_what_only_the_command_line_has(project: Path) -> None:
    told = []
    for act in (
        lambda: es.Spec.read(project / "none.toml"),
        lambda: es.Spec.read(project / "rows.csv"),
        lambda: es.init(frame(), target="y").train(),
        lambda: es.Spec(SPEC, set={"data.source.x": 1}),
        lambda: es.Spec(SPEC, set={"model.n_jobs": 1}),
    ):
        with pytest.raises(es.SpecError) as raised:
            act()
        told.append(f"{raised.value} {raised.value.help}")
    trained = es.Spec.read(project / "pipeline.toml").train()
    trained.write()
    verified = es.verify(trained.bundle)
    told += [*verified.not_proved, repr(verified), *trained.notes]
    assert not [text for text in told if "--" in text.replace("the command line's `evenstep verify BUNDLE --policy FILE`", "")], told
    assert "`evenstep.init(data, target=…)` writes one" in told[0] and 'rows.csv", target=…)` proposes a spec' in told[1]
    assert "give a frame" in told[2] and "`train(threads=N)` sets them" in told[4]


def test_a_frame_is_no_file(project: Path) -> None:
    bundle = es.Spec.read(project / "pipeline.toml").train().bundle
    for rows, help in [(frame()[["y"]], "the data have `y`"), (pandas.DataFrame(), "the data have no column")]:
        with pytest.raises(es.DataError) as raised:
            bundle.score(rows)
        assert raised.value.help == help and str(raised.value).endswith(f"help: {help}")
    for port in (-1, 99999):
        with pytest.raises(es.Error, match=f"port={port}: give 0, for any that is free, or a number up to 65535"):
            bundle.serve(port=port)


def test_columns_that_no_cell_holds_are_told() -> None:
    rows = pyarrow.Table.from_pandas(frame()).append_column("many", pyarrow.array([[1, 2]] * 60))
    rows = rows.append_column("long", pyarrow.array([1] * 60, pyarrow.duration("s")))
    notes = " ".join(es.Spec(SPEC).train(rows).notes)
    assert "`many` (a list)" in notes and "`long`" in notes
