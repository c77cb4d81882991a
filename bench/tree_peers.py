"""The peers of boosted trees, each in a process of its own, started by `trees.py`.

    python bench/tree_peers.py fit REQUEST.json
    python bench/tree_peers.py score REQUEST.json

A fit says what it wants in the words of Evenstep's spec; a word that a request leaves out keeps the
peer's own default. Timed is the way from a matrix in memory to a model, binning included. Prints one
line of JSON.
"""
import ctypes
import json
import os
import statistics
import sys
import time

import numpy as np

import tree_data

SEED = 7


# memory, as Linux counts it

def status_mb(field):
    for line in open("/proc/self/status"):
        if line.startswith(field):
            return int(line.split()[1]) / 1024


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass   # then the peak is that of the whole process


# fits: each peer prepares what isn't timed, and returns what is; that returns what predicts

def worded(words, names):
    """The words that a peer knows, under its names."""
    return {names[word]: value for word, value in words.items() if word in names}


def lightgbm(table, train, words, threads, **own):
    import lightgbm
    names = {
        "learning_rate": "learning_rate", "leaves": "num_leaves", "depth": "max_depth", "bins": "max_bin", "l2": "lambda_l2",
        "min_rows": "min_data_in_leaf", "min_hessian": "min_sum_hessian_in_leaf", "row_sample": "bagging_fraction",
        "column_sample": "feature_fraction",
    }
    objective = {"regression": "regression", "binary": "binary", "multiclass": "multiclass"}[table.task]
    parameters = {"objective": objective, "num_threads": threads, "verbosity": -1, "seed": SEED, **worded(words, names), **own}
    if words.get("row_sample", 1) < 1:
        parameters["bagging_freq"] = 1
    if table.task == "multiclass":
        parameters["num_class"] = len(table.classes)
    matrix, target, categories = table.matrix(train), table.target[train], table.categories

    def fit():
        data = lightgbm.Dataset(matrix, target, categorical_feature=categories, params=parameters)
        model = lightgbm.train(parameters, data, words["trees"])
        return model, lambda matrix: model.predict(matrix, num_threads=threads)
    return fit


def xgboost(table, train, words, threads, library=None, **own):
    import xgboost
    names = {
        "learning_rate": "eta", "leaves": "max_leaves", "depth": "max_depth", "bins": "max_bin", "l2": "lambda",
        "min_hessian": "min_child_weight", "row_sample": "subsample", "column_sample": "colsample_bytree",
    }
    objective = {"regression": "reg:squarederror", "binary": "binary:logistic", "multiclass": "multi:softprob"}[table.task]
    by_depth = words.get("growth") == "depth"
    parameters = {
        "objective": objective, "tree_method": "hist", "nthread": threads, "seed": SEED,
        "grow_policy": "depthwise" if by_depth else "lossguide", "max_depth": 0, **worded(words, names), **own,
    }
    if table.task == "multiclass":
        parameters["num_class"] = len(table.classes)
    matrix, target = table.matrix(train), table.target[train]
    kinds = ["c" if i in table.categories else "q" for i in range(matrix.shape[1])]

    def fit():
        if library == "hessboost":
            import hessboost
            data = hessboost.DMatrix(matrix, target, feature_types=kinds)
            model = hessboost.train(parameters, data, words["trees"], verbose_eval=False)
            return model, lambda matrix: model.predict(hessboost.DMatrix(matrix, feature_types=kinds) if table.categories else matrix)
        bins = words.get("bins", 256)
        data = xgboost.QuantileDMatrix(matrix, target, feature_types=kinds, enable_categorical=True, max_bin=bins)
        model = xgboost.train(parameters, data, words["trees"])
        shown = lambda matrix: xgboost.DMatrix(matrix, feature_types=kinds, enable_categorical=True)
        return model, lambda matrix: model.predict(shown(matrix))
    return fit


def hessboost(table, train, words, threads, **own):
    import hessboost   # loaded before the clock runs, as the others are
    return xgboost(table, train, words, threads, library=hessboost.__name__, **own)


def catboost(table, train, words, threads, symmetric=False):
    import catboost
    import pandas as pd
    names = {
        "trees": "iterations", "learning_rate": "learning_rate", "bins": "border_count", "l2": "l2_leaf_reg",
        "min_rows": "min_data_in_leaf", "row_sample": "subsample", "column_sample": "rsm",
    }
    parameters = {"thread_count": threads, "random_seed": SEED, "allow_writing_files": False, "logging_level": "Silent"}
    parameters |= worded(words, names)
    parameters["loss_function"] = {"regression": "RMSE", "binary": "Logloss", "multiclass": "MultiClass"}[table.task]
    if symmetric:
        # all leaves are at one depth, and have no fewest rows; its default is a level more than the others' leaves need
        parameters.pop("min_data_in_leaf", None)
        depth = round(np.log2(words["leaves"]))
        parameters["depth"] = depth if words.get("alike") else depth + 1
    else:
        parameters |= {"grow_policy": "Lossguide", "max_leaves": words["leaves"], "depth": 16}
    if words.get("alike"):
        parameters |= {"bootstrap_type": "No", "random_strength": 0, "leaf_estimation_iterations": 1, "boosting_type": "Plain"}
    elif "row_sample" in words:
        parameters["bootstrap_type"] = "Bernoulli"

    def shown(matrix):
        if not table.categories:
            return matrix
        frame = pd.DataFrame(matrix, columns=list(table.columns))
        for i in table.categories:
            frame[frame.columns[i]] = np.nan_to_num(matrix[:, i], nan=-1).astype(np.int32)
        return frame

    matrix, target, categories = shown(table.matrix(train, order="F")), table.target[train], table.categories

    def fit():
        data = catboost.Pool(matrix, target, cat_features=categories, thread_count=threads)
        model = catboost.CatBoost(parameters)
        model.fit(data)
        kind = "RawFormulaVal" if table.task == "regression" else "Probability"

        def predict(matrix):
            scores = model.predict(shown(matrix), prediction_type=kind, thread_count=threads)
            return scores[:, 1] if table.task == "binary" else scores
        return model, predict
    return fit


def hist_gradient_boosting(table, train, words, threads):
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    names = {
        "trees": "max_iter", "learning_rate": "learning_rate", "leaves": "max_leaf_nodes", "depth": "max_depth", "bins": "max_bins",
        "min_rows": "min_samples_leaf", "l2": "l2_regularization", "column_sample": "max_features",
    }
    kind = HistGradientBoostingRegressor if table.task == "regression" else HistGradientBoostingClassifier
    # it takes no more levels than it has bins: what has more is shown as numbers
    columns = list(table.columns.values())
    few = [i for i in table.categories if len(columns[i].values) <= 250]
    model = kind(early_stopping=False, categorical_features=few or None, random_state=SEED, **worded(words, names))
    matrix, target = table.matrix(train), table.target[train]

    def fit():
        model.fit(matrix, target)

        def predict(matrix):
            if table.task == "regression":
                return model.predict(matrix)
            scores = model.predict_proba(matrix)
            return scores[:, 1] if table.task == "binary" else scores
        return model, predict
    return fit


def random_forest(table, train, words, threads):
    from sklearn.ensemble import RandomForestClassifier
    model = RandomForestClassifier(
        n_estimators=words["trees"], max_depth=words["depth"], min_samples_leaf=words["min_rows"], n_jobs=threads, random_state=SEED
    )
    matrix, target = table.matrix(train), table.target[train]

    def fit():
        model.fit(matrix, target)
        return model, lambda matrix: model.predict_proba(matrix)[:, 1]
    return fit


FITS = {
    "lightgbm": (lightgbm, {}),
    "lightgbm_quantised": (lightgbm, {"use_quantized_grad": True}),
    "lightgbm_deterministic": (lightgbm, {"deterministic": True, "force_row_wise": True}),
    "lightgbm_deterministic_columns": (lightgbm, {"deterministic": True, "force_col_wise": True}),
    "lightgbm_deterministic_free": (lightgbm, {"deterministic": True}),
    "xgboost": (xgboost, {}),
    "catboost": (catboost, {}),
    "catboost_symmetric": (catboost, {"symmetric": True}),
    "hessboost": (hessboost, {}),
    "hessboost_quantised": (hessboost, {"use_quantized_grad": True}),
    "hist_gradient_boosting": (hist_gradient_boosting, {}),
    "random_forest": (random_forest, {}),
}


def row_visits(model):
    """How many rows histograms of LightGBM's trees, or a forest's, are built of, all together, and the mean path of a row.

    Of each split only the smaller side is built; the other is what remains.
    """
    visits = rows = steps = 0
    for tree in (of.tree_ for of in getattr(model, "estimators_", [])):
        left, right, sizes = tree.children_left, tree.children_right, tree.n_node_samples
        splits = left >= 0
        visits += int(sizes[0] + np.minimum(sizes[left[splits]], sizes[right[splits]]).sum())
        rows, steps = rows + int(sizes[0]), steps + int(sizes[splits].sum())
    if rows:
        return {"row_visits": visits, "levels": steps / rows}
    count = lambda node: node.get("internal_count", node.get("leaf_count", 0))
    for tree in model.dump_model()["tree_info"]:
        below = [tree["tree_structure"]]
        visits += count(below[0])
        rows += count(below[0])
        while below:
            node = below.pop()
            if "left_child" in node:
                sides = [node["left_child"], node["right_child"]]
                visits += min(map(count, sides))
                steps += count(node)
                below += sides
    return {"row_visits": visits, "levels": steps / max(rows, 1)}


def fit_all(request):
    table = tree_data.read(request["table"])
    kind, own = FITS[request["who"]]
    answers = []
    for job in request["jobs"]:
        train, test = tree_data.read_rows(job["train"]), tree_data.read_rows(job["test"])
        fit = kind(table, train, job["words"], request["threads"], **own)
        before = status_mb("VmRSS:")
        forget_peak()
        begun, cpu = time.perf_counter(), time.process_time()
        try:
            model, predict = fit()
        except Exception as error:
            answers.append({"refused": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"})
            continue
        answer = {
            "fit_s": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu, "before_mb": before, "peak_mb": status_mb("VmHWM:"),
        }
        if "save" in job:
            model.save_model(job["save"])
        if "count_visits" in job:
            answer |= row_visits(model)
        matrix = table.matrix(test)
        np.asarray(predict(matrix), dtype="<f8").tofile(job["predictions"])
        answers.append(answer)
    return {"fits": answers}


# scores: each peer loads LightGBM's model and returns what scores a matrix, and what scores one row

def score_lightgbm(model, threads, matrix):
    """Single rows go through the C function that LightGBM has for them."""
    import lightgbm
    from lightgbm.basic import _LIB
    booster = lightgbm.Booster(model_file=model)
    fast, columns, out, length = ctypes.c_void_p(), ctypes.c_int32(matrix.shape[1]), (ctypes.c_double * 1)(), ctypes.c_int64()
    # values, not margins, from the first to the last tree, of 32-bit floats
    setup = (booster._handle, 0, 0, -1, 0, columns, ctypes.c_char_p(b"num_threads=1"), ctypes.byref(fast))
    if _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(*setup):
        raise RuntimeError("no fast prediction of single rows")
    length = ctypes.byref(length)

    def one(row):
        _LIB.LGBM_BoosterPredictForMatSingleRowFast(fast, ctypes.c_void_p(row.ctypes.data), length, out)
        return out[0]
    return lambda matrix: booster.predict(matrix, num_threads=threads), one


def score_hessboost(model, threads, matrix):
    import hessboost
    booster = hessboost.Booster(model)
    out = np.empty(1, dtype=np.float32)
    return booster.predict, lambda row: booster.predict_row(row[0], out=out)


def score_treelite(model, threads, matrix):
    import treelite
    loaded = treelite.frontend.load_lightgbm_model(model)
    predict = lambda matrix: treelite.gtil.predict(loaded, matrix, nthread=threads).reshape(-1)
    return predict, lambda row: treelite.gtil.predict(loaded, row, nthread=1)


def score_tl2cgen(model, threads, matrix):
    import tl2cgen
    import treelite
    library = model + ".tl2cgen.so"
    if not os.path.exists(library):
        loaded = treelite.frontend.load_lightgbm_model(model)
        tl2cgen.export_lib(loaded, toolchain="gcc", libpath=library, params={"parallel_comp": 2}, verbose=False)
    many, single = tl2cgen.Predictor(library, nthread=threads), tl2cgen.Predictor(library, nthread=1)
    predict = lambda matrix: many.predict(tl2cgen.DMatrix(matrix)).reshape(-1)
    return predict, lambda row: single.predict(tl2cgen.DMatrix(row))


def score_onnxruntime(model, threads, matrix):
    import lightgbm
    import onnxruntime
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType
    converted = model + ".onnx"
    if not os.path.exists(converted):
        booster = lightgbm.Booster(model_file=model)
        kind = [("x", FloatTensorType([None, matrix.shape[1]]))]
        with open(converted, "wb") as file:
            file.write(convert_lightgbm(booster, initial_types=kind, zipmap=False, target_opset=15).SerializeToString())

    def session(threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        return onnxruntime.InferenceSession(converted, options, providers=["CPUExecutionProvider"])
    many, single = session(threads), session(1)
    output = many.get_outputs()[-1].name
    return lambda matrix: many.run([output], {"x": matrix})[0][:, 1], lambda row: single.run([output], {"x": row})


def score_lleaves(model, threads, matrix):
    import lleaves
    loaded = lleaves.Model(model_file=model)
    loaded.compile(cache=model + ".lleaves")
    return lambda matrix: loaded.predict(matrix, n_jobs=threads), lambda row: loaded.predict(row, n_jobs=1)


SCORES = {name.removeprefix("score_"): function for name, function in list(globals().items()) if name.startswith("score_")}


def score(request):
    table = tree_data.read(request["table"])
    matrix = table.matrix(tree_data.read_rows(request["test"]))
    try:
        predict, one = SCORES[request["who"]](request["model"], request["threads"], matrix)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"}
    scores = np.asarray(predict(matrix), dtype="<f8")
    scores.tofile(request["predictions"])
    taken, begun = [], time.perf_counter()
    while len(taken) < 3 or time.perf_counter() - begun < request["seconds"]:
        started = time.perf_counter()
        predict(matrix)
        taken.append(time.perf_counter() - started)
    answer = {"rows_s": len(matrix) / min(taken)}
    if request["single_rows"]:
        rows = [np.ascontiguousarray(matrix[i:i + 1]) for i in range(1000)]
        taken = []
        for i in range(request["single_rows"]):
            row = rows[i % len(rows)]
            started = time.perf_counter_ns()
            one(row)
            taken.append(time.perf_counter_ns() - started)
        answer["row_ns"] = statistics.median(taken)
    return answer


# explanations: each peer fits the rows alike and explains the first test rows by exact Shapley values

def explain_lightgbm(model, matrix, threads):
    return lambda: model.predict(matrix, pred_contrib=True, num_threads=threads)


def explain_xgboost(model, matrix, threads):
    import xgboost
    return lambda: model.predict(xgboost.DMatrix(matrix, nthread=threads), pred_contribs=True)


def explain_catboost(model, matrix, threads):
    import catboost
    pool = catboost.Pool(matrix, thread_count=threads)
    return lambda: model.get_feature_importance(pool, type="ShapValues", thread_count=threads)


EXPLAINS = {"lightgbm": explain_lightgbm, "xgboost": explain_xgboost, "catboost_symmetric": explain_catboost}


def explain(request):
    table = tree_data.read(request["table"])
    train, test = tree_data.read_rows(request["train"]), tree_data.read_rows(request["test"])
    kind, own = FITS[request["who"]]
    try:
        model, predict = kind(table, train, request["words"], request["threads"], **own)()
        matrix = table.matrix(test[:request["rows"]])
        run = EXPLAINS[request["who"]](model, matrix, request["threads"])
        taken = []
        for _ in range(request["repeat"]):
            started = time.perf_counter()
            values = run()
            taken.append(time.perf_counter() - started)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"}
    scores = np.asarray(predict(matrix), dtype="<f8")
    margins = np.log(scores / (1 - scores))
    return {"explain_s": min(taken), "off": float(np.abs(values.sum(axis=1) - margins).max())}


def main(verb, request):
    request = json.load(open(request))
    print(json.dumps({"fit": fit_all, "score": score, "explain": explain}[verb](request)))


if __name__ == "__main__":
    main(*sys.argv[1:])
