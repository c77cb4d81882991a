"""Work that takes long: other threads go on, Ctrl-C stops it, and it is told how it goes."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy
import pandas
import pytest

import evenstep as es

SPEC = """\
[pipeline]
name = "p"
seed = 1
[data]
target = "y"
[model]
use = "boosted_trees"
trees = {trees}
"""


def frame(rows: int) -> pandas.DataFrame:
    draws = numpy.random.default_rng(0)
    columns = {f"x{n}": draws.normal(size=rows) for n in range(5)}
    return pandas.DataFrame(columns | {"y": draws.normal(size=rows)})


SMALL = frame(500)
SHORT = es.Spec(SPEC.format(trees=5))


def test_other_threads_go_on_while_work_does() -> None:
    counted, over = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    started = time.perf_counter()
    es.Spec(SPEC.format(trees=60)).train(frame(20_000))
    seconds = time.perf_counter() - started
    over.set()
    counter.join()
    assert counted > 100 * seconds, f"{counted} times in {seconds} s"


def test_ctrl_c_stops_a_training(tmp_path: Path) -> None:
    spec, rows = es.Spec(SPEC.format(trees=100_000)), frame(5000)
    threading.Timer(1.0, lambda: signal.raise_signal(signal.SIGINT)).start()
    started = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        spec.train(rows, f"{tmp_path}/models/")
    assert time.perf_counter() - started < 10
    assert list(tmp_path.iterdir()) == []
    assert SHORT.train(SMALL).digest == SHORT.train(SMALL).digest, "what comes next works"


def test_how_it_goes_is_told() -> None:
    told: list[tuple[str, int | None, int, str]] = []
    inner = es.Spec(SPEC.format(trees=100))._inner
    stream = frame(20_000).__arrow_c_stream__()
    inner.train(stream, 0, False, lambda *args: told.append(args))
    assert any(stage == "fit boosted_trees" and done > 0 for stage, _, done, _ in told), told

    def refuse(*args: object) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        inner.train(frame(20_000).__arrow_c_stream__(), 0, False, refuse)


def test_threads_share_a_bundle_and_train_side_by_side() -> None:
    bundle = SHORT.train(SMALL).bundle
    told = bundle.score(SMALL).to_arrow()
    rows = SMALL.drop(columns="y").to_dict("records")
    with ThreadPoolExecutor(4) as threads:
        assert all(scores.equals(told) for scores in threads.map(lambda _: bundle.score(SMALL).to_arrow(), range(8)))
        answers = list(threads.map(bundle.predict_one, rows))
        digests = set(threads.map(lambda count: SHORT.train(SMALL, threads=count).digest, [1, 2, 3, 7]))
    assert [answer["prediction"] for answer in answers] == told["prediction"].to_pylist()
    assert digests == {bundle.digest}


def train() -> str:
    return SHORT.train(SMALL, progress=False).digest


def score(bundle: es.Bundle) -> list[float]:
    predictions: list[float] = bundle.score(SMALL).to_arrow()["prediction"].to_pylist()
    return predictions


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_that_are_started_anyhow_give_the_same(method: str) -> None:
    trained = SHORT.train(SMALL)
    told = score(trained.bundle)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as processes:
        digests = [processes.submit(train) for _ in range(2)]
        scores = [processes.submit(score, trained.bundle) for _ in range(2)]
        assert {digest.result(60) for digest in digests} == {trained.digest}
        assert all(one.result(60) == told for one in scores)


def test_a_fork_in_the_middle_of_a_training_harms_neither() -> None:
    spec, rows = es.Spec(SPEC.format(trees=200)), frame(5000)
    alone = spec.train(rows).digest
    with ThreadPoolExecutor(1) as threads:
        training = threads.submit(spec.train, rows)
        time.sleep(0.2)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as processes:
            assert processes.submit(train).result(60) == train()
        assert training.result().digest == alone


def test_a_large_bundle_opens_in_a_process_that_is_forked() -> None:
    bundle = es.Spec(SPEC.format(trees=3000)).train(frame(2000)).bundle
    assert len(bundle.to_bytes()) > 2 << 20, "large enough to be hashed by several threads"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as processes:
        assert processes.submit(score, bundle).result(60) == score(bundle)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib_shares_out_what_is_to_be_scored(backend: str) -> None:
    bundle = es.Spec(SPEC.format(trees=20)).train(frame(500)).bundle
    shared = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(score)(bundle) for _ in range(3))
    assert shared == [score(bundle)] * 3
