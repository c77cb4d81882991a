//! What other libraries call our hyperparameters, for people who bring theirs along.

/// What to say of a peer's name for a hyperparameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It is called this here.
    Called(&'static str),
    /// It is not a hyperparameter here, for this reason.
    Instead(&'static str),
}

use Answer::{Called, Instead};

/// What to say of a peer's name in a spec of the family, if it is known.
pub(crate) fn answer(family: &str, written: &str) -> Option<Answer> {
    let written = written.to_lowercase().replace('-', "_");
    let families = [
        ("boosted_trees", BOOSTED_TREES),
        ("random_forest", AVERAGED_TREES),
        ("extra_trees", AVERAGED_TREES),
        ("decision_tree", DECISION_TREE),
        ("decision_tree", AVERAGED_TREES),
        ("ridge", RIDGE),
        ("logistic_regression", LOGISTIC_REGRESSION),
    ];
    let own = families.iter().filter(|(of, _)| *of == family).flat_map(|(_, names)| *names);
    own.chain(EVERYWHERE).find(|(names, _)| names.contains(&&*written)).map(|(_, answer)| *answer)
}

/// The catalogue's name for what peers call a family.
pub(crate) fn family(written: &str) -> Option<&'static str> {
    let written = written.to_lowercase().replace(['-', '_', ' '], "");
    FAMILIES.iter().find(|(names, _)| names.contains(&&*written)).map(|(_, ours)| *ours)
}

type Names = &'static [(&'static [&'static str], Answer)];

/// scikit-learn, LightGBM, XGBoost, CatBoost and their wrappers; without case, `-` or `_`.
const FAMILIES: &[(&[&str], &str)] = &[
    (
        &[
            "lightgbm",
            "lgbm",
            "lgbmregressor",
            "lgbmclassifier",
            "lgbmranker",
            "xgboost",
            "xgb",
            "xgbregressor",
            "xgbclassifier",
            "xgbranker",
            "catboost",
            "catboostregressor",
            "catboostclassifier",
            "catboostranker",
            "histgradientboosting",
            "histgradientboostingregressor",
            "histgradientboostingclassifier",
            "gradientboosting",
            "gradientboostingregressor",
            "gradientboostingclassifier",
            "gbdt",
            "gbm",
        ],
        "boosted_trees",
    ),
    (
        &["randomforestclassifier", "randomforestregressor", "randomforest", "rf", "xgbrfclassifier", "xgbrfregressor"],
        "random_forest",
    ),
    (&["extratreesclassifier", "extratreesregressor", "extratrees", "extremelyrandomizedtrees"], "extra_trees"),
    (&["decisiontreeclassifier", "decisiontreeregressor", "decisiontree", "cart"], "decision_tree"),
    (&["ridgeregression", "linearregression", "linear", "ols", "leastsquares", "linearridge"], "ridge"),
    (&["logisticregressioncv", "logistic", "logit", "logreg", "softmaxregression", "maxent"], "logistic_regression"),
    (&["dummyregressor", "dummyclassifier", "baseline", "mean", "prior"], "dummy"),
];

const EVERYWHERE: Names = &[
    (
        &["random_state", "seed", "random_seed", "bagging_seed", "feature_fraction_seed", "extra_seed", "drop_seed"],
        Instead("every draw derives from `[pipeline] seed`"),
    ),
    (
        &["n_jobs", "num_threads", "num_thread", "nthread", "nthreads", "n_thread", "thread_count", "threads"],
        Instead("`train --threads N` sets them, and no result depends on it"),
    ),
    (&["verbose", "verbosity", "silent", "logging_level"], Instead("progress goes to stderr")),
    (&["warm_start", "init_model", "input_model"], Instead("a fit starts from its rows alone")),
    (&["fit_intercept"], Instead("there is always an intercept")),
    (&["copy_x"], Instead("the data are never written to")),
    (&["sample_weight", "weight_column", "weights"], Instead("`[data] weight` names the column of weights")),
];

/// Tuned parameters of LightGBM 4.7 with their aliases, XGBoost 3.2, CatBoost and scikit-learn's HistGradientBoosting.
const BOOSTED_TREES: Names = &[
    (&["loss", "loss_function", "app", "application", "objective_type"], Called("objective")),
    (
        &[
            "num_iterations",
            "num_iteration",
            "n_iter",
            "num_tree",
            "num_trees",
            "num_round",
            "num_rounds",
            "nrounds",
            "num_boost_round",
            "n_estimators",
            "max_iter",
            "iterations",
            "n_trees",
            "rounds",
        ],
        Called("trees"),
    ),
    (&["eta", "lr", "shrinkage_rate", "shrinkage"], Called("learning_rate")),
    (&["num_leaves", "num_leaf", "max_leaves", "max_leaf", "max_leaf_nodes"], Called("leaves")),
    (&["max_depth"], Called("depth")),
    (&["grow_policy"], Called("growth")),
    (
        &["min_data_in_leaf", "min_data_per_leaf", "min_data", "min_child_samples", "min_samples_leaf"],
        Called("min_rows"),
    ),
    (
        &["min_sum_hessian_in_leaf", "min_sum_hessian_per_leaf", "min_sum_hessian", "min_child_weight"],
        Called("min_hessian"),
    ),
    (&["min_gain_to_split", "min_split_gain", "gamma", "min_split_loss"], Called("min_gain")),
    (&["lambda_l2", "reg_lambda", "lambda", "l2_leaf_reg", "l2_regularization"], Called("l2")),
    (&["lambda_l1", "reg_alpha", "l1_regularization"], Called("l1")),
    (&["alpha"], Instead("XGBoost's is `l1`; LightGBM's is `quantile`, or with `objective = \"huber\"` `huber_delta`")),
    (
        &["boosting", "boosting_type", "boost", "booster"],
        Instead("`goss` and `dart` are set by name; a forest is a model, `use = \"random_forest\"`"),
    ),
    (&["extra_trees", "extra_tree"], Instead("cuts that are drawn are a model, `use = \"extra_trees\"`")),
    (
        &["path_smooth", "linear_tree", "linear_trees"],
        Instead("a leaf has one value, drawn towards 0 by `l2` and `l1`"),
    ),
    (&["max_delta_step", "max_tree_output", "max_leaf_output"], Called("max_leaf_value")),
    (&["bagging_fraction", "sub_row", "subsample", "bagging"], Called("row_sample")),
    (&["bagging_freq", "subsample_freq"], Called("row_sample_every")),
    (&["feature_fraction", "sub_feature", "colsample_bytree"], Called("column_sample")),
    (&["colsample_bylevel", "rsm"], Called("column_sample_by_level")),
    (
        &["feature_fraction_bynode", "sub_feature_bynode", "colsample_bynode", "max_features"],
        Called("column_sample_by_node"),
    ),
    (&["data_sample_strategy", "sampling_method", "sampling", "top_rate", "other_rate"], Called("goss")),
    (&["bootstrap_type"], Called("row_sample")),
    (&["drop_rate", "rate_drop", "max_drop", "skip_drop"], Called("dart")),
    (&["max_bin", "max_bins", "border_count", "num_bins"], Called("bins")),
    (&["min_data_in_bin"], Called("min_rows_in_bin")),
    (
        &["bin_construct_sample_cnt", "subsample_for_bin", "data_random_seed"],
        Instead("bins are cut by all training rows, not by a sample"),
    ),
    (&["num_grad_quant_bins", "use_quantized_grad"], Called("gradient_bits")),
    (&["min_samples_split", "min_weight_fraction_leaf"], Instead("`min_rows` is the fewest rows of a leaf")),
    (&["min_impurity_decrease"], Called("min_gain")),
    (&["num_parallel_tree"], Instead("a forest is a model, `use = \"random_forest\"`")),
    (
        &["missing", "use_missing", "zero_as_missing", "nan_mode"],
        Instead("`[data] missing` lists what stands for no value, and trees learn where a null goes"),
    ),
    (&["num_class", "num_classes", "classes_count"], Instead("the classes are those of the target")),
    (
        &["max_cat_to_onehot", "one_hot_max_size", "cat_smooth", "cat_l2", "max_cat_threshold", "min_data_per_group"],
        Called("categories"),
    ),
    (
        &["categorical_features", "categorical_feature", "cat_features", "categorical_column"],
        Instead("columns of `type = \"category\"` in `[contract]` are split as such; `categories` says how"),
    ),
    (
        &["early_stopping_round", "early_stopping_rounds", "n_iter_no_change", "od_wait"],
        Instead("it is called `early_stopping` here: `early_stopping = { rounds = 50 }`"),
    ),
    (
        &["validation", "validation_fraction", "eval_fraction"],
        Instead("the share of rows that is watched belongs to early stopping: `early_stopping = { validation = 0.1 }`"),
    ),
    (
        &["eval_set", "eval_sets", "evals", "valid", "valid_sets", "test", "watchlist", "use_best_model"],
        Instead(
            "early stopping watches a share of the training rows, and keeps the best round: `early_stopping = { validation = 0.1 }`",
        ),
    ),
    (&["od_type", "od_pval", "early_stopping_min_delta"], Called("early_stopping")),
    (
        &["monotone_constraints", "monotone_constraint", "monotonic_cst", "monotonic_constraints", "mc"],
        Called("monotone"),
    ),
    (&["interaction_constraints", "interaction_cst"], Called("interactions")),
    (&["scale_pos_weight"], Called("positive_weight")),
    (
        &["is_unbalance", "unbalance", "unbalanced_sets"],
        Instead("`class_weights = \"balanced\"` has each class weigh as much as any other"),
    ),
    (&["class_weight", "auto_class_weights"], Called("class_weights")),
    (&["boost_from_average", "base_score"], Called("start")),
    (&["quantile_alpha"], Called("quantile")),
    (&["tweedie_variance_power"], Called("tweedie_power")),
    (&["huber_slope"], Called("huber_delta")),
    (&["lambdarank_truncation_level", "lambdarank_num_pair_per_sample"], Called("rank_truncation")),
    (&["label_gain", "ndcg_exp_gain"], Instead("a row of relevance r gains 2^r − 1")),
    (&["eval_metric", "metric", "scoring"], Instead("`[report] metrics` lists what is measured")),
    (
        &["tree_method", "device", "device_type", "task_type", "force_row_wise", "force_col_wise", "deterministic"],
        Instead("there is one way to grow trees, and it gives the same bits everywhere"),
    ),
];

const AVERAGED_TREES: Names = &[
    (&["n_estimators", "num_trees", "n_trees", "ntree", "iterations"], Called("trees")),
    (&["max_depth"], Called("depth")),
    (&["max_leaf_nodes", "num_leaves", "max_leaves"], Called("leaves")),
    (&["min_samples_leaf", "min_data_in_leaf", "min_child_samples", "nodesize"], Called("min_rows")),
    (&["min_samples_split", "min_weight_fraction_leaf"], Instead("`min_rows` is the fewest rows of a leaf")),
    (&["min_impurity_decrease"], Called("min_gain")),
    (&["splitter"], Instead("cuts that are drawn are a model, `use = \"extra_trees\"`")),
    (&["max_features", "mtry", "colsample_bynode"], Called("column_sample_by_node")),
    (&["max_bin", "max_bins"], Called("bins")),
    (&["class_weight"], Called("class_weights")),
    (&["criterion"], Instead("splits lower the sum of squared errors, which for classes is the Gini impurity")),
    (&["max_samples"], Instead("a tree's rows are drawn as often as there are rows")),
    (&["monotonic_cst"], Instead("`boosted_trees` has `monotone`")),
    (&["ccp_alpha"], Instead("no tree is pruned once it is grown: `min_gain` and `leaves` keep it small")),
    (&["oob_score"], Instead("rows that are held out judge a model: `split` under `[data]`")),
];

/// Where a single tree differs from averaged ones.
const DECISION_TREE: Names = &[(
    &["max_features", "mtry", "colsample_bynode"],
    Instead("each node may use every feature; of a `random_forest` each draws some, `column_sample_by_node`"),
)];

const RIDGE: Names = &[
    (&["lambda", "reg_lambda", "l2", "penalty", "lambda_l2", "regularization"], Called("alpha")),
    (&["c"], Instead("`alpha` is the penalty itself, 1/C")),
    (
        &["solver", "max_iter", "tol"],
        Instead("the normal equations are solved to the last digits, in a fixed number of steps"),
    ),
    (&["positive"], Instead("coefficients are free to be negative")),
];

const LOGISTIC_REGRESSION: Names = &[
    (&["alpha", "lambda", "reg_lambda", "l2"], Instead("`C` is the inverse of the penalty, 1/alpha")),
    (&["inverse_regularization"], Called("C")),
    (&["max_iterations", "n_iter", "iterations", "epochs"], Called("max_iter")),
    (&["tolerance", "eps"], Called("tol")),
    (&["penalty", "l1_ratio"], Instead("the penalty is on squared coefficients; `C` sets how strong it is")),
    (
        &["solver", "multi_class", "dual", "intercept_scaling"],
        Instead("there is one solver, for two classes and for more"),
    ),
    (&["class_weight"], Called("class_weights")),
];

/// What peers call what trees minimise: LightGBM, XGBoost, CatBoost, scikit-learn.
const OBJECTIVES: &[(&[&str], &str)] = &[
    (
        &[
            "regression",
            "regression_l2",
            "l2",
            "l2_root",
            "root_mean_squared_error",
            "mean_squared_error",
            "mse",
            "rmse",
            "squared_error",
            "squarederror",
            "reg:squarederror",
            "reg:linear",
            "least_squares",
            "ls",
        ],
        "squared",
    ),
    (
        &[
            "regression_l1",
            "l1",
            "mae",
            "mean_absolute_error",
            "absolute_error",
            "absoluteerror",
            "reg:absoluteerror",
            "lad",
        ],
        "absolute",
    ),
    (&["reg:pseudohubererror", "pseudohuber"], "huber"),
    (&["reg:quantileerror", "pinball"], "quantile"),
    (&["count:poisson", "poisson_loss"], "poisson"),
    (&["reg:tweedie"], "tweedie"),
    (&["reg:gamma"], "gamma"),
    (
        &[
            "binary",
            "binary:logistic",
            "binary:logitraw",
            "reg:logistic",
            "binary_crossentropy",
            "binary_logloss",
            "cross_entropy",
            "crossentropy",
            "xentropy",
            "log_loss",
            "logloss",
            "deviance",
        ],
        "logistic",
    ),
    (
        &["multiclass", "multi:softmax", "multi:softprob", "multi_logloss", "categorical_crossentropy", "multinomial"],
        "softmax",
    ),
    (&["lambdarank", "lambda_mart", "lambdamart", "rank:ndcg", "rank:map", "yetirank"], "lambda_rank"),
    (&["rank:pairwise", "pairlogit", "pairwise"], "pairwise_rank"),
];

/// What is wrong with a value that peers take, and what it is here; None if nothing is known of it. `path` leads to the parameter,
/// and `message` is serde's.
pub(crate) fn of_value(path: &[String], message: &str) -> Option<(String, String)> {
    let value = message.split('`').nth(1).unwrap_or_default();
    let is_number = value.parse::<f64>().is_ok();
    match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["objective"] if message.starts_with("unknown variant") => {
            let written = value.to_lowercase();
            let (_, ours) = OBJECTIVES.iter().find(|(names, _)| names.contains(&&*written))?;
            Some((format!("`objective` can't be `{value}`"), format!("`{value}` is called `{ours}` here")))
        }
        ["early_stopping"] if is_number || value == "true" => {
            let rounds = if is_number { value } else { "50" };
            Some((
                format!("`early_stopping` is {value}, but a table is expected"),
                format!("write `early_stopping = {{ rounds = {rounds} }}`"),
            ))
        }
        ["monotone"] if message.starts_with("invalid type") => Some((
            "`monotone` takes a table of features".to_owned(),
            "name those that have a direction: `monotone = { Age = \"increasing\", Price = \"decreasing\" }`"
                .to_owned(),
        )),
        ["monotone", feature] if is_number => {
            let help = match value {
                "0" => format!("leave `{feature}` out"),
                _ => {
                    let direction = if value.starts_with('-') { "decreasing" } else { "increasing" };
                    format!("write `{feature} = \"{direction}\"`")
                }
            };
            Some((format!("`{feature}` is {value}, but \"increasing\" or \"decreasing\" is expected"), help))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_has_two_answers() {
        for names in [BOOSTED_TREES, AVERAGED_TREES, DECISION_TREE, RIDGE, LOGISTIC_REGRESSION] {
            let mut all: Vec<&str> =
                names.iter().chain(EVERYWHERE).flat_map(|(names, _)| names.iter().copied()).collect();
            assert!(all.iter().all(|name| *name == name.to_lowercase()), "looked up in lower case");
            all.sort_unstable();
            assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
        }
    }

    #[test]
    fn peers_values_have_one_answer_and_those_are_ours() {
        let mut all: Vec<&str> = OBJECTIVES.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        assert!(all.iter().all(|name| *name == name.to_lowercase()), "looked up in lower case");
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
        for (names, ours) in OBJECTIVES {
            let spec = |objective: &str| crate::parse("boosted_trees", serde_json::json!({ "objective": objective }));
            assert!(spec(ours).is_ok(), "{ours}");
            let error = spec(names[0]).err().expect("it is called otherwise");
            assert_eq!(error.help, Some(format!("`{}` is called `{ours}` here", names[0])));
        }
        let check = |written: serde_json::Value| {
            let error = crate::parse("boosted_trees", written).err().expect("it doesn't read");
            format!("{} | {}", error.message, error.help.unwrap_or_default())
        };
        insta::assert_snapshot!(check(serde_json::json!({ "early_stopping": 20 })), @"`early_stopping` is 20, but a table is expected | write `early_stopping = { rounds = 20 }`");
        insta::assert_snapshot!(check(serde_json::json!({ "early_stopping": true })), @"`early_stopping` is true, but a table is expected | write `early_stopping = { rounds = 50 }`");
        insta::assert_snapshot!(check(serde_json::json!({ "monotone": [1, 0] })), @r#"`monotone` takes a table of features | name those that have a direction: `monotone = { Age = "increasing", Price = "decreasing" }`"#);
        insta::assert_snapshot!(check(serde_json::json!({ "monotone": { "a": 1 } })), @r#"`a` is 1, but "increasing" or "decreasing" is expected | write `a = "increasing"`"#);
        insta::assert_snapshot!(check(serde_json::json!({ "monotone": { "a": -1 } })), @r#"`a` is -1, but "increasing" or "decreasing" is expected | write `a = "decreasing"`"#);
        insta::assert_snapshot!(check(serde_json::json!({ "monotone": { "a": 0 } })), @r#"`a` is 0, but "increasing" or "decreasing" is expected | leave `a` out"#);
    }

    #[test]
    fn peers_names_are_answered() {
        let check = |family: &str, written: &str| {
            let error = crate::parse(family, serde_json::json!({ written: 1 })).err().expect("it is called otherwise");
            error.help.unwrap_or_default()
        };
        for (family, names) in [
            (
                "boosted_trees",
                &["validation_fraction", "eval_set", "bin_construct_sample_cnt", "label_gain", "ndcg_exp_gain"][..],
            ),
            ("decision_tree", &["splitter", "max_features", "min_weight_fraction_leaf"]),
            ("extra_trees", &["splitter", "max_features", "min_weight_fraction_leaf"]),
        ] {
            for name in names {
                assert!(answer(family, name).is_some(), "{family}: {name}");
                assert!(!check(family, name).starts_with("it takes"), "{family}: {name}");
            }
        }
        insta::assert_snapshot!(check("boosted_trees", "validation"), @"the share of rows that is watched belongs to early stopping: `early_stopping = { validation = 0.1 }`");
        insta::assert_snapshot!(check("decision_tree", "max_features"), @"each node may use every feature; of a `random_forest` each draws some, `column_sample_by_node`");
        insta::assert_snapshot!(check("random_forest", "max_features"), @"`max_features` is called `column_sample_by_node` here");
    }

    #[test]
    fn peers_families_are_in_the_catalogue_or_on_their_way() {
        assert_eq!(family("LGBMClassifier"), Some("boosted_trees"));
        assert_eq!(["LGBMRanker", "XGBRanker", "CatBoostRanker"].map(family), [Some("boosted_trees"); 3]);
        assert_eq!(family("linear_regression"), Some("ridge"));
        assert_eq!(family("ridge"), None);
    }
}
