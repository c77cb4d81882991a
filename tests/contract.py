"""Validates what `contract` and `schema` write: the examples fit, and wrong ones don't. tests/contract.sh calls it."""

import copy
import json
import pathlib
import sys
import tomllib

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

work, examples = map(pathlib.Path, sys.argv[1:])


def read(path):
    return json.loads(path.read_text())


schema = read(work / "schema.json")
Draft202012Validator.check_schema(schema)
specs = Draft202012Validator(schema)


def changed(spec, change):
    spec = copy.deepcopy(spec)
    change(spec)
    return spec


WRONG = {
    "an unknown section": lambda spec: spec.update(modle={}),
    "an unknown key": lambda spec: spec["data"].update(sorce="x"),
    "no target": lambda spec: spec["data"].pop("target"),
    "a seed as text": lambda spec: spec["pipeline"].update(seed="2026"),
    "an unknown model": lambda spec: spec["model"].update(use="boosted_tree"),
    "no model named": lambda spec: spec["model"].pop("use"),
    "a parameter that the model doesn't have": lambda spec: spec["model"].update(depth_of_soul=3),
    "an unknown step": lambda spec: spec["step"].append({"use": "impute_medain", "columns": ["x"]}),
    "a step without its columns": lambda spec: spec["step"].append({"use": "impute_median"}),
    "columns as a number": lambda spec: spec["step"].append({"use": "impute_median", "columns": 5}),
    "an unknown policy": lambda spec: spec["contract"].update(x={"missing": "reject!"}),
    "an unknown type": lambda spec: spec["contract"].update(x={"type": "float"}),
    "an unknown mode": lambda spec: spec.update(serving={"mode": "live"}),
    "a latency as a number": lambda spec: spec.update(serving={"latency": {"p99": 5}}),
}

for example in ["houses", "titanic", "credit"]:
    spec = tomllib.loads((examples / example / "pipeline.toml").read_text())
    errors = [error.message for error in specs.iter_errors(spec)]
    assert not errors, (example, errors)
    for what, change in WRONG.items():
        assert not specs.is_valid(changed(spec, change)), f"{example}: {what} is not noticed"

    validate(read(work / example / "openapi"))
    row_schema = read(work / example / "json-schema")
    Draft202012Validator.check_schema(row_schema)
    rows = Draft202012Validator(row_schema)
    openapi = read(work / example / "openapi")
    row = openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    rows.validate(row)
    assert not rows.is_valid({**row, "an unknown field": 1})
    required = row_schema["required"]
    assert required and not rows.is_valid({name: cell for name, cell in row.items() if name != required[0]})
    contract = read(work / example / "json")
    print(example, len(row), "fields,", len(WRONG), "wrong specs told,", contract["task"]["kind"])

assert specs.is_valid({"pipeline": {"name": "p", "seed": 1}, "data": {"target": "y"}}), "a contract needs no model"
