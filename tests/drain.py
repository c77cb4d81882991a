"""Lines under way over HTTP/2 are answered after their server was told to stop: also to a client that takes nothing more once it
hears that the connection ends (`h2`, which httpx is built on).

Usage: drain.py ADDRESS PROCESS
"""

import json
import os
import signal
import socket
import sys
import time

import h2.config
import h2.connection
import h2.events
import requests

ROWS = 3
address, process = sys.argv[1], int(sys.argv[2])
document = requests.get(f"http://{address}/openapi.json").json()
row = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
host, port = address.split(":")
connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
stream = socket.create_connection((host, int(port)), timeout=30)
answered = ""


def send():
    connection.send_data(1, json.dumps(row).encode() + b"\n")
    stream.sendall(connection.data_to_send())


def receive(until):
    global answered
    while True:
        events = connection.receive_data(stream.recv(1 << 16))
        stream.sendall(connection.data_to_send())
        answered += "".join(event.data.decode() for event in events if isinstance(event, h2.events.DataReceived))
        if until(events):
            return


connection.initiate_connection()
head = {":method": "POST", ":scheme": "http", ":authority": address, ":path": "/predict", "content-type": "application/x-ndjson"}
connection.send_headers(1, head.items())
send()
receive(lambda _: answered.count("\n") == 1)
os.kill(process, signal.SIGTERM)
for sent in range(1, ROWS):
    time.sleep(0.7)
    send()
    receive(lambda _: answered.count("\n") == sent + 1)
connection.end_stream(1)
stream.sendall(connection.data_to_send())
receive(lambda events: any(isinstance(event, h2.events.StreamEnded) for event in events))
lines = [json.loads(line) for line in answered.splitlines()]
assert len(lines) == ROWS and all("prediction" in line for line in lines), lines
print(f"{ROWS} lines are answered over HTTP/2, {ROWS - 1} of them after the server was told to stop")
