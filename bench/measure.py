"""Running programs and measuring them. Standard library only.

Whoever measures must stay small: a child's peak memory starts at its parent's.
"""
import json
import os
import pathlib
import platform
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE / ".work"
REPOSITORY = HERE.parent
EVENSTEP = pathlib.Path(os.environ.get("EVENSTEP", REPOSITORY / "target/release/evenstep")).absolute()
PYTHON = pathlib.Path(os.environ.get("BENCH_PYTHON", WORK / "venv/bin/python"))


class Failed(Exception):
    pass


# In the peers' favour: LightGBM's threads spin while they wait, and on a machine
# that does anything else this made it eight times slower.
PATIENT = {**os.environ, "OMP_WAIT_POLICY": "passive"}


def run(*command, cwd=None):
    """Runs to the end; returns wall and CPU seconds, peak memory in MB, and what was printed."""
    command = [str(part) for part in command]
    with open(WORK / "stderr.log", "w+b") as log:
        begun = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env=PATIENT, stdout=subprocess.PIPE, stderr=log)
        printed = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            raise Failed(f"{' '.join(command)}: exit {child.returncode}\n{log.read().decode()[-2000:]}")
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,   # Linux counts in KB
        "printed": printed.decode(),
    }


def run_json(*command, cwd=None):
    """The same, with the last line printed, or everything printed, read as JSON."""
    result = run(*command, cwd=cwd)
    text = result["printed"].strip()
    try:
        result["json"] = json.loads(text)
    except ValueError:
        result["json"] = json.loads(text.splitlines()[-1])
    return result


def evenstep(*arguments, cwd=None):
    return run_json(EVENSTEP, *arguments, "--json", cwd=cwd)


def split(spec, file, cwd=None):
    """Writes which rows Evenstep trains on and which it holds out.

    The columns are `row` (from 0, in the source's order) and `part` (`train` or `test`).
    """
    run(EVENSTEP, "split", spec, "--output", file, cwd=cwd)


def python(script, *arguments):
    return run_json(PYTHON, HERE / script, *arguments)


def copy_example(name):
    """A copy to train in, so that nothing is written beside the example."""
    folder = WORK / "examples" / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REPOSITORY / "examples" / name, folder)
    return folder


def load():
    """How many programs wanted a core in the last minute, ours included."""
    return os.getloadavg()[0]


def host():
    """What the numbers were taken on."""
    model, memory = platform.processor() or platform.machine(), 0
    try:
        for line in open("/proc/cpuinfo"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"
