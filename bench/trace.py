"""What a trace costs, and how fast two of them are compared, on a table of `make_data.py`.

    python bench/trace.py FILE.csv [ROUNDS]

Trains with and without a trace in alternating rounds, changes one cell, trains again, and times `diff`
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


def main(data, rounds):
    shutil.rmtree(WORK / "trace", ignore_errors=True)
    (WORK / "trace" / ".evenstep").mkdir(parents=True)
    a, b = project("a", data), project("b", changed(data))
    cpu = {"with": [], "without": []}
    for round in range(rounds):
        turns = [("with", []), ("without", ["--no-trace"])]
        for name, more in turns if round % 2 == 0 else reversed(turns):
            cpu[name].append(measure.evenstep("train", a, *more)["cpu"])
    measure.evenstep("train", a)
    measure.evenstep("train", b)
    taken = {name: statistics.median(seconds) for name, seconds in cpu.items()}
    print(f"training, CPU s: {taken['with']:.2f} with a trace, {taken['without']:.2f} without,"
          f" {taken['with'] / taken['without'] - 1:+.1%}")
    size = a.with_name("mixed.trace").stat().st_size
    print(f"trace: {size:,} bytes, {size / data.stat().st_size:.2%} of the data")
    for words, more in [("from commitments", ["--no-data"]), ("with values from the data", [])]:
        seconds, told = diff(a, b, *more)
        first = told["first"]
        print(f"diff {words}: {seconds:.3f} s; {first['stage']}, {first['column']}, {len(first['rows'])} row")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
