"""All rows of an example through every door of a server, by clients that know nothing of us; the bits must be those of
`evenstep score`.

Usage: clients.py ADDRESS DATA.csv SCORED.jsonl
"""

import csv
import io
import json
import struct
import subprocess
import sys

import grpc
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import requests
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as classic_metrics

address, data, scored = sys.argv[1:]
url = f"http://{address}"
document = requests.get(f"{url}/openapi.json").json()
properties = document["components"]["schemas"]["Row"]["properties"]
model = document["info"]["title"]


def kind(name):
    said = properties[name]["type"]
    return said if isinstance(said, str) else said[0]


# What the specs of the examples count as missing.
MISSING = ["", "NA", "*"]
text = pd.read_csv(data, dtype=str, keep_default_na=False, na_values=MISSING)
text = text[[name for name in text.columns if name in properties]]


def value(name, cell):
    if not isinstance(cell, str):
        return None
    return json.loads(cell) if kind(name) in ("number", "integer", "boolean") else cell


columns = {name: [value(name, cell) for cell in text[name]] for name in text.columns}
rows = [dict(zip(columns, cells)) for cells in zip(*columns.values())]
expected = [json.loads(line) for line in open(scored)]
names = [name for name in expected[0] if name == "prediction" or name.startswith("probability_")]
assert len(rows) == len(expected) > 1000
checked = []


def bits(cell):
    if cell is None or isinstance(cell, str):
        return cell
    return struct.pack("<d", float(cell))


def check(door, answers, ids=None):
    """Answers are dicts with the columns of a score file."""
    answers = list(answers)
    assert len(answers) == len(expected), (door, len(answers))
    for row, (answer, scored) in enumerate(zip(answers, expected)):
        for name in names:
            assert bits(answer[name]) == bits(scored[name]), (door, row, name, answer[name], scored[name])
        for name in ids or []:
            assert answer[name] == scored[name], (door, row, name, answer[name], scored[name])
    checked.append(door)


def flat(answer):
    """An entry of `predictions` as a line of a score file."""
    probability = answer.get("probability") or {}
    return answer | {f"probability_{name}": cell for name, cell in probability.items()}


def ok(response):
    assert response.status_code == 200, (response.status_code, response.text[:2000])
    return response


# Our own route, in all formats.
arrow_types = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "string": pa.string()}
arrow = io.BytesIO()
table = pa.table({name: pa.array(cells, arrow_types[kind(name)]) for name, cells in columns.items()})
with pa.ipc.new_stream(arrow, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
    writer.write_table(table, max_chunksize=700)
ARROW, LINES = "application/vnd.apache.arrow.stream", "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"
parquet = io.BytesIO()
# As pandas writes it: Snappy, dictionaries, its own description in the footer.
table.to_pandas().to_parquet(parquet)
bodies = {
    "JSON rows": ("application/json", json.dumps(rows)),
    "JSON columns": ("application/json", json.dumps({"columns": columns})),
    "CSV": ("text/csv", text.to_csv(index=False, na_rep="NA").encode()),
    "Arrow": (ARROW, arrow.getvalue()),
    "Parquet": (PARQUET, parquet.getvalue()),
    "NDJSON": (LINES, "".join(json.dumps(row) + "\n" for row in rows)),
}
told_apart = [name for name in expected[0] if name in ("id", "row")]


def arrow_rows(response):
    return pa.ipc.open_stream(response.content).read_all().to_pylist()


def parquet_rows(response):
    return pq.read_table(io.BytesIO(response.content)).to_pylist()


def csv_rows(response):
    is_class = len(names) > 1
    for row in csv.DictReader(io.StringIO(response.text)):
        numbers = [name for name in names if not (is_class and name == "prediction")]
        ids = [name for name in told_apart if isinstance(expected[0][name], int)]
        yield row | {name: float(row[name]) for name in numbers} | {name: int(row[name]) for name in ids}


for name, (content_type, body) in bodies.items():
    for accept, read in [
        ("application/json", lambda response: map(flat, response.json()["predictions"])),
        ("text/csv", csv_rows),
        (ARROW, arrow_rows),
        (PARQUET, parquet_rows),
        (LINES, lambda response: map(json.loads, response.text.splitlines())),
    ]:
        response = ok(requests.post(f"{url}/predict", data=body, headers={"Content-Type": content_type, "Accept": accept}))
        assert response.headers["Content-Type"].split(";")[0] == accept
        ids = told_apart if accept != "application/json" else [] if told_apart == ["row"] else ["id"]
        check(f"{name} to {accept}", read(response), ids)

# curl, line by line.
command = ["curl", "-sS", f"{url}/predict", "-H", f"Content-Type: {LINES}", "--data-binary", "@-"]
lines = subprocess.run(command, input=bodies["NDJSON"][1].encode(), capture_output=True, check=True).stdout
check("NDJSON by curl", map(json.loads, lines.splitlines()), told_apart)

# Triton's client: a tensor a column; JSON, and bytes.
client = triton.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
assert client.is_model_ready(model, document["info"]["version"])
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
metadata = client.get_model_metadata(model)
datatypes = {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]}


def tensor(name, cells, binary):
    if kind(name) == "string":
        cells = np.array([cell or "" for cell in cells], dtype=object)
        tensor = triton.InferInput(name, [len(cells), 1], "BYTES")
        tensor.set_data_from_numpy(cells.reshape(-1, 1), binary_data=binary)
        return tensor
    # A null is NaN, or stands in the mask.
    array = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64).reshape(-1, 1)
    tensor = triton.InferInput(name, list(array.shape), "FP64")
    if binary:
        tensor.set_data_from_numpy(array, binary_data=True)
    else:
        # NaN is no JSON, and its client would write it: the gap is JSON's null.
        tensor.set_data_from_numpy(np.nan_to_num(array), binary_data=False)
        tensor._data = list(cells)
    return tensor


for binary in [False, True]:
    inputs = [tensor(name, cells, binary) for name, cells in columns.items() if name in datatypes]
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in names]
    result = client.infer(model, inputs, request_id="42", outputs=outputs)
    assert result.get_response()["id"] == "42"

    def cells(name):
        for cell in result.as_numpy(name):
            yield cell.decode() if isinstance(cell, bytes) else cell

    answers = zip(*(cells(name) for name in names))
    check(f"Triton's client, {'bytes' if binary else 'JSON'}", (dict(zip(names, answer)) for answer in answers))

# The same over gRPC, at the same port.
client = triton_grpc.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
assert client.is_model_ready(model, document["info"]["version"])
assert client.get_server_metadata().name == "evenstep"
metadata = client.get_model_metadata(model)
assert {tensor.name: tensor.datatype for tensor in metadata.inputs} == datatypes
inputs = []
for name, values in columns.items():
    if name not in datatypes:
        continue
    if kind(name) == "string":
        array = np.array([value or "" for value in values], dtype=object)
    else:
        array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    inputs.append(triton_grpc.InferInput(name, list(array.shape), "BYTES" if kind(name) == "string" else "FP64"))
    inputs[-1].set_data_from_numpy(array)
result = client.infer(model, inputs, request_id="42", outputs=[triton_grpc.InferRequestedOutput(name) for name in names])
assert result.get_response().id == "42"
answers = zip(*(cells(name) for name in names))
check("Triton's client over gRPC", (dict(zip(names, answer)) for answer in answers))
try:
    client.infer("nobody", inputs)
    raise AssertionError("no such model is served")
except triton_grpc.InferenceServerException as refused:
    assert refused.status() == "StatusCode.NOT_FOUND" and f"`{model}`" in refused.message(), refused

# A client that knows what it was told by reflection, and sends lists instead of bytes.
with grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as channel:
    told = ProtoReflectionDescriptorDatabase(channel)
    assert {"inference.GRPCInferenceService", "grpc.health.v1.Health"} <= set(told.get_services())
    method = DescriptorPool(told).FindServiceByName("inference.GRPCInferenceService").FindMethodByName("ModelInfer")
    ask = message_factory.GetMessageClass(method.input_type)
    call = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        ask.SerializeToString,
        message_factory.GetMessageClass(method.output_type).FromString,
    )
    asked = ask(model_name=model)
    for name, values in columns.items():
        if name not in datatypes:
            continue
        datatype = "BYTES" if kind(name) == "string" else "FP64"
        tensor = asked.inputs.add(name=name, datatype=datatype, shape=[len(values)])
        if datatype == "BYTES":
            tensor.contents.bytes_contents.extend((value or "").encode() for value in values)
        else:
            tensor.contents.fp64_contents.extend(float("nan") if value is None else value for value in values)
    answer = {output.name: output for output in call(asked).outputs}

    def listed(name):
        contents = answer[name].contents
        return [text.decode() for text in contents.bytes_contents] or contents.fp64_contents

    answers = zip(*(listed(name) for name in names))
    check("gRPC by reflection, lists", (dict(zip(names, row)) for row in answers))
    health = health_pb2_grpc.HealthStub(channel)
    well = health.Check(health_pb2.HealthCheckRequest(service="inference.GRPCInferenceService"))
    assert well.status == health_pb2.HealthCheckResponse.SERVING

    # The same, compressed; and one that is too large without its compression.
    with grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)], compression=grpc.Compression.Gzip) as packed:
        call = packed.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            ask.SerializeToString,
            message_factory.GetMessageClass(method.output_type).FromString,
        )
        answer = {output.name: output for output in call(asked).outputs}
        answers = zip(*(listed(name) for name in names))
        check("gRPC, compressed", (dict(zip(names, row)) for row in answers))
        assert health_pb2_grpc.HealthStub(packed).Check(health_pb2.HealthCheckRequest()).status
        bomb = ask(model_name=model, raw_input_contents=[bytes(17 << 20)])
        try:
            call(bomb, timeout=60)
            raise AssertionError("it is answered, and not refused")
        except grpc.RpcError as refused:
            assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, refused

# Metrics, in both texts that Prometheus reads.
for accept, kind, read, counter in [
    ("*/*", "text/plain", classic_metrics, "evenstep_rows"),
    ("application/openmetrics-text", "application/openmetrics-text", open_metrics, "evenstep_rows"),
]:
    told = ok(requests.get(f"{url}/metrics", headers={"Accept": accept}))
    assert told.headers["Content-Type"].startswith(kind), told.headers
    families = {family.name: family for family in read(told.text)}
    assert families[counter].type == "counter" and families[counter].samples[0].value >= len(rows), families[counter]
    assert all(family.documentation for family in families.values()), families

# MLflow's client, in each shape, and as CSV.
mlflow = ScoringServerClient(*address.split(":"))
mlflow.ping()
assert mlflow.get_version()


def named(predictions):
    for prediction in predictions:
        yield prediction if isinstance(prediction, dict) else {"prediction": prediction}


frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
check("MLflow's client", named(json.loads(mlflow.invoke(frame).to_json())["predictions"]))
for shape in [
    {"dataframe_split": frame.to_dict(orient="split")},
    {"dataframe_records": rows},
    {"instances": rows},
    {"inputs": columns},
]:
    response = ok(requests.post(f"{url}/invocations", json=shape))
    check(f"MLflow's {next(iter(shape))}", named(response.json()["predictions"]))
for name in ["CSV", "Parquet"]:
    content_type, body = bodies[name]
    response = ok(requests.post(f"{url}/invocations", data=body, headers={"Content-Type": content_type}))
    check(f"MLflow's {name}", named(response.json()["predictions"]))

print(f"{model}: {len(rows)} rows have the bits of `evenstep score` through {len(checked)} doors")
