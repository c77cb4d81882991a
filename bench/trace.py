"""What a trace costs, and how fast two of them are compared, on a table of `make_data.py`: writes TRACE.md.

    python bench/trace.py FILE.csv [ROUNDS]

Trains and scores with and without a trace in alternating rounds, changes one cell, trains again, and times `diff`
with and without reading the data. Needs target/release/evenstep, or EVENSTEP=FILE.
"""
import pathlib
import shutil
import statistics
import subprocess
import sys

import measure
from measure import HERE, WORK


def project(name, data):
    folder = WORK / "trace" / name
    folder.mkdir(parents=True)
    spec = (HERE / "mixed/pipeline.toml").read_text().replace("../.work/mixed.csv", str(data))
    (folder / "pipeline.toml").write_text(spec)
    return folder / "pipeline.toml"


def changed(data):
    """The same table with one number changed, in the row of the middle."""
    copy = WORK / "trace" / "changed.csv"
    lines = data.read_text().splitlines(keepends=True)
    cells = lines[len(lines) // 2].split(",")
    cells[2] = "0.125"
    lines[len(lines) // 2] = ",".join(cells)
    copy.write_text("".join(lines))
    return copy


def diff(*arguments):
    command = [measure.EVENSTEP, "diff", *arguments, "--json"]
    seconds = []
    for _ in range(5):
        taken = measure.time.perf_counter()
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        seconds.append(measure.time.perf_counter() - taken)
        assert done.returncode == 1, done.stderr
    return statistics.median(seconds), measure.json.loads(done.stdout)


def costs(data, spec, rounds):
    """Seconds of the processor of each verb, with and without a trace."""
    scores, trace = spec.with_name("scores.csv"), spec.with_name("scores.trace")
    score = ["score", spec.with_name("mixed.evenstep"), "--input", data, "--output", scores]
    turns = {
        ("training", "with"): ["train", spec], ("training", "without"): ["train", spec, "--no-trace"],
        ("scoring", "with"): [*score, "--trace", trace], ("scoring", "without"): score,
    }
    measure.evenstep("train", spec)
    taken = {turn: [] for turn in turns}
    for round in range(rounds):
        for turn, arguments in turns.items() if round % 2 == 0 else reversed(turns.items()):
            taken[turn].append(measure.evenstep(*arguments)["cpu"])
    return {turn: statistics.median(seconds) for turn, seconds in taken.items()}


def page(data, rounds):
    shutil.rmtree(WORK / "trace", ignore_errors=True)
    (WORK / "trace" / ".evenstep").mkdir(parents=True)
    begun = measure.load()
    a, b = project("a", data), project("b", changed(data))
    taken = costs(data, a, rounds)
    measure.evenstep("train", a)
    measure.evenstep("train", b)
    rows = sum(1 for _ in open(data)) - 1
    yield "# What a trace costs\n\nWritten by `bench/trace.py`; not edited by hand.\n"
    yield f"{measure.host()}; {rows:,} mixed rows by [`mixed/pipeline.toml`](mixed/pipeline.toml), {rounds} rounds, load before {begun:.1f}.\n"
    yield "| CPU s, median | with a trace | without | |\n|---|---:|---:|---:|"
    for verb in ("training", "scoring"):
        with_it, without = taken[verb, "with"], taken[verb, "without"]
        yield f"| {verb} | {with_it:.2f} | {without:.2f} | {with_it / without - 1:+.1%} |"
    size = a.with_name("mixed.trace").stat().st_size
    yield f"\nThe trace takes {size:,} bytes, {size / data.stat().st_size:.2%} of the data.\n"
    yield "One cell is changed, and both trainings are compared:\n\n| `diff` | s | names |\n|---|---:|---|"
    for words, more in [("from commitments", ["--no-data"]), ("with values from the data", [])]:
        seconds, told = diff(a, b, *more)
        first = told["first"]
        yield f"| {words} | {seconds:.3f} | {first['stage']}, `{first['column']}`, {len(first['rows'])} row |"


def main(data, rounds):
    text = "\n".join(page(data, rounds)) + "\n"
    (HERE / "TRACE.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
