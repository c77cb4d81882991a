"""What `image.sh` needs besides a shell: rows as requests, a container without rights, and a clock."""

import csv
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import zipfile

MS = 1e-6
# Of the client that asks.
KEY = os.environ.get("KEY", "")


def harden(path, keys):
    """Take from a container's configuration what it could write to, and every right; give it the clients' keys."""
    with open(path) as file:
        config = json.load(file)
    process, root, linux = config["process"], config["root"], config["linux"]
    assert process["user"]["uid"] == process["user"]["gid"] == 65532, process["user"]
    root["readonly"] = True
    process.update(terminal=False, noNewPrivileges=True)
    process["capabilities"] = {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")}
    # The network is this host's, so that it can be asked; limits need cgroups, which not every host lets one make.
    linux["namespaces"] = [space for space in linux["namespaces"] if space["type"] not in ("network", "cgroup")]
    linux.pop("resources", None)
    config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]
    config["mounts"].append(
        {"destination": "/api-keys.toml", "type": "bind", "source": keys, "options": ["bind", "ro"]}
    )
    with open(path, "w") as file:
        json.dump(config, file)
    print("  runs as user 65532, in a read-only root, without capabilities")


def rows(data, bundle):
    """The rows of a CSV file as a live system would send them: typed by the bundle's contract."""
    with zipfile.ZipFile(bundle) as members:
        contract = json.loads(members.read("contract.json"))
        artifact = json.loads(members.read("artifact.json"))
    sent, missing = {*artifact["inputs"], *artifact["data"]["id"]}, artifact["data"]["missing"]
    with open(data, newline="") as file:
        table = [{name: cell for name, cell in row.items() if name in sent} for row in csv.DictReader(file)]

    def typed(name, cell):
        if cell in missing:
            return None
        return json.loads(cell) if contract[name]["type"] in ("integer", "number") else cell

    json.dump([{name: typed(name, cell) for name, cell in row.items()} for row in table], sys.stdout)


def post(address, body):
    """The answer's body; None as long as nobody listens."""
    host, port = address.split(":")
    try:
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /predict HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
            head += f"X-API-Key: {KEY}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
            answer = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    except (ConnectionRefusedError, ConnectionResetError):
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer[:1000]
    return body


def text_of(answer):
    """Id and prediction of each row, as they are written: equal bits are equal text."""
    read = json.loads(answer, parse_float=str, parse_int=str)
    return [(row["id"], row["prediction"]) for row in read["predictions"]]


class Process:
    """A server that is a process of ours."""

    def __init__(self, command):
        self.command = command

    def start(self):
        self.server = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        assert self.server.wait(30) in (0, -signal.SIGTERM), self.server.returncode


class Container:
    """A server that runc runs. Its container is made beforehand: what it takes to make one is runc's."""

    def __init__(self, bundle, name):
        self.name = name
        runc("create", "--no-pivot", "--bundle", bundle, name)

    def start(self):
        runc("start", self.name)

    def stop(self):
        runc("kill", self.name, "TERM")
        while json.loads(subprocess.check_output(["runc", "state", self.name]))["status"] != "stopped":
            time.sleep(0.01)
        runc("delete", self.name)


def runc(*words):
    subprocess.run(["runc", *words], stdout=subprocess.DEVNULL, check=True)


def ask(rows_path, scores_path, address, name, times, command):
    """Start a server again and again: how long until it has answered a row, and whether it answers what `score` did."""
    with open(rows_path) as file:
        every = json.load(file)
    with open(scores_path, newline="") as file:
        scored = [(row["id"], row["prediction"]) for row in csv.DictReader(file)]
    assert len(scored) == len(every) > 2000
    one, everything = json.dumps(every[0]).encode(), json.dumps(every).encode()
    assert post(address, one) is None, f"somebody else listens at {address}"
    took = []
    for _ in range(times):
        server = Container(*command[1:]) if command[0] == "runc" else Process(command)
        begun = time.perf_counter_ns()
        server.start()
        while (answer := post(address, one)) is None:
            assert time.perf_counter_ns() - begun < 60e9, "it doesn't answer"
            time.sleep(0.0002)
        took.append((time.perf_counter_ns() - begun) * MS)
        assert text_of(answer) == scored[:1], (answer, scored[0])
        if len(took) == times:
            assert text_of(post(address, everything)) == scored, "predictions differ"
        server.stop()
    print(
        f"  {name}: {len(scored)} predictions as `score` gives them; from start to the first one "
        f"{statistics.median(took):.1f} ms, at best {min(took):.1f}, at worst {max(took):.1f}, of {times}"
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["harden", path, keys]:
            harden(path, keys)
        case ["rows", data, bundle]:
            rows(data, bundle)
        case ["ask", rows_path, scores_path, address, name, times, "--", *command]:
            ask(rows_path, scores_path, address, name, int(times), command)
        case _:
            sys.exit(__doc__)
