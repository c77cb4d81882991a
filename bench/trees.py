"""Boosted trees beside every peer, on the same rows, in one run; writes TREES.md. Start it with `bench/trees`.

Every measurement is a process of its own. Rounds alternate, and who goes first alternates too, so that
a noisy minute hurts all. What was measured is kept part by part, so a run that was broken off can go
on with `--resume`, and one part can be measured again with `--only`.
"""
import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn import metrics

import measure
import tree_data

HERE, WORK = measure.HERE, measure.WORK / "trees"
PAGE = HERE / "TREES.md"
OURS = "evenstep"
# by how much an AUC must differ to count
SAME_AUC = 0.0005

# what every peer is asked for when speed is compared, in the words of our spec
ALIKE = {
    "trees": 100, "learning_rate": 0.1, "leaves": 31, "bins": 255, "min_rows": 20, "min_hessian": 1e-3, "l2": 0.0, "alike": True,
}
# and when accuracy is: the rest is everyone's own default
DEFAULT = {"trees": 100, "learning_rate": 0.1, "leaves": 31}

FAST = ["lightgbm", "lightgbm_quantised", "xgboost", "hessboost"]
EVERYONE = [
    "lightgbm", "lightgbm_quantised", "lightgbm_deterministic", "lightgbm_deterministic_columns", "lightgbm_deterministic_free",
    "xgboost", "hessboost", "hessboost_quantised", "catboost", "catboost_symmetric", "hist_gradient_boosting",
]
ACCURATE = ["lightgbm", "xgboost", "hessboost", "catboost_symmetric", "hist_gradient_boosting"]
SCORING = ["lightgbm", "hessboost", "treelite", "tl2cgen", "onnxruntime", "lleaves"]
NAMES = {
    "evenstep": "**Evenstep**", "lightgbm": "LightGBM", "lightgbm_quantised": "LightGBM, quantised",
    "lightgbm_deterministic": "LightGBM, deterministic, by rows", "lightgbm_deterministic_columns": "LightGBM, deterministic, by columns",
    "lightgbm_deterministic_free": "LightGBM, deterministic, either way", "xgboost": "XGBoost", "hessboost": "hessboost",
    "hessboost_quantised": "hessboost, quantised", "catboost": "CatBoost, leaf by leaf", "catboost_symmetric": "CatBoost, symmetric",
    "hist_gradient_boosting": "scikit-learn HistGB", "random_forest": "scikit-learn",
    "treelite": "treelite GTIL", "tl2cgen": "treelite, compiled (TL2cgen)", "onnxruntime": "ONNX Runtime", "lleaves": "lleaves",
}


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# running

def ask(command, request, options):
    """What a program answers; if it can't, why."""
    threads = str(request["threads"])
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads}
    if options.patient:
        environment["OMP_WAIT_POLICY"] = "passive"
    try:
        with tempfile.NamedTemporaryFile("w", dir=WORK, suffix=".json") as file:
            json.dump(request, file, default=str)
            file.flush()
            words = [*map(str, command), file.name]
            done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=options.patience)
    except subprocess.TimeoutExpired:
        return {"refused": f"took more than {options.patience} s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        return {"refused": lines[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def fits(who, table, jobs, options, threads, use="boosted_trees", **more):
    """Fits in one process: each job says `train`, `test`, `words` and `predictions`."""
    request = {"who": who, "table": table, "threads": threads, "jobs": jobs, **more}
    if who == OURS:
        jobs = [{**job, "use": use, "spec": {word: value for word, value in job["words"].items() if word != "alike"}} for job in jobs]
        answer = ask([os.environ["EVENSTEP_TREES"], "fit"], {**request, "jobs": jobs}, options)
    else:
        answer = ask([measure.PYTHON, HERE / "tree_peers.py", "fit"], request, options)
    return answer.get("fits") or [answer] * len(jobs)


class Records:
    """What was measured of a part: lines of JSON, the first of which says when and of what."""

    def __init__(self, part, options):
        self.path = WORK / "results" / f"{part}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not (options.resume and self.path.exists()):
            head = {
                "date": datetime.date.today().isoformat(), "commit": commit(), "host": measure.host(), "rounds": options.rounds,
                "scale": options.scale, "patient": options.patient, "load": measure.load(),
            }
            self.path.write_text(json.dumps(head) + "\n")
        self.head, *self.all = read_records(self.path)

    def once(self, key, what):
        """Does it and keeps what comes out, unless that was done before."""
        if all(record["key"] != key for record in self.all):
            record = {"key": key, **what()}
            self.all.append(record)
            with open(self.path, "a") as file:
                file.write(json.dumps(record) + "\n")
        return next(record for record in self.all if record["key"] == key)


def read_records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def commit():
    return subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True).stdout.strip()


def judged(table, test, predictions):
    """The metrics of predictions of the test rows; the first is what a search minimises."""
    truth, found = table.target[test], np.fromfile(predictions, dtype="<f8")
    if table.task == "regression":
        return {"rmse": metrics.root_mean_squared_error(truth, found), "mae": metrics.mean_absolute_error(truth, found)}
    if table.task == "binary":
        clipped = np.clip(found, 1e-15, 1 - 1e-15)
        return {"log_loss": metrics.log_loss(truth, clipped), "roc_auc": metrics.roc_auc_score(truth, found)}
    found = found.reshape(len(test), -1)
    found = found / found.sum(axis=1, keepdims=True)
    return {
        "log_loss": metrics.log_loss(truth, found, labels=range(len(table.classes))),
        "accuracy": metrics.accuracy_score(truth, found.argmax(axis=1)),
    }


# tables

def made(name, rows, make):
    folder = WORK / "tables" / f"{name}-{rows}"
    if not (folder / "header.json").exists():
        say("making", folder.name)
        tree_data.write(folder, make(rows))
    return folder


def between(folder, start, end):
    return tree_data.write_rows(folder / f"{start}-{end}.rows", np.arange(start, end))


@dataclasses.dataclass
class Case:
    """The same fit for everyone, in rounds."""
    name: str
    title: str
    table: pathlib.Path
    train: int
    words: dict
    whom: list
    test: int
    threads: int = 2
    use: str = "boosted_trees"
    spec: dict | None = None   # ours, if not `words`
    columns: int | None = None   # that a node looks at, if not all


def measure_case(case, records, options):
    table = tree_data.read(case.table)
    rows = len(table.target)
    assert case.train + case.test <= rows, "no row is both learned from and tested"
    train, test = between(case.table, 0, case.train), between(case.table, rows - case.test, rows)
    whom = [OURS, *(who for who in case.whom if not options.peers or who in options.peers)]
    for round in range(options.rounds):
        for who in whom if round % 2 == 0 else reversed(whom):
            words = case.spec if who == OURS and case.spec else case.words
            predictions = WORK / "predictions"

            def fit():
                job = {"train": train, "test": test, "words": words, "predictions": predictions}
                if who in ("lightgbm", "random_forest") and round == 0:
                    job["count_visits"] = True
                answer = fits(who, case.table, [job], options, case.threads, case.use)[0]
                if "refused" not in answer:
                    answer |= judged(table, tree_data.read_rows(test), predictions)
                return {"case": case.name, "who": who, "round": round, **answer}
            record = records.once([case.name, who, round], fit)
            shown = record.get("refused") or f"{record['fit_s']:.2f} s, {record['peak_mb']:.0f} MB, AUC {record['roc_auc']:.5f}"
            say(f"{case.name}, round {round + 1}, {who}: {shown}")
            if "refused" in record and record["refused"].startswith("took more"):
                whom = [other for other in whom if other != who]   # once is enough


def limit_s(title, records):
    """What the host's tables allow a fit at best: the updates of histograms that the peer's trees need, if that was counted."""
    limit = limits()
    visits = next((record["row_visits"] for record in records if record["case"] == title["case"] and "row_visits" in record), None)
    if not (limit and visits and "columns" in title):
        return None
    return visits * title["columns"] / (title["threads"] * limit["scatter_adds_s"])


def case_table(records, title):
    """One line a participant: the median over the rounds, its ratio to ours, round by round, and its ratio to the limit."""
    name, limit = title["case"], limit_s(title, records)
    of = lambda who: {record["round"]: record for record in records if record["case"] == name and record["who"] == who}
    whom = list(dict.fromkeys(record["who"] for record in records if record["case"] == name))
    whom.sort(key=lambda who: list(NAMES).index(who))
    ours = {round: record for round, record in of(OURS).items() if "refused" not in record}
    lines = [
        "| | fit, s | × ours | over the rounds | × the limit | CPU, s | peak memory, MB | during the fit, MB | held-out AUC |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for who in whom:
        measured = {round: record for round, record in of(who).items() if "refused" not in record}
        if not measured:
            lines.append(f"| {NAMES[who]} | – | | | | | | | {next(iter(of(who).values()))['refused']} |")
            continue
        middle = lambda field: statistics.median(record[field] for record in measured.values())
        ratios = ratios_of(measured, ours) if who != OURS else []
        compared = f"{statistics.median(ratios):.2f} | {min(ratios):.2f}–{max(ratios):.2f}" if ratios else " | "
        to_limit = f"{middle('fit_s') / limit:.1f}" if limit else ""
        lines.append(
            f"| {NAMES[who]} | {middle('fit_s'):.2f} | {compared} | {to_limit} | {middle('cpu_s'):.2f} | {middle('peak_mb'):,.0f} | {grown(measured):,.0f} | {middle('roc_auc'):.5f} |"
        )
    return lines


def grown(rounds):
    """By how much memory grew during the fit, in MB."""
    return statistics.median(record["peak_mb"] - record["before_mb"] for record in rounds.values())


def ratios_of(theirs, ours):
    return [theirs[round]["fit_s"] / ours[round]["fit_s"] for round in theirs if round in ours]


@dataclasses.dataclass
class Aim:
    """What was to be reached, and what was."""
    wanted: str
    found: str
    is_met: bool


def times_ours(records, case):
    """How many times our time each peer takes: the median over the rounds."""
    of = lambda who: {record["round"]: record for record in records if record["case"] == case and record["who"] == who and "fit_s" in record}
    ours = of(OURS)
    peers = dict.fromkeys(record["who"] for record in records if record["case"] == case and record["who"] != OURS)
    return {who: statistics.median(ratios) for who in peers if (ratios := ratios_of(of(who), ours))}


def aucs(records, case):
    measured = [record for record in records if record["case"] == case and "roc_auc" in record]
    return {who: statistics.median(record["roc_auc"] for record in measured if record["who"] == who) for who in dict.fromkeys(record["who"] for record in measured)}


def behind_in(records):
    """Where ours was slower than a peer, or less accurate."""
    found = []
    for name in dict.fromkeys(record["case"] for record in records):
        by = {}
        for record in records:
            if record["case"] == name and "refused" not in record:
                by.setdefault(record["who"], {})[record["round"]] = record
        if OURS not in by:
            continue
        ours = by.pop(OURS)
        middle = lambda rounds, field: statistics.median(record[field] for record in rounds.values())
        for who, theirs in by.items():
            ratios = ratios_of(theirs, ours)
            if ratios and statistics.median(ratios) < 1:
                found.append(f"{name}: slower than {NAMES[who]}, which takes {statistics.median(ratios):.2f} of our time")
            memory = grown(theirs) / grown(ours)
            if memory < 1:
                found.append(f"{name}: more memory during the fit than {NAMES[who]}, which takes {memory:.2f} of ours")
            difference = middle(ours, "roc_auc") - middle(theirs, "roc_auc")
            if difference < -SAME_AUC:
                found.append(f"{name}: AUC {difference:+.5f} to {NAMES[who]}")
    return found


class Cases:
    """A part that is a list of cases."""

    def run(self, options, records):
        for case in self.cases(options):
            # What a node looks at: all columns, or as many as it draws.
            columns = case.columns or len(tree_data.read(case.table).columns)
            records.once(["title", case.name], lambda: {"title": case.title, "case": case.name, "threads": case.threads, "columns": columns})
            measure_case(case, records, options)

    def render(self, head, records):
        titles = [record for record in records if "title" in record]
        records = [record for record in records if "who" in record]
        lines = []
        for title in titles:
            lines += [f"**{title['title']}**", "", *case_table(records, title), "", *self.after(records, title)]
        return lines

    def after(self, records, title):
        return []

    def aims(self, records):
        """Nobody is faster."""
        cases = list(dict.fromkeys(record["case"] for record in records))
        records = [record for record in records if "who" in record]
        fastest = {case: min(times.items(), key=lambda of: of[1]) for case in cases if (times := times_ours(records, case))}
        return [Aim(f"{case}: no peer is faster", f"{least:.2f} of our time, {NAMES[who]}", least >= 1) for case, (who, least) in fastest.items()]

    def behind(self, records):
        return behind_in([record for record in records if "who" in record])


def scaled(rows, options):
    return int(rows * options.scale)


def numbers_table(options, rows=1_000_000):
    return made("numbers", scaled(rows + 200_000, options), tree_data.numeric)


class Fit(Cases):
    title = "Fit"

    def cases(self, options):
        rows, test = scaled(800_000, options), scaled(200_000, options)
        title = f"{rows:,} rows of 28 numbers; 100 trees of 31 leaves, 255 bins, {options.threads} threads"
        yield Case("fit", title, numbers_table(options), rows, ALIKE, EVERYONE, test, options.threads)

    def after(self, records, title):
        """What the limit is made of."""
        limit, seconds = limits(), limit_s(title, records)
        if not seconds:
            return []
        visits = next(record["row_visits"] for record in records if "row_visits" in record)
        updates = visits * title["columns"]
        lines = [
            f"LightGBM's trees need {visits:,} row visits (every split builds the smaller side only), {updates:,} updates of a histogram. "
            f"At {limit['scatter_adds_s'] / 1e9:.2f} billion a second and core, which is what this host adds into tables in its "
            f"first-level cache, that is {seconds:.2f} s with {title['threads']} threads: the limit, here and in the parts below. By memory, at "
            f"40 bytes a visit, it is {visits * 40 / limit['copy_gb_s'] / 1e9:.2f} s.", "",
            "| | cycles an update |", "|---|---:|",
        ]
        for who in sorted({record["who"] for record in records if "fit_s" in record}, key=list(NAMES).index):
            taken = statistics.median(record["fit_s"] for record in records if record["who"] == who and "fit_s" in record)
            lines.append(f"| {NAMES[who]} | {taken * title['threads'] * limit['clock_ghz'] * 1e9 / updates:.2f} |")
        return [*lines, ""]

    def aims(self, records):
        records = [record for record in records if "who" in record]
        times, auc = times_ours(records, "fit"), aucs(records, "fit")
        who, least = min(times.items(), key=lambda of: of[1])
        deterministic = {who: ratio for who, ratio in times.items() if "deterministic" in who}
        slowest = max(deterministic, key=deterministic.get, default=None)
        others = statistics.median(value for who, value in auc.items() if who != OURS)
        peak = {who: statistics.median(record["peak_mb"] for record in records if record["who"] == who and "peak_mb" in record) for who in auc}
        return [
            Aim("the fastest peer takes 2 times as long", f"{least:.2f}, {NAMES[who]}", least >= 2),
            *([Aim("LightGBM takes 3 times as long", f"{times['lightgbm']:.2f}", times["lightgbm"] >= 3)] if "lightgbm" in times else []),
            *([Aim("`deterministic` LightGBM takes 9 times as long", f"{deterministic[slowest]:.2f}, {NAMES[slowest]}", deterministic[slowest] >= 9)] if slowest else []),
            Aim("AUC no less than the median peer's", f"{auc[OURS]:.5f}, theirs {others:.5f}; see *Chance in the AUC*", auc[OURS] >= others),
            *([Aim("no more memory at the peak than LightGBM", f"{peak[OURS]:,.0f} MB, LightGBM {peak['lightgbm']:,.0f}", peak[OURS] <= peak["lightgbm"])] if "lightgbm" in peak else []),
        ]


class Chance:
    """How far the AUC of the same fit differs from one made table to another. No clock runs."""
    title = "Chance in the AUC"
    whom = [OURS, *(who for who in EVERYONE if "deterministic" not in who)]   # which is LightGBM's answer, but for the time

    def run(self, options, records):
        rows, test_rows = scaled(400_000, options), scaled(200_000, options)
        for seed in range(options.tables):
            whom = [who for who in self.whom if who == OURS or not options.peers or who in options.peers]
            if all(any(record["key"] == ["chance", seed, who] for record in records.all) for who in whom):
                continue
            folder = made(f"numbers-of-{seed}", rows + test_rows, lambda rows: tree_data.numeric(rows, seed=100 + seed))
            table, predictions = tree_data.read(folder), WORK / "predictions-chance"
            train, test = between(folder, 0, rows), between(folder, rows, rows + test_rows)
            job = {"train": train, "test": test, "words": ALIKE, "predictions": predictions}
            for who in whom:
                def fit():
                    answer = fits(who, folder, [job], options, options.threads)[0]
                    scores = {} if "refused" in answer else judged(table, tree_data.read_rows(test), predictions)
                    return {"who": who, "seed": seed, "rows": rows, **answer, **scores}
                record = records.once(["chance", seed, who], fit)
                say(f"chance, table {seed + 1}, {who}: {record.get('refused') or format(record['roc_auc'], '.5f')}")
            shutil.rmtree(folder)

    def of(self, records):
        measured = [record for record in records if "roc_auc" in record]
        return {who: {record["seed"]: record["roc_auc"] for record in measured if record["who"] == who} for who in self.whom if any(record["who"] == who for record in measured)}

    def differences(self, records):
        """Ours less theirs, table by table."""
        by = self.of(records)
        return {who: [by[OURS][seed] - auc for seed, auc in theirs.items() if seed in by[OURS]] for who, theirs in by.items() if who != OURS}

    def render(self, head, records):
        by, differences = self.of(records), self.differences(records)
        tables = len(by[OURS])
        lines = [
            f"The fit above on {records[0]['rows']:,} rows of each of {tables} tables made from other seeds, the areas under the ROC curve on 200,000 rows held out. "
            "Ours is above where the difference is above 0; with its standard error over the tables.", "",
            "| | mean AUC | least | most | ours less theirs |", "|---|---:|---:|---:|---:|",
        ]
        for who, aucs in by.items():
            found = differences.get(who, [])
            difference = f"{statistics.mean(found):+.5f} ± {error_of(found):.5f}" if len(found) > 1 else ""
            lines.append(f"| {NAMES[who]} | {statistics.mean(aucs.values()):.5f} | {min(aucs.values()):.5f} | {max(aucs.values()):.5f} | {difference} |")
        return [*lines, ""]

    def aims(self, records):
        by = self.of(records)
        peers = [who for who in by if who != OURS]
        found = [auc - statistics.median(by[who][seed] for who in peers if seed in by[who]) for seed, auc in by[OURS].items()]
        if len(found) < 2:
            return []
        mean, error = statistics.mean(found), error_of(found)
        return [Aim("AUC no less than the median peer's, beyond twice the standard error", f"{mean:+.5f} ± {error:.5f}", mean >= -2 * error)]

    def behind(self, records):
        found = {who: of for who, of in self.differences(records).items() if len(of) > 1}
        return [
            f"chance: AUC {statistics.mean(of):+.5f} ± {error_of(of):.5f} to {NAMES[who]}"
            for who, of in found.items() if statistics.mean(of) < -2 * error_of(of)
        ]


def error_of(found):
    """The standard error of a mean."""
    return statistics.stdev(found) / len(found) ** 0.5


class Shapes(Cases):
    title = "Other shapes"

    def cases(self, options):
        numbers, test, threads = numbers_table(options), scaled(200_000, options), options.threads
        rows = scaled(400_000, options)
        leaves = ALIKE | {"leaves": 255}
        by_depth = ALIKE | {"leaves": 256, "depth": 8, "growth": "depth"}
        yield Case("one thread", f"One thread, {rows:,} rows", numbers, rows, ALIKE, FAST, test, 1)
        yield Case("255 leaves", f"255 leaves, {rows:,} rows", numbers, rows, leaves, FAST, test, threads)
        yield Case("depth 8", f"Level by level to depth 8, {rows:,} rows (LightGBM leaf by leaf, at most as deep)", numbers, rows, by_depth, FAST, test, threads)
        yield Case("10,000 rows", "10,000 rows", numbers, scaled(10_000, options), ALIKE, FAST, test, threads)
        wide = made("wide", scaled(60_000, options), lambda rows: tree_data.numeric(rows, features=2000))
        rows = scaled(50_000, options)
        yield Case("2,000 columns", f"2,000 columns, {rows:,} rows", wide, rows, ALIKE, FAST, scaled(10_000, options), threads)
        flags = made("flags", scaled(300_000, options), tree_data.one_hot)
        rows = scaled(200_000, options)
        yield Case("flags", f"300 columns of 0 and 1, one for each level of 12 categories, {rows:,} rows", flags, rows, ALIKE, FAST, scaled(100_000, options), threads)


class Categories(Cases):
    title = "Categories as they are"
    whom = ["lightgbm", "xgboost", "hessboost", "catboost_symmetric"]

    def cases(self, options):
        table, rows = made("mixed", scaled(500_000, options), tree_data.mixed), scaled(400_000, options)
        title = f"{rows:,} rows: 12 numbers, 8 categories of 5 to 10,000 levels, nulls in all; everyone's own handling of categories"
        yield Case("categories", title, table, rows, ALIKE, self.whom, scaled(100_000, options), options.threads)

    def aims(self, records):
        records = [record for record in records if "who" in record]
        times, auc = times_ours(records, "categories"), aucs(records, "categories")
        who, least = min(times.items(), key=lambda of: of[1])
        best = max(auc, key=auc.get)
        return [
            Aim("the fastest peer takes 2 times as long", f"{least:.2f}, {NAMES[who]}", least >= 2),
            Aim("AUC within 0.001 of the best", f"{auc[OURS]:.5f}, the best is {NAMES[best]} with {auc[best]:.5f}", auc[OURS] >= auc[best] - 0.001),
        ]


class Scaling(Cases):
    title = "Scaling"

    def cases(self, options):
        sizes = [100_000, 1_000_000] + [10_000_000] * options.ten_million
        for size in sizes:
            rows = scaled(size, options)
            table = numbers_table(options, max(size, 1_000_000))
            yield Case(f"{size:,} rows", f"{rows:,} rows of 28 numbers", table, rows, ALIKE, FAST, scaled(200_000, options), options.threads)

    def aims(self, records):
        ours = [record for record in records if record.get("who") == OURS]
        taken = {case: statistics.median(record["fit_s"] for record in ours if record["case"] == case) for case in dict.fromkeys(record["case"] for record in ours)}
        pairs = list(zip(taken, list(taken)[1:]))
        return [Aim(f"{more} in 11 times the time of {less}", f"{taken[more] / taken[less]:.1f} times", taken[more] <= 11 * taken[less]) for less, more in pairs]


class Forest(Cases):
    title = "Random forest"

    def cases(self, options):
        rows = scaled(200_000, options)
        words = {"trees": 100, "depth": 12, "min_rows": 1}
        title = f"{rows:,} rows of 28 numbers; 100 trees, at most 12 deep"
        ours = {"trees": 100, "depth": 12}
        # As many of 28 as the root of their number.
        yield Case("forest", title, numbers_table(options), rows, words, ["random_forest"], scaled(200_000, options), options.threads, "random_forest", ours, 5)

    def aims(self, records):
        times = times_ours([record for record in records if "who" in record], "forest")
        return [Aim("scikit-learn takes 5 times as long", f"{times['random_forest']:.1f}", times["random_forest"] >= 5)] if times else []


class Roofline:
    title = "What the host allows"

    def run(self, options, records):
        def roofline():
            done = subprocess.run([os.environ["EVENSTEP_TREES"], "roofline"], capture_output=True, text=True, check=True)
            return json.loads(done.stdout)
        for round in range(options.rounds):
            records.once(["roofline", round], roofline)

    def render(self, head, records):
        best = limits()
        return [
            "| | |", "|---|---:|",
            f"| clock, measured, GHz | {best['clock_ghz']:.2f} |",
            f"| clock, as /proc/cpuinfo says, GHz | {clock_told():.2f} |",
            f"| copying, one thread, GB/s read and written | {best['copy_gb_s_1']:.1f} |",
            f"| copying, two threads, GB/s read and written | {best['copy_gb_s']:.1f} |",
            f"| adding into tables of 256 words by random bytes, one core, billion a second | {best['scatter_adds_s'] / 1e9:.2f} |",
            "",
        ]

    def aims(self, records):
        return []

    def behind(self, records):
        return []


def limits():
    """The best of what was measured of the host."""
    path = WORK / "results/roofline.jsonl"
    records = read_records(path)[1:] if path.exists() else []
    return {name: max(record[name] for record in records) for name in records[0] if name != "key"} if records else None


def clock_told():
    told = [float(line.split(":")[1]) for line in open("/proc/cpuinfo") if line.startswith("cpu MHz")]
    return max(told, default=math.nan) / 1000


class Score:
    title = "Scoring"

    def run(self, options, records):
        folder = numbers_table(options)
        table = tree_data.read(folder)
        rows, test_rows = scaled(800_000, options), scaled(200_000, options)
        train, test = between(folder, 0, rows), between(folder, len(table.target) - test_rows, len(table.target))
        predictions, model = WORK / "predictions", WORK / f"lightgbm-{rows}.txt"
        job = {"train": train, "test": test, "words": ALIKE, "predictions": predictions}

        def fit_lightgbm():
            for old in WORK.glob(model.name + "*"):
                old.unlink()
            answer = fits("lightgbm", folder, [{**job, "save": model, "count_visits": True}], options, options.threads)[0]
            return {"rows": test_rows, **answer, **judged(table, tree_data.read_rows(test), predictions)}
        records.once(["model"], fit_lightgbm)

        def ours():
            answer = fits(OURS, folder, [job], options, options.threads, score_s=options.score_seconds, single_rows=20_000)[0]
            return answer | judged(table, tree_data.read_rows(test), predictions)

        def theirs(who):
            request = {"who": who, "model": model, "table": folder, "test": test, "predictions": predictions, "seconds": options.score_seconds}
            command = [measure.PYTHON, HERE / "tree_peers.py", "score"]
            one = ask(command, {**request, "threads": 1, "single_rows": 5000}, options)
            if "refused" in one:
                return one
            many = ask(command, {**request, "threads": options.threads, "single_rows": 0}, options)
            return {"rows_s_1": one["rows_s"], "row_ns": one["row_ns"], **many, **judged(table, tree_data.read_rows(test), predictions)}

        whom = [OURS, *(who for who in SCORING if not options.peers or who in options.peers)]
        for round in range(options.rounds):
            for who in whom if round % 2 == 0 else reversed(whom):
                record = records.once(["score", who, round], lambda: {"who": who, "round": round, **(ours() if who == OURS else theirs(who))})
                shown = record.get("refused") or f"{record['rows_s_1']:,.0f} and {record['rows_s']:,.0f} rows/s, one row {record['row_ns'] / 1000:.2f} µs"
                say(f"score, round {round + 1}, {who}: {shown}")

    def middle(self, records):
        """The medians of each participant."""
        measured = [record for record in records if "rows_s" in record]
        fields = ["rows_s_1", "rows_s", "row_ns", "roc_auc"]
        return {
            who: {field: statistics.median(record[field] for record in measured if record["who"] == who) for field in fields}
            for who in sorted({record["who"] for record in measured}, key=list(NAMES).index)
        }

    def render(self, head, records):
        model, middle, limit = records[0], self.middle(records), limits()
        levels = model["levels"]
        lines = [
            f"{model['rows']:,} rows of 28 numbers, 100 trees of 31 leaves; a row passes {levels:.2f} levels of LightGBM's trees on average. "
            "We score our own model, from columns; the peers all score LightGBM's, from a matrix of 32-bit floats in rows. One row: the median, "
            "of ours within Rust, of the peers called from Python. "
            f"Cycles are those of one thread at {limit['clock_ghz']:.2f} GHz; the limit is 0.75 cycle a row, tree and level.", "",
            "| | rows/s, one thread | × ours | rows/s, all threads | × ours | cycles a row and tree | a row, tree and level | × the limit | one row, µs | × ours | AUC |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        ours = middle.get(OURS)
        for who, found in middle.items():
            cycles = limit["clock_ghz"] * 1e9 / found["rows_s_1"] / ALIKE["trees"]
            ratio = lambda field: f"{found[field] / ours[field]:.2f}" if ours and who != OURS else ""
            lines.append(
                f"| {NAMES[who]} | {found['rows_s_1']:,.0f} | {ratio('rows_s_1')} | {found['rows_s']:,.0f} | {ratio('rows_s')} | {cycles:.1f} | "
                f"{cycles / levels:.2f} | {cycles / levels / 0.75:.1f} | {found['row_ns'] / 1000:.2f} | {ratio('row_ns')} | {found['roc_auc']:.5f} |"
            )
        refused = {record["who"]: record["refused"] for record in records if "refused" in record and record.get("who") not in middle}
        return [*lines, *(f"| {NAMES[who]} | – {why} | | | | | | | | | |" for who, why in refused.items()), ""]

    def aims(self, records):
        middle = self.middle(records)
        ours = middle[OURS]
        cycles = limits()["clock_ghz"] * 1e9 / ours["rows_s_1"] / ALIKE["trees"] / records[0]["levels"]
        times = {who: ours["rows_s"] / found["rows_s"] for who, found in middle.items()}
        wanted = {"hessboost": 1.5, "lightgbm": 15, "treelite": 2, "tl2cgen": 2, "onnxruntime": 2}
        return [
            *(Aim(f"{aim} times the rows a second of {NAMES[who]}", f"{times[who]:.1f}", times[who] >= aim) for who, aim in wanted.items() if who in times),
            Aim("2 cycles a row, tree and level", f"{cycles:.2f}", cycles <= 2),
            Aim("5 µs for one row", f"{ours['row_ns'] / 1000:.2f}", ours["row_ns"] <= 5000),
        ]

    def behind(self, records):
        middle = self.middle(records)
        ours = middle.pop(OURS, None)
        found = []
        for who, theirs in middle.items() if ours else []:
            if theirs["rows_s_1"] > ours["rows_s_1"]:
                found.append(f"scoring batches, one thread: {NAMES[who]} does {theirs['rows_s_1'] / ours['rows_s_1']:.2f} of our rows")
            if theirs["rows_s"] > ours["rows_s"]:
                found.append(f"scoring batches, all threads: {NAMES[who]} does {theirs['rows_s'] / ours['rows_s']:.2f} of our rows")
            if theirs["row_ns"] < ours["row_ns"]:
                found.append(f"scoring one row: {NAMES[who]} takes {theirs['row_ns'] / ours['row_ns']:.2f} of our time")
        return found


class Explain:
    """Exact Shapley values of a row's score. That ours are those of the definition is a test of the crate's."""
    title = "Explaining"
    rows, whom = 10_000, ["lightgbm", "xgboost", "catboost_symmetric"]

    def run(self, options, records):
        folder = numbers_table(options)
        rows, test_rows = scaled(100_000, options), max(scaled(200_000, options), self.rows)
        length = len(tree_data.read(folder).target)
        train, test = between(folder, 0, rows), between(folder, length - test_rows, length)

        def ours():
            job = {"train": train, "test": test, "words": ALIKE, "predictions": WORK / "predictions"}
            return fits(OURS, folder, [job], options, options.threads, explained_rows=self.rows)[0]

        def theirs(who):
            request = {"who": who, "table": folder, "train": train, "test": test, "words": ALIKE, "threads": options.threads, "rows": self.rows}
            return ask([measure.PYTHON, HERE / "tree_peers.py", "explain"], {**request, "repeat": 2}, options)

        whom = [OURS, *(who for who in self.whom if not options.peers or who in options.peers)]
        for round in range(options.rounds):
            for who in whom if round % 2 == 0 else reversed(whom):
                record = records.once(["explain", who, round], lambda: {"who": who, "round": round, "threads": options.threads, **(ours() if who == OURS else theirs(who))})
                say(f"explain, round {round + 1}, {who}: {record.get('refused') or format(record['explain_s'], '.3f') + ' s'}")

    def middle(self, records):
        measured = [record for record in records if "explain_s" in record]
        return {who: statistics.median(record["explain_s"] for record in measured if record["who"] == who) for who in NAMES if any(record["who"] == who for record in measured)}

    def render(self, head, records):
        middle, clock = self.middle(records), (limits() or {}).get("clock_ghz", math.nan)
        limit = self.rows * ALIKE["trees"] * (2 * ALIKE["leaves"] - 1) / (8 * clock * 1e9 * records[0].get("threads", 2))
        lines = [
            f"What each of 28 features adds to each of {self.rows:,} rows' scores, by exact Shapley values; everyone's own 100 trees of 31 leaves, "
            "CatBoost's symmetric ones 5 deep. By how much values and base miss the score is of their 32-bit floats, where they have them. "
            f"The limit is one multiplication for each row and node, 8 in a cycle: {1000 * limit:.1f} ms.", "",
            "| | seconds | × ours | × the limit | values add up to the score within |", "|---|---:|---:|---:|---:|",
        ]
        for who, seconds in middle.items():
            ratio = f"{seconds / middle[OURS]:.1f}" if OURS in middle and who != OURS else ""
            off = [record["off"] for record in records if record.get("who") == who and "off" in record]
            lines.append(f"| {NAMES[who]} | {seconds:.3f} | {ratio} | {seconds / limit:.0f} | {format(max(off), '.0e') if off else 'a test: 1e-9'} |")
        refused = {record["who"]: record["refused"] for record in records if "refused" in record and record["who"] not in middle}
        return [*lines, *(f"| {NAMES[who]} | – {why} | | | |" for who, why in refused.items()), ""]

    def aims(self, records):
        middle = self.middle(records)
        theirs = {who: seconds / middle[OURS] for who, seconds in middle.items() if who != OURS}
        who, least = min(theirs.items(), key=lambda of: of[1])
        return [Aim("the fastest peer takes 2 times as long", f"{least:.1f}, {NAMES[who]}", least >= 2)]

    def behind(self, records):
        middle = self.middle(records)
        ours = middle.pop(OURS, math.inf)
        return [f"explaining: {NAMES[who]} takes {theirs / ours:.2f} of our time" for who, theirs in middle.items() if theirs < ours < math.inf]


class Accuracy:
    """No clock runs, so rounds and a quiet machine make no difference here: as many take part at once as there are threads."""
    title = "Accuracy on real tables"
    shown = {"rmse": False, "mae": False, "log_loss": False, "roc_auc": True, "accuracy": True}   # whether more is better

    def run(self, options, records):
        for name in options.sets or tree_data.SETS:
            folder = made(name, "all", lambda _: tree_data.real(name))
            table = tree_data.read(folder)
            plan = self.plan(name, table, folder, options)
            records.once(["set", name], lambda: {"set": name, "rows": len(table.target), "task": table.task, "heavy": heavy(table)})

            def turn(who):
                record = records.once(["accuracy", name, who], lambda: {"name": name, "who": who, **self.compete(who, table, folder, plan, options)})
                say(f"{name}, {who}: " + (record.get("refused") or self.said(record)))
            with ThreadPoolExecutor(options.threads) as pool:
                list(pool.map(turn, [OURS, *(who for who in ACCURATE if not options.peers or who in options.peers)]))
            records.once(["nearby", name], lambda: {"nearby": self.nearby(table, folder, plan, options)})

    def said(self, record):
        first = next(iter(record["default"][0]))
        return ", ".join(f"{kind} {first} {statistics.mean(split[first] for split in record[kind]):.5g}" for kind in ("default", "tuned"))

    def plan(self, name, table, folder, options):
        """Rows of each split, and of each fold of a search, which sees no row that any split tests."""
        random = tree_data.random_of(zlib.crc32(name.encode()))
        rows = len(table.target)
        write = lambda what, rows: tree_data.write_rows(folder / f"{what}.rows", np.sort(rows))
        splits, never = [], np.ones(rows, dtype=bool)
        for split in range(options.splits):
            order = random.permutation(rows)
            test, train = order[:rows // 5], order[rows // 5:]
            never[test] = False
            splits.append((write(f"train-{split}", train), write(f"test-{split}", test)))
        seen = random.permutation(np.flatnonzero(never))[:options.search_rows]
        folds = np.array_split(seen, 3)
        return splits, [
            (write(f"fold-train-{i}", np.concatenate([other for other in folds if other is not fold])), write(f"fold-test-{i}", fold))
            for i, fold in enumerate(folds)
        ]

    def compete(self, who, table, folder, plan, options):
        splits, folds = plan
        candidates = [DEFAULT, *(candidate(folder.name, i, who) for i in range(1, options.candidates))]
        predictions = WORK / f"predictions-{who}"
        predictions.mkdir(exist_ok=True)

        def scores(words_and_rows):
            jobs = [
                {"train": train, "test": test, "words": words, "predictions": predictions / str(i)}
                for i, (words, (train, test)) in enumerate(words_and_rows)
            ]
            answers = fits(who, folder, jobs, options, 1)
            return [answer if "refused" in answer else judged(table, tree_data.read_rows(job["test"]), job["predictions"]) for job, answer in zip(jobs, answers)]

        default = scores([(DEFAULT, rows) for rows in splits])
        refused = [score["refused"] for score in default if "refused" in score]
        if refused:
            return {"refused": refused[0]}
        searched = scores([(words, rows) for words in candidates for rows in folds])
        losses = []
        for i in range(len(candidates)):
            found = searched[len(folds) * i: len(folds) * (i + 1)]
            losses.append(math.inf if any("refused" in score for score in found) else statistics.mean(next(iter(score.values())) for score in found))
        best = candidates[int(np.argmin(losses))]
        tuned = default if best is DEFAULT else scores([(best, rows) for rows in splits])
        return {"default": default, "tuned": default if any("refused" in score for score in tuned) else tuned, "chosen": best}

    def nearby(self, table, folder, plan, options):
        """Our default with one word changed, on the rows that are tested: no choice, but what a deficit may come from."""
        changed = [{"l2": 1.0}, {"min_rows": 3}, {"min_rows": 20}]
        changed += [{"categories": {"min_rows": 10}}, {"categories": {"smoothing": 100.0}}] * bool(table.categories)
        changed += [{"objective": "absolute"}] * (table.task == "regression")
        predictions = WORK / "predictions-nearby"

        def scored(words, train, test):
            fits(OURS, folder, [{"train": train, "test": test, "words": DEFAULT | words, "predictions": predictions}], options, 1)
            return judged(table, tree_data.read_rows(test), predictions)
        return [{"words": words, "scores": [scored(words, *rows) for rows in plan[0]]} for words in changed]

    def compared(self, records):
        """For each kind, set and metric how ours compares with the median peer."""
        for kind in ("default", "tuned"):
            for described in (record for record in records if "set" in record):
                by = {record["who"]: record for record in records if record.get("name") == described["set"] and "refused" not in record}
                if OURS not in by or len(by) < 2:
                    continue
                nearby = next((record["nearby"] for record in records if record["key"] == ["nearby", described["set"]]), []) if kind == "default" else []
                for metric in by[OURS][kind][0]:
                    sign = 1 if self.shown[metric] else -1
                    values = {who: [split[metric] for split in record[kind]] for who, record in by.items()}
                    yield Compared(kind, described, metric, sign, values, nearby)

    def render(self, head, records):
        splits = len(next(record for record in records if "default" in record)["default"])
        titles = {
            "default": "Defaults: 100 trees, learning rate 0.1, 31 leaves, else everyone's own",
            "tuned": "Tuned alike: the best of as many random candidates for each, by 3-fold cross-validation on rows that no split tests",
        }
        lines = [f"Means over {splits} splits, a fifth held out, the same rows for everyone. **Bold**: worse than the median peer."]
        compared = list(self.compared(records))
        for kind, title in titles.items():
            lines += [
                "", f"**{title}**", "",
                f"| data set | rows | metric | Evenstep | {' | '.join(NAMES[who] for who in ACCURATE)} | against the median peer | place |",
                "|---|---:|---|---:|" + "---:|" * len(ACCURATE) + "---:|---:|",
            ]
            for line in (line for line in compared if line.kind == kind):
                cells = [f"{line.means[who]:.5g}" if who in line.means else "–" for who in (OURS, *ACCURATE)]
                against = f"{line.gain:+.2%}" if line.gain >= 0 else f"**{line.gain:+.2%}**"
                name = line.described["set"] + (", heavy-tailed" if line.described["heavy"] else "")
                lines.append(f"| {name} | {line.described['rows']:,} | {line.metric} | {' | '.join(cells)} | {against} | {line.place} of {len(cells)} |")
        refused = [record for record in records if "refused" in record]
        return [*lines, "", *(f"{NAMES[record['who']]} has no part in {record['name']}: {record['refused']}." for record in refused), ""]

    def aims(self, records):
        compared = list(self.compared(records))
        worse = sum(line.gain < 0 for line in compared)
        return [Aim("no metric worse than the median peer's", f"{worse} of {len(compared)} are", worse == 0)]

    def behind(self, records):
        return [str(line) for line in self.compared(records) if line.gain < 0]


@dataclasses.dataclass
class Compared:
    """A metric of a set, split by split, of ours and of the peers."""
    kind: str
    described: dict
    metric: str
    sign: int   # 1 if more is better, else -1
    values: dict
    nearby: list   # ours with one word changed

    @property
    def means(self):
        return {who: statistics.mean(values) for who, values in self.values.items()}

    @property
    def median(self):
        return statistics.median(mean for who, mean in self.means.items() if who != OURS)

    @property
    def gain(self):
        """By how much ours is better than the median of the peers' means."""
        return self.sign * (self.means[OURS] / self.median - 1)

    @property
    def place(self):
        means = self.means
        return 1 + sum(self.sign * other > self.sign * means[OURS] for other in means.values())

    def __str__(self):
        """What ours lacks, by how much that differs from split to split, and what one word would change."""
        medians = [statistics.median(split) for split in zip(*(values for who, values in self.values.items() if who != OURS))]
        gains = [self.sign * (ours / median - 1) for ours, median in zip(self.values[OURS], medians)]
        error = f" ± {error_of(gains):.2%} over the splits" if len(gains) > 1 else ""
        text = (
            f"{self.described['set']}, {self.metric}, {'defaults' if self.kind == 'default' else self.kind}: {-self.gain:.2%}{error} worse than the "
            f"median peer, place {self.place} of {len(self.values)}"
        )
        changed = [(self.sign * (statistics.mean(split[self.metric] for split in near["scores"]) / self.median - 1), near["words"]) for near in self.nearby]
        better, words = max(changed, key=lambda of: of[0], default=(self.gain, None))
        if better > self.gain:
            word, value = next(iter(words.items()))
            told = f"{word}.{next(iter(value))} = {next(iter(value.values()))}" if isinstance(value, dict) else f"{word} = {json.dumps(value)}"
            text += f"; with `{told}` {abs(better):.2%} {'better' if better >= 0 else 'worse'} than it"
        return text


def heavy(table):
    """Whether a tenth of the rows hold half of the target's sum."""
    if table.classes or table.target.min() < 0:
        return False
    ordered = np.sort(table.target)[::-1]
    return bool(ordered[:len(ordered) // 10].sum() > ordered.sum() / 2)


def candidate(name, number, who):
    """Random hyperparameters, the same draws for everyone; a leaf's least size is each one's own kind of it."""
    draw = tree_data.random_of([zlib.crc32(name.encode()), number]).random(8)
    between = lambda u, low, high: float(math.exp(math.log(low) + u * (math.log(high) - math.log(low))))
    words = {
        "trees": [50, 100, 200][int(3 * draw[0])], "learning_rate": between(draw[1], 0.03, 0.2), "leaves": round(between(draw[2], 8, 64)),
        "l2": between(draw[3], 0.01, 10), "column_sample": 0.5 + 0.5 * draw[4], "row_sample": 0.6 + 0.4 * draw[5],
    }
    if who in ("xgboost", "hessboost"):
        return words | {"min_hessian": between(draw[6], 0.1, 10)}
    return words | {"min_rows": round(between(draw[6], 3, 60))}


# the page

PARTS = {
    "roofline": Roofline(), "fit": Fit(), "chance": Chance(), "shapes": Shapes(), "categories": Categories(), "scaling": Scaling(),
    "score": Score(), "forest": Forest(), "explain": Explain(), "accuracy": Accuracy(),
}


def versions():
    names = [line.split("==")[0] for line in (HERE / "requirements-trees.txt").read_text().splitlines() if "==" in line]
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names) + f"; Python {platform.python_version()}"


def kept():
    """What the page says of each part, by its title."""
    sections = PAGE.read_text().split("\n## ")[1:] if PAGE.exists() else []
    return {section.split("\n")[0]: f"## {section}".strip() for section in sections}


def section(name, part):
    """What was measured here of a part; else what the page has of it."""
    path = WORK / "results" / f"{name}.jsonl"
    head, *records = read_records(path) if path.exists() else [None]
    if not records:
        return kept().get(part.title, "")
    rounds = "" if name in ("accuracy", "chance") else f", {head['rounds']} rounds, load before {head['load']:.1f}"
    notes = [f"at {head['scale']} of its size"] * (head["scale"] != 1) + ["OpenMP waiting passively"] * head["patient"]
    when = f"{head['date']}, commit {head['commit']}, {head['host']}{rounds}{''.join(f', {note}' for note in notes)}."
    aims = part.aims(records)
    behind = [f"- missed: {aim.wanted}; found: {aim.found}" for aim in aims if not aim.is_met] + [f"- {line}" for line in part.behind(records)]
    table = [f"| {aim.wanted} | {aim.found} | {'yes' if aim.is_met else '**no**'} |" for aim in aims]
    lines = [f"## {part.title}", "", when, "", *part.render(head, records)]
    lines += ["| aim | found | reached |", "|---|---|---|", *table, ""] if aims else []
    lines += ["Behind:", "", *behind] if behind else []
    return "\n".join(lines).strip()


def page():
    lines = [
        "# Trees beside their peers", "",
        "Written by `bench/trees`; not edited by hand. Only ratios taken in one run count: the machine may be shared. Times are from a matrix or "
        "batches in memory to a model, binning included; × ours is how many times ours, above 1 where a peer takes longer. Peak memory is the process's during the fit, "
        "its input included. × the limit is how many times the least time that the host's first-level cache allows for the updates of histograms of LightGBM's trees, or of the peer's forest; it is below 1 where columns share an update. "
        "Each part ends with what was aimed at, and where Evenstep is behind.", "",
        f"Peers: {versions()}.", "",
    ]
    sections = [section(name, part) for name, part in PARTS.items()]
    return "\n".join(lines) + "\n" + "\n\n".join(text for text in sections if text) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="measures these parts, keeps what TREES.md says of others")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", nargs="+", help="only these, beside Evenstep")
    parser.add_argument("--resume", action="store_true", help="goes on where a run was broken off")
    parser.add_argument("--scale", type=float, default=1.0, help="this share of the rows of made tables")
    parser.add_argument("--ten-million", action="store_true", help="adds 10,000,000 rows to `scaling`")
    parser.add_argument("--patient", action="store_true", help="OpenMP threads wait without spinning: for a busy machine")
    parser.add_argument("--patience", type=int, default=900, metavar="SECONDS", help="for how long a process may run")
    parser.add_argument("--score-seconds", type=float, default=2.0, help="for how long each scores batches")
    parser.add_argument("--tables", type=int, default=6, help="of `chance`")
    parser.add_argument("--sets", nargs="+", choices=tree_data.SETS, help="of `accuracy`")
    parser.add_argument("--splits", type=int, default=3, help="of `accuracy`")
    parser.add_argument("--candidates", type=int, default=10, help="of each one's search")
    parser.add_argument("--search-rows", type=int, default=200_000, help="on which a search is done at most")
    parser.add_argument("--page", action="store_true", help="measures nothing, writes TREES.md of what was measured")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    if "score" in options.only and limits() is None and "roofline" not in options.only:
        options.only.insert(0, "roofline")   # cycles are told in the host's own
    for name in [] if options.page else options.only:
        PARTS[name].run(options, Records(name, options))
        PAGE.write_text(page())
    PAGE.write_text(page())
    say("written", PAGE)


if __name__ == "__main__":
    main()
