"""What a trained pipeline does: answers, files, reports, proofs."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
import time
import webbrowser
from decimal import Decimal
from pathlib import Path

import numpy
import pandas
import pytest
from conftest import Example, program

import evenstep as es

SPEC = """\
[pipeline]
name = "p"
seed = 1
[data]
id = "id"
target = "y"
[model]
use = "ridge"
"""


def frame() -> pandas.DataFrame:
    numbers = range(90)
    return pandas.DataFrame({"id": numbers, "x": [n % 7 for n in numbers], "y": [n * 3 % 11 for n in numbers]})


def test_what_is_written_is_what_the_command_line_writes(example: Example, tmp_path: Path) -> None:
    trained = es.Spec.read(example.spec).train(out=f"{tmp_path}/")
    assert trained.digest == example.told["digest"] and trained.fingerprint == example.told["fingerprint"]
    assert trained.metrics == example.told["metrics"]
    assert set(trained.paths) == {"lock", "bundle", "report", "trace"}
    for kind in ["bundle", "report"]:
        told = example.folder / example.told[kind]
        assert Path(trained.paths[kind]).read_bytes() == told.read_bytes(), kind
    assert trained.bundle.to_bytes() == example.bundle.read_bytes()


def test_a_bundle_that_is_copied_answers_alike(tmp_path: Path) -> None:
    bundle = es.Spec(SPEC).train(frame()).bundle
    told = bundle.predict_one({"id": 7, "x": 3})
    path = tmp_path / "p.evenstep"
    path.write_bytes(bundle.to_bytes())
    for other in [pickle.loads(pickle.dumps(bundle)), copy.deepcopy(bundle), es.open(path), es.Bundle(bundle.to_bytes())]:
        assert (other.digest, other.version, other.name) == (bundle.digest, bundle.version, "p")
        assert other.predict_one({"id": 7, "x": 3}) == told
    assert told["id"] == 7


def test_a_bundle_is_served_and_answers_alike() -> None:
    bundle = es.Spec(SPEC).train(frame()).bundle
    rows = frame().drop(columns="y").to_dict("records")
    with bundle.serve() as server:
        assert os.getsid(server._process.pid) != os.getsid(0), "an interrupt at the keyboard is not for it"
        assert server.predict(rows) == bundle.predict(rows)
        numbers = {"id": numpy.int64(3), "x": numpy.float64("nan")}
        assert server.predict(numbers) == server.predict([{"id": 3, "x": None}]) == bundle.predict([numbers])
        with pytest.raises(es.DataError) as raised:
            server.predict({"id": 1, "x": "many"})
        assert raised.value.cells[0]["field"] == "x"
        for refused in ([{"id": 1, "x": "many"}], [{"id": 1, "x": 1}, {"id": 2, "x": 1, "z": 2}], [{"id": 1, "x": "many"}] * 30):
            with pytest.raises(es.DataError) as by_server:
                server.predict(refused)
            with pytest.raises(es.DataError) as by_bundle:
                bundle.predict(refused)
            assert str(by_server.value) == str(by_bundle.value)
        with pytest.raises(es.Error, match="already in use|address in use|Address"):
            bundle.serve(port=int(server.address.rsplit(":", 1)[1]))
    assert server._process.poll() is not None
    with pytest.raises(es.Error, match=f"the server at {server.url} has ended\n  help: `bundle.serve\\(\\)` starts another"):
        server.predict(rows)


def test_a_server_is_not_behind_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    bundle = es.Spec(SPEC).train(frame()).bundle
    with bundle.serve() as server:
        assert server.predict({"id": 7, "x": 3}) == bundle.predict([{"id": 7, "x": 3}])


def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    path = tmp_path / "p.evenstep"
    path.write_bytes(es.Spec(SPEC).train(frame()).bundle.to_bytes())
    code = f"import evenstep, os; s = evenstep.open({str(path)!r}).serve(); print(s._process.pid, flush=True); os._exit(9)"
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the server is still there")


def test_a_report_opens_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    bundle = es.Spec(SPEC).train(frame()).bundle
    page = bundle.report()
    assert [Path(url.removeprefix("file://")).read_text(encoding="utf-8") for url in opened] == [page.html]
    assert bundle.report(open=False).html == page.html and len(opened) == 1
    page.write(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "# p" in bundle.card


def test_notebooks_are_shown_html() -> None:
    spec = es.Spec(SPEC)
    trained = spec.train(frame())
    other = es.Spec(SPEC.replace("ridge", "dummy")).train(frame())
    shown = {
        "spec": spec,
        "checked": spec.check(frame()),
        "trained": trained,
        "bundle": trained.bundle,
        "metrics": trained.metrics,
        "comparison": trained.metrics.beside(other.metrics),
        "verified": trained.bundle.verify(frame()),
        "difference": es.diff(trained, other),
        "page": trained.bundle.report(open=False),
        "table": trained.bundle.score(frame()),
    }
    for name, one in shown.items():
        html = one._repr_html_()
        assert html.startswith("<") and html.endswith(">") and html.count("<table") == html.count("</table"), name
        assert repr(one).startswith("<evenstep.") or name in {"metrics", "comparison"}, name


def test_verify_proves_and_refutes(tmp_path: Path) -> None:
    rows = frame()
    rows.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "pipeline.toml").write_text(SPEC.replace("[data]", '[data]\nsource = "rows.csv"'))
    spec = es.Spec.read(tmp_path / "pipeline.toml")
    trained = spec.train()
    trained.write()
    assert es.verify(spec, threads=1, shuffle=True)
    assert es.verify(tmp_path / "pipeline.toml", rows, threads=3)
    assert es.verify(trained, rows).proved and es.verify(trained.paths["bundle"], rows, shuffle=True)
    alone = es.verify(trained.bundle)
    assert alone and any("with `data` it is trained again" in what for what in alone.not_proved)
    rows.loc[3, "x"] = 5
    other = es.verify(spec, rows)
    assert not other and not other.proved
    assert "fingerprint" in [check["name"] for check in other.checks if not check["equal"]]
    assert json.loads(program("verify", "--json", folder=tmp_path))["equal"]


def test_diff_names_column_and_row(tmp_path: Path) -> None:
    rows = frame()
    spec = es.Spec(SPEC, folder=tmp_path)
    one = spec.train(rows)
    assert es.diff(one, one).equal and not es.diff(one, one)
    rows.loc[3, "x"] = 5
    other = spec.train(rows)
    difference = es.diff(one, other)
    assert difference and difference.first is not None
    assert difference.first["column"] == "x"
    assert "3" in json.dumps(difference.first["rows"][0])
    assert es.diff(one.bundle, other.bundle), "by what bundles alone say"


def test_diff_of_trainings_that_were_written_to_one_place(tmp_path: Path) -> None:
    spec = es.Spec(SPEC, folder=tmp_path)
    rows = frame()
    held_out = rows.assign(x=rows["x"].where(rows["id"] != 3, 5))
    runs = [spec.train(data, out=f"{tmp_path}/models/") for data in (rows, held_out)]
    one = es.diff(*runs)
    assert one.first is not None and one.first["column"] == "x"
    assert es.diff(runs[1], runs[1]).equal and es.diff(runs[0], runs[0]).equal
    Path(runs[1].paths["trace"]).unlink()
    assert es.diff(*runs).first == one.first, "a file that is gone is written anew"
    assert sorted(path.suffix for path in (tmp_path / "models").iterdir()) == [".evenstep", ".html", ".lock"]


def test_a_spec_is_text_dictionary_and_file(tmp_path: Path) -> None:
    spec = es.Spec(SPEC, folder=tmp_path)
    digest = spec.train(frame()).digest
    assert es.Spec.from_dict(spec.to_dict()).train(frame()).digest == digest
    assert es.Spec.read(spec.write()) == spec == pickle.loads(pickle.dumps(spec))
    changed = spec.set({"model.alpha": 3.5, "data.missing": ["", "NA"]})
    assert changed != spec and changed.to_dict()["model"] == {"use": "ridge", "alpha": 3.5}
    assert changed.to_dict()["data"]["missing"] == ["", "NA"]
    with pytest.raises(es.SpecError, match="unknown parameter `alpah`"):
        spec.set({"model.alpah": 1})
    assert es.Spec.from_dict({"pipeline": {"name": "p", "seed": 1}, "data": {"target": "y", "id": None}}).target == "y"


def test_init_proposes_what_trains(example: Example) -> None:
    target = es.Spec.read(example.spec).target
    spec = es.init(pandas.read_csv(example.csv), target=target, name="proposed")
    assert spec.name == "proposed" and spec.check(pandas.read_csv(example.csv))
    by_path = es.init(example.csv, target=target)
    assert by_path.name == example.csv.stem and by_path.check()


def test_numbers_that_no_contract_takes_are_refused() -> None:
    bundle = es.Spec(SPEC).train(frame()).bundle
    # The words of a category could be any.
    words = es.Spec(SPEC.replace("ridge", "boosted_trees")).train(frame().assign(x=["inf", "a", "b"] * 30)).bundle
    assert words.predict_one({"id": 1, "x": "inf"})
    for cell in [float("inf"), Decimal("Infinity"), -numpy.float64("inf"), 10**400]:
        for one in [bundle, words]:
            with pytest.raises(es.Error, match="inf|1000000"):
                one.predict_one({"id": 1, "x": cell})
    # Wider than Python's floats: it is its own scalar.
    with pytest.raises(es.DataError, match="longdouble"):
        bundle.predict_one({"id": 1, "x": numpy.longdouble(1.5)})


def test_numbers_that_no_spec_takes_are_refused() -> None:
    def spec(bound: object) -> es.Spec:
        return es.Spec.from_dict({**es.Spec(SPEC).to_dict(), "contract": {"x": {"type": "number", "max": bound}}})

    assert spec(numpy.float64(7.5)).to_dict() == spec(7.5).to_dict()
    for bound in [float("inf"), numpy.float64("inf"), Decimal("-Infinity")]:
        with pytest.raises(es.SpecError, match="`contract.x.max`: (?i:-?inf).* can't stand in a spec"):
            spec(bound)
    with pytest.raises(es.SpecError, match="`contract.x.max`: .*longdouble"):
        spec(numpy.longdouble(1.5))


def test_no_two_columns_of_a_table_are_called_alike() -> None:
    rows = frame().assign(row=range(90), flags=[n % 7 for n in range(90)]).drop(columns="id")
    bundle = es.Spec(SPEC.replace('id = "id"\n', "")).train(rows).bundle
    table = bundle.transform(rows)
    assert table.columns == ["id_row", "flags", "row", "x", "flags_"]
    assert table.to_polars()["row"].to_list() == list(range(90))


def test_files_go_to_a_folder_that_is_made_if_need_be(tmp_path: Path) -> None:
    trained = es.Spec(SPEC).train(frame())
    for out, folder in [(f"{tmp_path}/a/b/", "a/b"), (tmp_path / "c", "c"), (tmp_path / "c", "c"), (tmp_path, ".")]:
        assert Path(trained.write(out)["bundle"]) == tmp_path / folder / "p.evenstep"
    assert Path(trained.write(tmp_path / "d.evenstep")["bundle"]) == tmp_path / "d.evenstep"
    assert es.Spec(SPEC).train(frame(), f"{tmp_path}/e/f/").paths["lock"] == f"{tmp_path}/e/f/p.lock"


def test_nobody_trains_for_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    spec, no_rows = es.Spec(SPEC), frame().head(0)
    (tmp_path / "d.evenstep").write_text("a file")
    (tmp_path / "folder.evenstep").mkdir()
    for out, message in [
        (tmp_path / "d.evenstep" / "models", "`.*/d.evenstep/models/` can't be made: `.*/d.evenstep` is no folder"),
        (tmp_path / "none" / "m.evenstep", "can't be written: there is no folder"),
        (f"{tmp_path}/folder.evenstep/../folder.evenstep/p.lock", "is no name for a bundle"),
        (tmp_path / ("x" * 300 + ".evenstep"), "File name too long"),
    ]:
        with pytest.raises(es.DataError, match=message):
            spec.train(no_rows, out, progress=False)
    assert list(tmp_path.glob("**/*.lock")) == []
    with pytest.raises(es.DataError, match="can't be made: File name too long"):
        spec.train(frame()).write(f"{tmp_path}/{'x' * 300}/")


def test_bundles_of_one_digest_are_equal() -> None:
    one, again = (es.Spec(SPEC).train(rows).bundle for rows in (frame(), frame()[::-1]))
    other = es.Spec(SPEC.replace("ridge", "dummy")).train(frame()).bundle
    assert one == again and one != other and one != one.digest
    assert len({one, again, other, pickle.loads(pickle.dumps(one))}) == 2
