"""Predicts a bundle's golden rows by the documentation of its format alone.

    evenstep train examples/houses/pipeline.toml --set 'step=[]' --output plain.evenstep
    python3 predict_bundle.py plain.evenstep

It knows nothing of Evenstep but what `artifact.md` says, and needs nothing but Python. It takes trees and linear models
behind no other steps than `impute_mean` and `standard_scale`, checks no hash (`read_bundle.py` does), and says how many numbers
have the bits of the training, or are among the floats next to these, where they come from Python's `exp`.
"""
import json
import math
import struct
import sys
import zipfile

FORMATS = {"F64": "d", "I64": "q", "U32": "I", "U8": "B"}
NAN = math.nan
# Another `exp` may round its last bit elsewise, and what follows from it; of a small share of `softmax`, e^−30 say, the exponent
# is rounded as well, by up to 30 floats of the share.
FLOATS_APART = 64


def tensors(data):
    """The numbers of each tensor of a safetensors file."""
    (length,) = struct.unpack_from("<Q", data)
    told, start = json.loads(data[8 : 8 + length]), 8 + length
    told.pop("__metadata__", None)
    of = {}
    for name, tensor in told.items():
        form = f"<{tensor['shape'][0]}{FORMATS[tensor['dtype']]}"
        of[name] = struct.unpack_from(form, data, start + tensor["data_offsets"][0])
    return of


def exp(x):
    return math.inf if x > 709.78 else math.exp(x)


def sigmoid(x):
    e = exp(-abs(x))
    return (e if x < 0 else 1.0) / (1.0 + e)


def softmax(scores):
    most = max(scores)
    total = most + math.log(sum(exp(score - most) for score in scores))
    return [exp(score - total) for score in scores]


class Trees:
    def __init__(self, model, of, features, width):
        self.of, self.link, self.width = of, model["facts"]["link"], width
        read = set(of["feature"])
        self.bins, at, byte = {}, 0, 0
        counts = iter(of["levels"])
        for position, (_, kind) in enumerate(features):
            if kind != "category" or position not in read:
                continue
            bins = self.bins[position] = {}
            for _ in range(next(counts)):
                text = bytes(of["level_text"][byte : byte + of["level_bytes"][at]]).decode()
                bins[text] = of["level_bin"][at]
                byte, at = byte + of["level_bytes"][at], at + 1
        self.sets, begin = [], 0
        if "set_ends" in of:
            for end in of["set_ends"]:
                self.sets.append(of["levels_left"][begin:end])
                begin = end
        else:
            for feature, side in zip(of["feature"], of["side"]):
                words = 2 * (self.last(feature) // 64 + 1) if side == 2 else 0
                self.sets.append(of["levels_left"][begin : begin + words])
                begin += words

    def last(self, feature):
        """The bin of levels that training never saw: the one after that of null."""
        return max(self.bins[feature].values()) + 2

    def goes_left(self, split, values):
        of, feature = self.of, self.of["feature"][split]
        value = values[feature]
        if of["side"][split] != 2:
            return of["side"][split] == 1 if value != value else value <= of["threshold"][split]
        last = self.last(feature)
        chosen = last - 1 if value is None else self.bins[feature].get(value, last)
        words = self.sets[int(of["threshold"][split]) if "set_ends" in of else split]
        if len(words) == 2 * (last // 64 + 1):
            return words[chosen // 32] >> chosen % 32 & 1 == 1
        return (chosen in words[1:]) != (words[0] == 1)

    def predict(self, values):
        of, link = self.of, self.link
        is_share = link == "share"
        scores = [0.0] * self.width if is_share else list(of["start"])
        split = leaf = 0
        for tree, count in enumerate(of["splits"]):
            at = 0 if count else 1 << 31
            while at < 1 << 31:
                at = of["left" if self.goes_left(split + at, values) else "right"][split + at]
            scores[tree % self.width] += of["value"][leaf + at - (1 << 31)]
            split, leaf = split + count, leaf + count + 1
        rounds = len(of["splits"]) / self.width
        if link == "log":
            return [exp(scores[0])]
        if link == "logit":
            return [sigmoid(scores[0])]
        if link == "softmax":
            return softmax(scores)
        if link == "mean":
            return [scores[0] / rounds]
        if is_share:
            scores = [min(max(score / rounds, 0.0), 1.0) for score in scores]
            if self.width > 1:
                scores = list(of["start"]) if not any(scores) else scores
                return [score / sum(scores) if sum(scores) > 0 else 1 / self.width for score in scores]
        return scores


class Linear:
    def __init__(self, model, of, features, width):
        self.of, self.use = of, model["use"]

    def predict(self, values):
        width, scores = len(values), list(self.of["intercepts"])
        for output in range(len(scores)):
            for at, x in enumerate(values):
                scores[output] += self.of["coefficients"][output * width + at] * x
            scores[output] = scores[output] if math.isfinite(scores[output]) else NAN
        if self.use == "ridge":
            return scores
        seen = self.of["seen"]
        if not seen:
            return [sigmoid(scores[0])]
        if any(score != score for score, is_seen in zip(scores, seen) if is_seen):
            return [NAN] * len(seen)
        shares = iter(softmax([score for score, is_seen in zip(scores, seen) if is_seen]))
        return [next(shares) if is_seen else 0.0 for is_seen in seen]


class Constant:
    def __init__(self, model, of, features, width):
        self.of = of

    def predict(self, values):
        return list(self.of["output"])


FAMILIES = {
    "boosted_trees": Trees,
    "random_forest": Trees,
    "extra_trees": Trees,
    "decision_tree": Trees,
    "ridge": Linear,
    "logistic_regression": Linear,
    "dummy": Constant,
}


def impute_mean(row, params):
    for name, mean in params.items():
        row[name] = mean if row[name] != row[name] else row[name]


def standard_scale(row, params):
    for name, scale in params.items():
        row[name] = (row[name] - scale["centre"]) / scale["divisor"]


STEPS = {"impute_mean": impute_mean, "standard_scale": standard_scale}


def cell(value, rule):
    """A cell of a row: NaN or None for null, and within its bounds, if the contract keeps it there."""
    if rule["type"] not in ("number", "integer", "boolean"):
        return value
    low, high = (NAN if rule.get(bound) is None else rule[bound] for bound in ("min", "max"))
    if value is not None and (value < low or value > high):
        value = {"null": None, "clip": low if value < low else high}.get(rule["out_of_range"], value)
    return NAN if value is None else float(value)


def main(path):
    with zipfile.ZipFile(path) as zipped:
        read = {name: json.loads(zipped.read(name + ".json")) for name in ("artifact", "contract", "steps", "model", "golden")}
        of = tensors(zipped.read("model.safetensors"))
    head, model = read["artifact"], read["model"]
    features = sorted(head["features"].items(), key=lambda feature: feature[0].encode())
    width = len(head["task"]["classes"]) if head["task"]["kind"] == "multiclass" else 1
    unknown = next((step["use"] for step in read["steps"] if step["use"] not in STEPS), None)
    if unknown:
        sys.exit(f"this reader doesn't know the step `{unknown}`: see its first lines for a bundle that it can read")
    family = FAMILIES[model["use"]](model, of, features, width)
    columns = read["contract"]
    same = near = 0
    for golden in read["golden"]:
        row = {name: cell(golden["row"].get(name), columns[name]) for name in head["inputs"]}
        for step in read["steps"]:
            STEPS[step["use"]](row, step["params"])
        predicted = family.predict([row[name] for name, _ in features])
        for number, bits in zip(predicted, golden["bits"], strict=True):
            expected = struct.unpack(">d", bytes.fromhex(bits))[0]
            number = number + 0.0 if math.isfinite(number) else NAN
            if number == expected or (number != number and expected != expected):
                same += 1
            elif abs(number - expected) <= FLOATS_APART * math.ulp(expected):
                near += 1
            else:
                sys.exit(f"predicted {number}, not {expected}, of {golden['row']}")
    print(f"{head['name']}: {same} numbers have the same bits, {near} are near them")


if __name__ == "__main__":
    main(sys.argv[1])
