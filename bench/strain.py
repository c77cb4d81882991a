"""How the server bears more than it can answer, and clients that mean it ill: writes STRAIN.md.

For the overload, the server has one core and the load the others: twice what both answer together is more than a load can ask
beside a server that is busy. The hostile fleet, the good clients beside it and the server share all cores.
"""
import argparse
import contextlib
import csv
import datetime
import http.client
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import measure
from measure import HERE, WORK

FOLDER = WORK / "strain"
EXAMPLES = pathlib.Path(os.environ.get("EVENSTEP_EXAMPLES", measure.REPOSITORY / "target/release/examples"))
PORT = 18090
BODIES = 200
ROWS = {"one row": 1, "10 rows": 10, "100 rows": 100}
# What is asked, and on how many connections: on few enough, all are answered in time; on more than are, some must be sent away.
# Of single rows, no load on the same machine asks twice as many as are answered.
OVERLOADS = {"10 rows": ("10 rows", 1000), "100 rows": ("100 rows", 1000), "100 rows, more clients": ("100 rows", 3000)}
CONNECTIONS_OF_PEAK = 64
# Their cores, for the overload.
SERVER, ASKER = ["taskset", "-c", "0"], ["taskset", "-c", f"1-{os.cpu_count() - 1}"]
# An answer that comes later is counted as none.
DEADLINE_MS = 1000
SLOW, RESETS, GARBAGE = 2000, 300, 300
# How long connections of a fleet that is gone may take to be closed.
CALM_SECONDS = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table that the pipeline is trained on")
    parser.add_argument("--seconds", type=int, default=300, help="of the overload, and of each visit of the fleet a tenth")
    parser.add_argument("--peak-seconds", type=int, default=20)
    parser.add_argument("--only", choices=[*OVERLOADS, "hostile"], help="measures one, and keeps what is known of the others")
    options = parser.parse_args()
    known = FOLDER / "found.json"
    found = json.loads(known.read_text()) if options.only and known.exists() else {}
    here = {"host": measure.host(), "begun": measure.load(), "rows": options.rows, "date": datetime.date.today().isoformat(), "commit": commit()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    bundle = trained(options.rows)
    for name, rows in ROWS.items():
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        (FOLDER / name).mkdir()
        for number in range(BODIES):
            (FOLDER / name / str(number)).write_text(json.dumps(sample(options.rows, number * rows, rows)))
    for name in OVERLOADS:
        if options.only in (None, name):
            found[name] = here | {"seconds": options.seconds, "own_cores": True} | overload(bundle, name, options)
    if options.only in (None, "hostile"):
        found["hostile"] = here | hostile(bundle, options)
    known.write_text(json.dumps(found, indent=1))
    (HERE / "STRAIN.md").write_text("\n".join(page(found)) + "\n")


def trained(rows):
    data, spec, bundle = WORK / f"mixed-{rows}.csv", FOLDER / "pipeline.toml", FOLDER / "mixed.evenstep"
    if not data.exists():
        measure.run(measure.PYTHON, HERE / "make_data.py", data, rows)
    spec.write_text((HERE / "mixed/pipeline.toml").read_text().replace("../.work/mixed.csv", str(data)))
    measure.evenstep("train", spec, "--output", bundle)
    return bundle


def sample(rows, first, count):
    """Some rows of the table, as a client has them: numbers as numbers, nothing where nothing is known."""
    def cell(name, text):
        if text == "":
            return None
        return int(text) if name == "id" else float(text) if name.startswith("num") else text

    with open(WORK / f"mixed-{rows}.csv", newline="") as file:
        lines = itertools.islice(csv.DictReader(file), first, first + count)
        return [{name: cell(name, text) for name, text in line.items() if name != "target"} for line in lines]


@contextlib.contextmanager
def server(bundle, cores=()):
    """A server that must still be well in the end."""
    command = [*cores, measure.EVENSTEP, "serve", bundle, "--listen", f"127.0.0.1:{PORT}"]
    log = open(FOLDER / "server.log", "w")
    process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
    try:
        while not is_well():
            assert process.poll() is None, f"the server ended: {FOLDER / 'server.log'} says why"
            time.sleep(0.05)
        yield process
        assert process.poll() is None and is_well(), "the server ended"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def is_well():
    try:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False


def load_command(folder, rate, seconds, connections, cores=()):
    command = [*cores, EXAMPLES / "load", f"127.0.0.1:{PORT}", FOLDER / folder, BODIES, rate, seconds, connections, DEADLINE_MS]
    return [str(part) for part in command]


def load(*arguments, cores=()):
    done = json.loads(subprocess.check_output(load_command(*arguments, cores), text=True))
    print(arguments, done, flush=True)
    assert done["answered"] > 0 and done["refused"] == 0, done
    return done


def memory(process, field="VmRSS"):
    """Resident memory, KB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])


def processor(process):
    """Seconds of the processor that it took so far."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def overload(bundle, name, options):
    """What is answered at most, and of twice as much."""
    rows, connections = OVERLOADS[name]
    with server(bundle, SERVER) as process:
        load(rows, 0, 3, CONNECTIONS_OF_PEAK, cores=ASKER)
        peak = load(rows, 0, options.peak_seconds, CONNECTIONS_OF_PEAK, cores=ASKER)
        rate = peak["answered"] / peak["seconds"]
        before, took = memory(process), processor(process)
        over = load(rows, round(2 * rate), options.seconds, connections, cores=ASKER)
        took = (processor(process) - took) / over["seconds"]
        return {
            "peak": rate,
            "over": over,
            "memory_kb": [before, memory(process), memory(process, "VmHWM")],
            "processor": took,
        }


def hostile(bundle, options):
    """Good clients alone, and beside the fleet, twice: so what is kept for it shows."""
    seconds = max(options.seconds // 10, 10)
    with server(bundle) as process:
        load("one row", 0, 3, CONNECTIONS_OF_PEAK)
        peak = load("one row", 0, options.peak_seconds, CONNECTIONS_OF_PEAK)
        # A tenth of the peak: the fleet takes its part of the cores, too.
        good = ("one row", round(peak["answered"] / peak["seconds"] / 10), seconds, 16)
        quiet, visits = load(*good), []
        time.sleep(1)
        for _ in range(2):
            before = memory(process)
            # Its own work is done elsewhere, where such fleets are: what it takes of these cores, the good ones come first.
            command = ["nice", "-n", "19", EXAMPLES / "hostile", f"127.0.0.1:{PORT}", seconds + 3, SLOW, RESETS, GARBAGE]
            fleet = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
            time.sleep(2)  # until all of it is there
            beside = subprocess.Popen(load_command(*good), stdout=subprocess.PIPE, text=True)
            most = 0
            while beside.poll() is None:
                most = max(most, memory(process))
                time.sleep(0.1)
            printed, _ = fleet.communicate()
            assert fleet.returncode == 0 and beside.returncode == 0
            time.sleep(CALM_SECONDS)
            visits.append({
                "good": json.loads(beside.stdout.read()),
                "fleet": json.loads(printed),
                "memory_kb": [before, most, memory(process)],
            })
            print(visits[-1], flush=True)
        return {"quiet": quiet, "rate": good[1], "seconds": seconds, "visits": visits}


def commit():
    return subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, text=True).strip()


def page(found):
    yield (
        "# The server under strain\n\nWritten by `bench/strain`; what it does stands in [`strain.py`](strain.py). The pipeline is that of"
        " [`mixed/pipeline.toml`](mixed/pipeline.toml), on a table of 22 columns.\n"
    )
    if any(name in found for name in OVERLOADS):
        yield from overload_page({name: found[name] for name in OVERLOADS if name in found})
    if "hostile" in found:
        yield from hostile_page(found["hostile"])


def when(name, found):
    cores = "the server has one core, the load the others" if found.get("own_cores") else "server and load share the cores"
    return f"{name}: {found['date']}, commit {found['commit']}, {found['host']}, load before {found['begun']:.1f}, trained on {found['rows']:,} rows; {cores}.\n"


def overload_page(found):
    yield "## Twice as much as it can answer\n"
    yield from (when(name, of) for name, of in found.items())
    seconds = " and ".join(dict.fromkeys(f"{of['seconds']} s" for of in found.values()))
    yield (
        f"The peak is what {CONNECTIONS_OF_PEAK} connections get that ask again once they are answered. Then, for {seconds},"
        f" twice as many requests are due as were answered at the peak, whether earlier ones were answered or not ([`load.rs`](../crates/server/examples/load.rs)). One that finds none of them free within 100 ms isn't sent."
        f" An answer counts if it comes within {DEADLINE_MS} ms of when its request was due.\n"
    )
    yield "| request | connections | peak, /s | due, /s | not sent, /s | answered in time, /s | of the peak | p50, p99 of answers, ms | sent away, /s | p50, p99, worst of those, ms | broken | cores of the server |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name, of in found.items():
        over = of["over"]
        each = lambda key: over[key] / over["seconds"]
        good, shed = over["good_ms"], over["shed_ms"]
        away = f"{shed['p50']:.1f}, {shed['p99']:.1f}, {shed['max']:.1f}" if over["shed"] else "–"
        yield (
            f"| {name} | {OVERLOADS[name][1]:,} | {of['peak']:,.0f} | {each('asked'):,.0f} | {each('given_up'):,.0f} | {each('in_time'):,.0f} | {each('in_time') / of['peak']:.0%} |"
            f" {good['p50']:.1f}, {good['p99']:.1f} | {each('shed'):,.0f} | {away} | {over['broken']} | {of['processor']:.2f} |"
        )
    kept = "; ".join(
        f"{name} {before / 1024:.0f} MB before, {after / 1024:.0f} MB after, {most / 1024:.0f} MB at most"
        for name, of in found.items()
        for before, after, most in [of["memory_kb"]]
    )
    yield f"\nMemory: {kept}.\n"


def hostile_page(found):
    yield "## A hostile fleet\n"
    yield when("Fleet", found)
    yield (
        f"{found['rate']:,} requests a second of one row, a tenth of the peak, for {found['seconds']} s: alone, and beside {SLOW:,} clients that are"
        f" silent, or send a byte a second of a head or a body, {RESETS} that take back what they ask for over HTTP/2, 10 requests every"
        f" 20 ms, and {GARBAGE} that send garbage ([`hostile.rs`](../crates/server/examples/hostile.rs)). Whoever is closed is back after"
        " 100 ms. The fleet's own process has the lowest priority (`nice`), as its work is done on other machines where there is one. It comes twice.\n"
    )
    yield "| | p50, ms | p99, ms | worst, ms | p99 ÷ quiet | sent away or broken | memory, MB: before, most, after | KB a bad connection |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    quiet = found["quiet"]["good_ms"]
    yield f"| quiet | {quiet['p50']:.2f} | {quiet['p99']:.2f} | {quiet['max']:.1f} | | {away_of(found['quiet'])} | | |"
    for name, visit in zip(["beside the fleet", "when it comes again"], found["visits"]):
        good, (before, most, after) = visit["good"]["good_ms"], visit["memory_kb"]
        yield (
            f"| {name} | {good['p50']:.2f} | {good['p99']:.2f} | {good['max']:.1f} | {good['p99'] / quiet['p99']:.1f}× | {away_of(visit['good'])} |"
            f" {before / 1024:.0f}, {most / 1024:.0f}, {after / 1024:.0f} | {(most - before) / (SLOW + RESETS + GARBAGE):.0f} |"
        )
    fleets = "; ".join(
        f"{fleet['slow']:,} slow connections, {fleet['resets']:,} with {fleet['taken_back']:,} requests taken back, {fleet['garbage']:,} of garbage"
        for fleet in (visit["fleet"] for visit in found["visits"])
    )
    yield f"\nThe fleet opened: {fleets}."


def away_of(done):
    return done["shed"] + done["broken"]


if __name__ == "__main__":
    main()
