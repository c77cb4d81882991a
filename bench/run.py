"""Evenstep beside its peers, on the same rows, in one run; writes RESULTS.md. Start it with `bench/run`.

Rounds alternate, and who goes first alternates too, so that a noisy minute hurts both.
"""
import argparse
import os
import statistics
import subprocess
import sys

import measure
from measure import HERE, WORK

RESULTS = HERE / "RESULTS.md"
EXAMPLES = {"houses": ("ames.csv", "price"), "titanic": ("titanic.csv", "Survived"), "credit": ("credit.csv", "Status")}
SHOWN = {
    "rmse": ("{:,.0f}", False), "mae": ("{:,.0f}", False), "r2": ("{:.4f}", True), "roc_auc": ("{:.5f}", True),
    "log_loss": ("{:.5f}", False), "brier": ("{:.5f}", False), "accuracy": ("{:.4f}", True),
}


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# the whole pipeline on a large table

def mixed(rows, rounds):
    data, split = WORK / f"mixed-{rows}.csv", WORK / f"mixed-{rows}.split.csv"
    if not data.exists():
        say("making", data.name)
        measure.run(measure.PYTHON, HERE / "make_data.py", data, rows)
    folder = WORK / "mixed"
    folder.mkdir(exist_ok=True)
    # the same spec, reading this file
    spec = folder / "pipeline.toml"
    spec.write_text((HERE / "mixed/pipeline.toml").read_text().replace("../.work/mixed.csv", str(data)))
    measure.split(spec, split)

    bundle, model = folder / "pipeline.evenstep", folder / "peer.joblib"
    scores = {"evenstep": folder / "evenstep.csv", "peer": folder / "peer.csv"}

    def ours():
        trained = measure.evenstep("train", spec, "--output", bundle)
        scored = measure.run(measure.EVENSTEP, "score", bundle, "--input", data, "--output", scores["evenstep"])
        return trained, scored

    def theirs():
        trained = measure.python("peer_pipeline.py", "train", data, split, model)
        scored = measure.python("peer_pipeline.py", "score", data, model, scores["peer"])
        return trained, scored

    turns = [("evenstep", ours), ("peer", theirs)]
    taken = {"evenstep": [], "peer": []}
    loads = [measure.load()]
    for round in range(rounds):
        for who, turn in turns if round % 2 == 0 else reversed(turns):
            trained, scored = turn()
            taken[who].append((trained, scored))
            say(
                f"round {round + 1} {who:9} train {trained['wall']:.2f} s {trained['peak_mb']:.0f} MB, "
                f"score {scored['wall']:.2f} s {scored['peak_mb']:.0f} MB"
            )
        loads.append(measure.load())
    found = measure.python("metrics.py", data, "target", split, scores["evenstep"], scores["peer"])["json"]
    busy = f"Load before the first round {loads[0]:.1f}, after each {', '.join(f'{load:.1f}' for load in loads[1:])}."
    return [*mixed_table(rows, taken, dict(zip(taken, found))), "", busy]


def mixed_table(rows, taken, found):
    def values(who, which, of):
        return [of(turn[which]) for turn in taken[who]]

    def line(name, which, of, form, less_is_better=True):
        mine, other = values("evenstep", which, of), values("peer", which, of)
        ratios = [b / a if less_is_better else a / b for a, b in zip(mine, other)]
        middle = [form.format(statistics.median(values)) for values in (mine, other)]
        return f"| {name} | {middle[0]} | {middle[1]} | {statistics.median(ratios):.1f}× | {min(ratios):.1f}–{max(ratios):.1f} |"

    lines = [
        "| | Evenstep | pandas, feature-engine, LightGBM | times better | over the rounds |",
        "|---|---:|---:|---:|---:|",
        line("training, s: the whole process", 0, lambda r: r["wall"], "{:.2f}"),
        line("training, CPU s", 0, lambda r: r["cpu"], "{:.2f}"),
        line("training, peak memory, MB", 0, lambda r: r["peak_mb"], "{:,.0f}"),
        line("scoring, rows/s: the whole process, file to file", 1, lambda r: rows / r["wall"], "{:,.0f}", False),
        line("scoring, peak memory, MB", 1, lambda r: r["peak_mb"], "{:,.0f}"),
    ]
    stages = {who: turns[-1][0]["json"].get("seconds", {}) for who, turns in taken.items()}
    auc = {who: found[who]["roc_auc"] for who in found}
    loss = {who: found[who]["log_loss"] for who in found}
    lines += [
        "",
        "| on the held-out rows | Evenstep | pandas, feature-engine, LightGBM | difference |",
        "|---|---:|---:|---:|",
        f"| ROC AUC | {auc['evenstep']:.5f} | {auc['peer']:.5f} | {auc['evenstep'] - auc['peer']:+.5f} |",
        f"| log loss | {loss['evenstep']:.5f} | {loss['peer']:.5f} | {loss['evenstep'] - loss['peer']:+.5f} |",
        "",
        "Seconds by stage, last round: "
        + "; ".join(f"{who} " + ", ".join(f"{k} {v:.2f}" for k, v in s.items() if v is not None) for who, s in stages.items())
        + ".",
        "",
        f"Inside its process, without reading and writing, the peer scores "
        f"{rows / statistics.median(values('peer', 1, lambda r: r['json']['seconds']['predict'])):,.0f} rows/s.",
    ]
    return lines


# the examples

def example(name, seeds):
    file, target = EXAMPLES[name]
    folder = measure.copy_example(name)
    spec, split = folder / "pipeline.toml", folder / "split.csv"
    measure.split(spec, split)
    ours, theirs, seconds = [], [], []
    for seed in seeds:
        bundle, mine, other = (folder / f"{kind}-{seed}" for kind in ("run.evenstep", "ours.csv", "theirs.csv"))
        trained = measure.evenstep("train", spec, "--set", f"pipeline.seed={seed}", "--output", bundle)
        measure.run(measure.EVENSTEP, "score", bundle, "--input", folder / file, "--output", with_csv(mine))
        measure.python("peer_examples.py", name, split, with_csv(other), seed)
        ours.append(with_csv(mine))
        theirs.append(with_csv(other))
        seconds.append(trained["wall"])
    plain = folder / "plain.csv"
    measure.python("peer_examples.py", name, split, plain, seeds[0], "plain")
    found = measure.python("metrics.py", folder / file, target, split, *ours, *theirs, plain)["json"]
    say(f"{name} done")
    return found[: len(seeds)], found[len(seeds): -1], found[-1], statistics.median(seconds)


def with_csv(path):
    return path.with_name(path.name + ".csv") if path.suffix != ".csv" else path


def examples_table(seeds):
    lines = [
        "| | metric | Evenstep | scikit-learn, feature-engine, LightGBM: same features, same parameters | LightGBM, defaults, raw columns | against the first peer |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for name in EXAMPLES:
        ours, theirs, plain, seconds = example(name, seeds)
        for metric, (form, more_is_better) in SHOWN.items():
            if metric not in plain:
                continue
            mine, other = ([result[metric] for result in results] for results in (ours, theirs))
            change = statistics.mean(mine) / statistics.mean(other) - 1
            verdict = "better" if (change > 0) == more_is_better and change else "worse" if change else "equal"
            cells = [spread(mine, form), spread(other, form), form.format(plain[metric])]
            lines.append(f"| {name} | {metric} | {' | '.join(cells)} | {change:+.2%} ({verdict}) |")
        lines.append(f"| {name} | seconds to train, whole process | {seconds:.2f} | | | |")
    return lines


def spread(values, form):
    """The mean over the seeds, and how far it goes with the seed alone."""
    mean, low, high = (form.format(value) for value in (statistics.mean(values), min(values), max(values)))
    return mean if low == high else f"{mean} ({low}–{high})"


# exact sums

def sums_table():
    """Medians of the bench of sums: plain additions of floats beside the exact sum of the same 10 million values."""
    command = ["cargo", "bench", "--locked", "-p", "evenstep-exact", "--bench", "sum", "--", "sum_plain", "sum_exact"]
    printed = measure.run(*command, cwd=measure.REPOSITORY)["printed"]
    found = medians(printed, 10_000_000)

    def line(values, exact, plain):
        exact, plain = found[exact] / 10_000_000, found[plain] / 10_000_000
        return f"| {values} | {exact:.2f} | {plain:.2f} | {exact / plain:.2f} |"

    return [
        "| values | exact, ns a value | naive, ns a value | exact / naive |",
        "|---|---:|---:|---:|",
        line("normal numbers around 3", "sum_exact", "sum_plain"),
        line("magnitudes from 1e-300 to 1e300", "sum_exact_wild", "sum_plain_wild"),
    ]


def medians(printed, values):
    """Nanoseconds by name, of the benches over that many values. Divan prints a name, and below it `values fastest │ slowest │ median │ …`."""
    units = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}
    name, found = None, {}
    for line in printed.splitlines():
        first, *others = [cell for cell in line.replace("│", " ").split() if cell.strip("├╰─")] or [""]
        if first.startswith("sum_"):
            name = first
        elif first == str(values):
            found[name] = float(others[4]) * units[others[5]]
    return found


# the page

def versions():
    peers = [line.split("==") for line in (HERE / "requirements.txt").read_text().split() if "==" in line]
    shown = {"feature-engine", "lightgbm", "numpy", "pandas", "scikit-learn"}
    python = measure.run(measure.PYTHON, "-c", "import platform; print(platform.python_version())")["printed"].strip()
    engine = measure.run(measure.EVENSTEP, "--version")["printed"].strip()
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True).stdout.strip()
    named = ", ".join(f"{name} {version}" for name, version in peers if name in shown)
    return f"{engine} (commit {commit}); {named}; Python {python}"


def page(sections):
    head = [
        "# Results",
        "",
        "Written by `bench/run`; not edited by hand. Only ratios taken in one run count: the machine may be shared.",
        "",
        f"- Host: {measure.host()}.",
        f"- Versions: {versions()}.",
        "",
    ]
    return "\n".join(head + sections) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5, help="for the examples")
    parser.add_argument("--only", choices=["mixed", "examples", "sums"], help="prints that part, leaves RESULTS.md alone")
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    sections = []
    if options.only in (None, "mixed"):
        sections += [
            f"## The whole pipeline: {options.rows:,} mixed rows from CSV", "",
            f"12 numbers, 8 categories of up to 10,000 values, 2 dates: [spec](mixed/pipeline.toml), [peer](peer_pipeline.py). "
            f"Median of {options.rounds} alternating rounds, {os.cpu_count()} threads; both train and hold out the same rows.", "",
            *mixed(options.rows, options.rounds), "",
        ]
    if options.only in (None, "examples"):
        seeds = list(range(1, options.seeds + 1))
        sections += [
            "## The examples", "",
            f"Held-out rows of the [examples](../examples/README.md), the same for all; mean over seeds 1–{seeds[-1]}, in brackets the range that the seed alone makes. "
            f"Parameters were chosen by cross-validation on the training rows ([peer](peer_examples.py)).", "",
            *examples_table(seeds), "",
        ]
    if options.only in (None, "sums"):
        sections += [
            "## Exact sum, 10 million values, one thread: ns a value, naive, ratio", "",
            "An [`ExactSum`](../crates/exact/src/sum.rs) beside a plain loop of additions in [one bench](../crates/exact/benches/sum.rs), "
            "medians of 20 runs.", "",
            *sums_table(), "",
        ]
    if options.only:
        print("\n".join(sections))
    else:
        RESULTS.write_text(page(sections))
        say("written", RESULTS)


if __name__ == "__main__":
    main()
