"""A table of more than a gigabyte: it is checked, trained and scored, and scoring takes no more memory than a small one.

    python tests/large.py EVENSTEP FOLDER

Needs 4 GB of memory and 2 GB on the disk. Standard library only.
"""
import json
import pathlib
import resource
import subprocess
import sys

BYTES = 1 << 30
BLOCK = 100_000
SCORING_MB = 256
SPEC = """[pipeline]
name = "large"
seed = 1

[data]
source = "large.csv"
id = "id"
target = "y"

[[step]]
use = "one_hot"
columns = ["c"]

[model]
use = "ridge"
"""


def write(path):
    """Rows of an id, nine numbers, a category and a target that follows from them; how many there are."""
    cells = [f",{n % 97 / 8:.4f},{n * 7 % 1013 / 16:.5f},{n * 31 % 509}.25,{n % 53 - 26}.5,{n * 11 % 211 / 4:.3f},{n % 1009},{n * 13 % 401 / 32:.6f}"
             f",{n * 17 % 307},{n * 19 % 103 / 2:.2f},level{n % 37},{n % 97 / 8 - n * 7 % 1013 / 160 + n % 37 / 9:.6f}\n" for n in range(BLOCK)]
    rows = 0
    with open(path, "w") as file:
        file.write("id," + ",".join(f"x{n}" for n in range(9)) + ",c,y\n")
        while file.tell() <= BYTES:
            file.write("".join(f"{rows + n}{text}" for n, text in enumerate(cells)))
            rows += BLOCK
    return rows


def run(*command):
    """What was printed as JSON, and the most memory that a child took so far, MB."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stderr}"
    return json.loads(done.stdout), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def main(evenstep, folder):
    data, spec, scores = folder / "large.csv", folder / "large.toml", folder / "scores.csv"
    rows = write(data)
    print(f"{data.stat().st_size:,} bytes, {rows:,} rows")
    # A bundle of the first block: scoring comes first, as the most memory that any child took is what is known.
    spec.write_text(SPEC.replace("large.csv", "first.csv"))
    with open(data) as lines, open(folder / "first.csv", "w") as first:
        first.writelines(line for line, _ in zip(lines, range(BLOCK + 1)))
    run(evenstep, "train", spec, "--json", "--quiet")
    scored, peak = run(evenstep, "score", folder / "large.evenstep", "--input", data, "--output", scores, "--json", "--quiet")
    with open(scores) as lines:
        answers = sum(1 for _ in lines) - 1
    assert scored["rows"] == answers == rows, (scored, answers)
    print(f"score: {answers:,} rows, {peak} MB")
    assert peak <= SCORING_MB, f"scoring took {peak} MB"
    scores.unlink()
    spec.write_text(SPEC)
    run(evenstep, "check", spec, "--json")
    trained, peak = run(evenstep, "train", spec, "--json", "--quiet")
    print(f"train: {trained['rows']:,} rows, r2 {trained['metrics']['r2']:.6f}, {peak:,} MB")
    assert trained["rows"] == rows and trained["metrics"]["r2"] > 0.99, trained
    proved, _ = run(evenstep, "verify", spec, "--threads", "1", "--json")
    assert proved["equal"], proved
    print("verify: equal")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).absolute(), pathlib.Path(sys.argv[2]))
    print("large: all well")
