//! What other libraries call our metrics.

/// Our name for a metric of scikit-learn, LightGBM, XGBoost or CatBoost, with the number that was written after an `@`.
pub(super) fn ours(stem: &str, number: Option<&str>) -> Option<String> {
    let stem = stem.to_lowercase().replace(['-', ' '], "_");
    let stem = stem.strip_prefix("neg_").unwrap_or(&stem);
    let (_, ours) = NAMES.iter().find(|(names, _)| names.contains(&stem))?;
    Some(match (ours.split_once('@'), number) {
        (Some((ours, _)), Some(number)) => format!("{ours}@{number}"),
        _ => (*ours).to_owned(),
    })
}

const NAMES: &[(&[&str], &str)] = &[
    (&["mean_absolute_error", "l1", "mean_abs_error"], "mae"),
    (&["mean_squared_error", "l2", "regression_l2"], "mse"),
    (&["root_mean_squared_error", "l2_root", "rmsd"], "rmse"),
    (&["median_ae", "medae"], "median_absolute_error"),
    (&["r_squared", "r2_score", "coefficient_of_determination"], "r2"),
    (&["explained_variance_score"], "explained_variance"),
    (&["d2_pinball_score"], "d2_pinball"),
    (&["mean_absolute_percentage_error"], "mape"),
    (&["symmetric_mean_absolute_percentage_error"], "smape"),
    (&["weighted_absolute_percentage_error", "wmape"], "wape"),
    (&["mean_squared_log_error", "mean_squared_logarithmic_error"], "msle"),
    (&["root_mean_squared_log_error", "root_mean_squared_logarithmic_error"], "rmsle"),
    (&["mean_pinball_loss", "quantile", "quantile_loss", "pinball_loss"], "pinball"),
    (&["mean_poisson_deviance", "poisson"], "poisson_deviance"),
    (&["mean_gamma_deviance", "gamma"], "gamma_deviance"),
    (&["mean_tweedie_deviance", "tweedie"], "tweedie_deviance"),
    (&["acc", "accuracy_score"], "accuracy"),
    (&["balanced_accuracy_score", "balancedaccuracy"], "balanced_accuracy"),
    (&["precision_score", "ppv"], "precision"),
    (&["recall_score", "sensitivity", "tpr"], "recall"),
    (&["f1_score", "f_score", "totalf1"], "f1"),
    (&["jaccard_score", "iou"], "jaccard"),
    (&["fbeta", "fbeta_score", "f2", "f2_score"], "f_beta@2"),
    (&["mcc", "matthews_corrcoef", "matthews_correlation"], "matthews"),
    (&["kappa", "cohen_kappa_score"], "cohen_kappa"),
    (&["auc", "roc_auc_score", "auroc", "roc_auc_ovr", "auc_mu"], "roc_auc"),
    (&["roc_auc_weighted"], "roc_auc_ovr_weighted"),
    (&["average_precision_score", "ap"], "average_precision"),
    (&["aucpr", "prauc", "auc_pr"], "pr_auc"),
    (&["kolmogorov_smirnov", "ks_statistic"], "ks"),
    (&["gini_coefficient", "somers_d"], "gini"),
    (&["lift_score", "lift_at_k"], "lift@10"),
    (
        &[
            "logloss",
            "binary_logloss",
            "multi_logloss",
            "mlogloss",
            "cross_entropy",
            "binary_crossentropy",
            "crossentropy",
        ],
        "log_loss",
    ),
    (&["brier_score", "brier_score_loss", "brierscore"], "brier"),
    (&["top_k_accuracy_score", "top_2_accuracy"], "top_k_accuracy"),
    (&["expected_calibration_error", "calibration_error"], "ece"),
    (&["max_calibration_error", "maximum_calibration_error"], "mce"),
    (&["ndcg_score"], "ndcg"),
    (&["ndcg_at_k"], "ndcg@10"),
    (&["mean_average_precision"], "map"),
    (&["map_at_k"], "map@10"),
    (&["mean_reciprocal_rank"], "mrr"),
    (&["pre", "p", "precision_at_k"], "precision@10"),
];
