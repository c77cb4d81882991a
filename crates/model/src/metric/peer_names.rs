//! What other libraries call our metrics.

/// Our name for a metric of scikit-learn, LightGBM, XGBoost or CatBoost.
pub(super) fn ours(written: &str) -> Option<&'static str> {
    let written = written.to_lowercase().replace(['-', ' '], "_");
    let written = written.strip_prefix("neg_").unwrap_or(&written);
    NAMES.iter().find(|(names, _)| names.contains(&written)).map(|(_, ours)| *ours)
}

const NAMES: &[(&[&str], &str)] = &[
    (&["mean_absolute_error", "l1", "mean_abs_error"], "mae"),
    (&["mean_squared_error", "l2", "regression_l2"], "mse"),
    (&["root_mean_squared_error", "l2_root", "rmsd"], "rmse"),
    (&["median_ae", "medae"], "median_absolute_error"),
    (&["r_squared", "r2_score", "coefficient_of_determination"], "r2"),
    (&["explained_variance_score"], "explained_variance"),
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
    (&["precision_score", "precision_macro", "ppv"], "precision"),
    (&["recall_score", "recall_macro", "sensitivity", "tpr"], "recall"),
    (&["f1_score", "f1_macro", "f_score", "totalf1"], "f1"),
    (&["jaccard_score", "jaccard_macro", "iou"], "jaccard"),
    (&["mcc", "matthews_corrcoef", "matthews_correlation"], "matthews"),
    (&["kappa", "cohen_kappa_score"], "cohen_kappa"),
    (&["auc", "roc_auc_score", "auroc", "roc_auc_ovr", "auc_mu"], "roc_auc"),
    (&["average_precision_score", "ap"], "average_precision"),
    (&["aucpr", "prauc", "auc_pr"], "pr_auc"),
    (&["kolmogorov_smirnov", "ks_statistic"], "ks"),
    (&["gini_coefficient", "somers_d"], "gini"),
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
];
