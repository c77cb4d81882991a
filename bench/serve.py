"""How fast a trained pipeline answers over HTTP, beside a handler that only parses, and FastAPI: writes SERVE.md.

Server and load generator share the machine's cores.
"""
import argparse
import contextlib
import csv
import datetime
import http.client
import io
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import time

import pyarrow

import measure
from measure import HERE, WORK

FOLDER = WORK / "serve"
CONSTANT = pathlib.Path(os.environ.get("EVENSTEP_CONSTANT", measure.REPOSITORY / "target/release/examples/constant"))
PORTS = {"evenstep": 18080, "constant": 18081, "peer": 18082}
JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"
BODIES = 200


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table that the pipeline is trained on")
    parser.add_argument("--seconds", type=int, default=10, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--requests", type=int, default=1_000_000, help="before memory is looked at, and again after")
    options = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    bundle, model = trained(options.rows)
    for name, rows, write in [("one", 1, as_json), ("hundred", 100, as_json), ("arrow", 100, as_arrow)]:
        (FOLDER / name).mkdir()
        for number in range(BODIES):
            (FOLDER / name / str(number)).write_bytes(write(sample(options.rows, number * rows, rows)))
    commands = {
        "evenstep": [measure.EVENSTEP, "serve", bundle, "--listen", f"127.0.0.1:{PORTS['evenstep']}"],
        "constant": [CONSTANT, f"127.0.0.1:{PORTS['constant']}"],
        "peer": [measure.PYTHON, "-m", "uvicorn", "peer_server:app", "--port", str(PORTS["peer"]), "--log-level", "error"],
    }
    loads = {
        "one row, 64 connections": ("one", 1, 64, JSON, ["evenstep", "constant", "peer"]),
        "one row, 1 connection": ("one", 1, 1, JSON, ["evenstep", "constant", "peer"]),
        "100 rows as JSON, 16 connections": ("hundred", 100, 16, JSON, ["evenstep", "constant", "peer"]),
        "100 rows as Arrow, 16 connections": ("arrow", 100, 16, ARROW, ["evenstep"]),
    }
    found = {name: {who: [] for who in whom} for name, (*_, whom) in loads.items()}
    begun = measure.load()
    with contextlib.ExitStack() as stack:
        running = {who: stack.enter_context(server(who, command, model)) for who, command in commands.items()}
        for _, (name, (folder, rows, connections, kind, whom)) in itertools.product(range(options.rounds), loads.items()):
            for who in whom:
                seconds = options.seconds if who != "peer" else max(options.seconds, 10)
                with alone(who, running):
                    answered(PORTS[who], patience=60)
                    done = load(PORTS[who], FOLDER / folder, kind, connections, seconds)
                done["rows"] = done["requests"] / done["seconds"] * rows
                found[name][who].append(done)
                print(name, who, {key: round(value, 3) for key, value in done.items()}, flush=True)
        peer_memory = memory(running["peer"])
    kept = flat(commands["evenstep"], options)
    starts = [start(commands["evenstep"]) for _ in range(options.starts)]
    (HERE / "SERVE.md").write_text("\n".join(page(options, begun, found, kept, peer_memory, starts)) + "\n")


def trained(rows):
    """A bundle of the mixed pipeline, and the peer's model of the same rows."""
    data, parts = WORK / f"mixed-{rows}.csv", WORK / f"mixed-{rows}.split.csv"
    if not data.exists():
        measure.run(measure.PYTHON, HERE / "make_data.py", data, rows)
    spec, bundle, model = FOLDER / "pipeline.toml", FOLDER / "mixed.evenstep", FOLDER / "peer.joblib"
    spec.write_text((HERE / "mixed/pipeline.toml").read_text().replace("../.work/mixed.csv", str(data)))
    measure.evenstep("train", spec, "--output", bundle)
    measure.split(spec, parts)
    measure.python("peer_pipeline.py", "train", data, parts, model)
    return bundle, model


def sample(rows, first, count):
    """Some rows of the table, as a client has them: numbers as numbers, nothing where nothing is known."""
    with open(WORK / f"mixed-{rows}.csv", newline="") as file:
        for row in itertools.islice(csv.DictReader(file), first, first + count):
            del row["target"]
            yield {name: cell_of(name, text) for name, text in row.items()}


def cell_of(name, text):
    if text == "":
        return None
    return int(text) if name == "id" else float(text) if name.startswith("num") else text


def as_json(rows):
    rows = list(rows)
    return json.dumps(rows[0] if len(rows) == 1 else rows).encode()


def as_arrow(rows):
    table = pyarrow.Table.from_pylist(list(rows))
    into = io.BytesIO()
    with pyarrow.ipc.new_stream(into, table.schema) as stream:
        stream.write_table(table)
    return into.getvalue()


@contextlib.contextmanager
def server(who, command, model=None):
    environment = {**os.environ, "MODEL": str(model)}
    log = open(FOLDER / f"{who}.log", "w")
    process = subprocess.Popen([str(part) for part in command], cwd=HERE, env=environment, stdout=log, stderr=log)
    try:
        answered(PORTS[who], patience=60)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextlib.contextmanager
def alone(who, running):
    """Halts the other servers: after its load the peer works for seconds on what it had let wait, so it is asked again
    only once it has answered that."""
    others = [process for other, process in running.items() if other != who]
    for process in others:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in others:
            process.send_signal(signal.SIGCONT)


def answered(port, patience):
    """Asks until a prediction is answered; the answer."""
    body, until = (FOLDER / "one/0").read_bytes(), time.perf_counter() + patience
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)):
                pass
            break
        except ConnectionRefusedError:
            if time.perf_counter() > until:
                raise
            time.sleep(0.0002)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/predict", body, {"Content-Type": JSON})
    response = connection.getresponse()
    text = response.read()
    assert response.status == 200, text
    return text


def load(port, folder, kind, connections, seconds):
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(HERE / "load.lua"),
        f"http://127.0.0.1:{port}/predict", "--", str(folder), str(BODIES), kind,
    ]
    printed = subprocess.check_output(command, text=True)
    done = json.loads(printed.split("RESULT ")[1])
    assert done["requests"] > 0 and done["refused"] == done["broken"] == 0, printed
    return done


def memory(process):
    """Resident memory, MB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def flat(command, options):
    """Memory at the start, after so many requests, and after ten times as many again."""
    with server("evenstep", command) as process:
        seen = [memory(process)]
        for requests in (options.requests, 10 * options.requests):
            done = 0
            while done < requests:
                done += load(PORTS["evenstep"], FOLDER / "one", JSON, 64, options.seconds)["requests"]
            seen.append(memory(process))
        return seen


def start(command):
    """Milliseconds from starting the program to its first prediction."""
    begun = time.perf_counter()
    with server("evenstep", command):
        return 1000 * (time.perf_counter() - begun)


def middle(runs, key):
    return statistics.median(run[key] for run in runs)


def page(options, begun, found, kept, peer_memory, starts):
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, text=True).strip()
    yield "# Predictions over HTTP\n\nWritten by `bench/serve`; what it does stands in [`serve.py`](serve.py).\n"
    yield (
        f"{datetime.date.today()}, commit {commit}, {measure.host()}, load before {begun:.1f}. The pipeline of"
        f" [`mixed/pipeline.toml`](mixed/pipeline.toml), trained on {options.rows:,} rows of 22 columns. Load by `wrk`"
        f" on one thread, on the same cores as the server; medians of {options.rounds} rounds of {options.seconds} s.\n"
    )
    yield (
        "*Constant* is an axum handler that parses the same JSON and answers a constant"
        " ([`constant.rs`](../crates/server/examples/constant.rs)); *FastAPI* serves pandas, feature-engine and LightGBM"
        " ([`peer_server.py`](peer_server.py)).\n"
    )
    yield "| load | server | requests/s | rows/s | ours ÷ this | p50, ms | p99, ms | worst, ms |\n|---|---|---:|---:|---:|---:|---:|---:|"
    names = {"evenstep": "**Evenstep**", "constant": "constant", "peer": "FastAPI"}
    for name, by_server in found.items():
        ours = middle(by_server["evenstep"], "rows")
        for who, runs in by_server.items():
            rows = middle(runs, "rows")
            requests = statistics.median(run["requests"] / run["seconds"] for run in runs)
            ratio = "" if who == "evenstep" else f"{ours / rows:,.2f}×" if who == "constant" else f"{ours / rows:,.0f}×"
            p50, p99, most = (middle(runs, key) for key in ("p50", "p99", "max"))
            yield f"| {name} | {names[who]} | {requests:,.0f} | {rows:,.0f} | {ratio} | {p50:.3f} | {p99:.3f} | {most:.1f} |"
    first, then, after = kept
    yield (
        f"\nMemory: {first:.0f} MB at the start, {then:.0f} MB after {options.requests:,} requests, {after:.0f} MB after"
        f" ten times as many again; FastAPI's {peer_memory:.0f} MB.\n"
    )
    yield (
        f"From starting the program to the first prediction: {statistics.median(starts):.1f} ms, the median of"
        f" {len(starts)} starts; the worst {max(starts):.1f} ms."
    )


if __name__ == "__main__":
    main()
