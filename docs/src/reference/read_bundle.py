"""Reads a bundle by its documentation alone, and checks every byte of it.

    pip install blake3
    python3 read_bundle.py houses.evenstep

It knows nothing of Evenstep but what `artifact.md` says. It prints the digest, or says what is wrong.
"""
import hashlib
import io
import json
import struct
import sys
import zipfile
import zlib

from blake3 import blake3

ALIGNMENT = 64
DTYPES = {"F64": ("f64", 8), "I64": ("i64", 8), "U32": ("u32", 4), "U8": ("u8", 1)}


class Literal(str):
    """A number as it is written: canonical JSON has one way to write each."""


def parse(text):
    return json.loads(text, parse_int=Literal, parse_float=Literal)


def canonical(value):
    """RFC 8785."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def need(holds, what):
    if not holds:
        sys.exit(f"refused: {what}")


def header(name, data, at):
    """The local header of a member, whose header begins at `at`."""
    end = at + 30 + len(name)
    fill = -end % ALIGNMENT
    fill += ALIGNMENT if 0 < fill < 6 else 0
    crc, size = zlib.crc32(data), len(data)
    fixed = struct.pack("<4s5H3I2H", b"PK\3\4", 10, 0, 0, 0, 0x21, crc, size, size, len(name), fill)
    extra = struct.pack("<3H", 0xA11E, fill - 4, ALIGNMENT).ljust(fill, b"\0") if fill else b""
    return fixed + name + extra


def entry(name, data, at):
    """A member's entry in the directory."""
    crc, size = zlib.crc32(data), len(data)
    fixed = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 0x30A, 10, 0, 0, 0, 0x21, crc, size, size, len(name), 0, 0, 0, 0, 0o100644 << 16, at
    )
    return fixed + name


def archive(members):
    """The one file that these members have."""
    file, directory = b"", b""
    for name in sorted(members, key=str.encode):
        directory += entry(name.encode(), members[name], len(file))
        file += header(name.encode(), members[name], len(file)) + members[name]
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(members), len(members), len(directory), len(file), 0)
    return file + directory + end


def tagged(tag, data):
    """A value of a typed hash: its tag, its length in groups of 7 bits, and its bytes."""
    length, groups = len(data), b""
    while length > 0x7F:
        groups, length = groups + bytes([length & 0x7F | 0x80]), length >> 7
    return tag + groups + bytes([length]) + data


def digest_of(value):
    return blake3(tagged(b"s", b"evenstep params 1") + tagged(b"b", canonical(value).encode())).hexdigest()


def tensors(data):
    """Name, type and bytes of each tensor of a safetensors file."""
    (length,) = struct.unpack_from("<Q", data)
    told, start = json.loads(data[8 : 8 + length]), 8 + length
    told.pop("__metadata__", None)
    expected = 0
    for name, tensor in sorted(told.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = tensor["data_offsets"]
        need(begin == expected, f"tensor `{name}` begins at {begin}, not at {expected}")
        need(end - begin == tensor["shape"][0] * DTYPES[tensor["dtype"]][1], f"the shape of tensor `{name}`")
        expected = end
    need(start + expected == len(data), "the tensors do not fill `model.safetensors`")
    begin_end = {name: tensor["data_offsets"] for name, tensor in told.items()}
    return {name: (DTYPES[told[name]["dtype"]][0], data[start + b : start + e]) for name, (b, e) in begin_end.items()}


def learned(facts, weights):
    parts = [tagged(b"s", b"evenstep model 1"), tagged(b"b", canonical(facts).encode()), b"l" + bytes([len(weights)])]
    for name in sorted(weights, key=str.encode):
        dtype, data = weights[name]
        parts += [tagged(b"s", name.encode()), tagged(b"s", dtype.encode()), tagged(b"b", data)]
    return blake3(b"".join(parts)).hexdigest()


def main(path):
    with open(path, "rb") as file:
        whole = file.read()
    with zipfile.ZipFile(io.BytesIO(whole)) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    need(archive(members) == whole, "the archive is not in canonical layout")

    manifest = parse(members["manifest.json"])
    others = {name: data for name, data in members.items() if name != "manifest.json"}
    need(manifest.keys() == others.keys(), "the manifest lists other members")
    for name, data in others.items():
        said = manifest[name]
        need(said == {"size": str(len(data)), "blake3": blake3(data).hexdigest()}, f"member `{name}` was changed")
    for name in [name for name in members if name.endswith(".json")]:
        need(canonical(parse(members[name])).encode() == members[name], f"`{name}` is not canonical JSON")

    read = {name: parse(members[f"{name}.json"]) for name in ["identity", "artifact", "contract", "steps", "model"]}
    identity, head = read["identity"], read["artifact"]
    weights = tensors(members["model.safetensors"])
    model = read["model"]
    steps = [
        {"use": step["use"], "spec": step["spec"], "reads": step["reads"], "params": digest_of(step["params"])}
        for step in read["steps"]
    ]
    expected = {
        "format": Literal(1),
        "epochs": identity["epochs"],
        **{key: head[key] for key in ("seed", "task", "data", "inputs", "extra", "fingerprint", "features")},
        "contract": read["contract"],
        "seen": digest_of(head["seen"]),
        "steps": steps,
        "model": {"use": model["use"], "spec": model["spec"], "learned": learned(model["facts"], weights)},
    }
    need(canonical(expected) == canonical(identity), "`identity.json` doesn't describe what the bundle holds")

    golden = parse(members["golden.json"])
    numbers = [struct.unpack(">d", bytes.fromhex(bits))[0] for row in golden for bits in row["bits"]]
    numbers = [number for number in numbers if number == number]  # NaN is a null prediction
    print(f"{head['name']}: {len(members)} members, {len(weights)} tensors, {len(golden)} golden rows")
    print(f"golden predictions: {len(numbers)} numbers from {min(numbers):.6g} to {max(numbers):.6g}" if numbers else "")
    print("sha256:" + hashlib.sha256(members["identity.json"]).hexdigest())


if __name__ == "__main__":
    main(sys.argv[1])
