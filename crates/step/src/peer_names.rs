//! What other libraries, and people, call our steps.

use crate::CATALOGUE;

/// What to write instead of a name that is no step of ours, if it is known.
pub(crate) fn answer(written: &str) -> Option<String> {
    let written = folded(written);
    let is_meant = |names: &[&str]| names.contains(&written.as_str());
    let instead = INSTEAD.iter().find(|(names, _)| is_meant(names)).map(|(_, why)| (*why).to_owned());
    let called = CALLED.iter().find(|(names, _)| is_meant(names)).map(|(_, ours)| ours.to_vec());
    instead.or_else(|| told(called.unwrap_or_else(|| known_as(&written))))
}

/// The steps whose pages say that they are known by that name.
fn known_as(written: &str) -> Vec<&'static str> {
    let mentioned = [format!("`{written}`"), format!("`{written}(")];
    let is_known = |page: &str| {
        let known = page.split_once("Known as").map_or("", |(_, known)| known);
        let known = folded(known.split(';').next().unwrap_or_default());
        let known = known.split("differs:").next().unwrap_or_default();
        mentioned.iter().any(|mention| known.contains(mention))
    };
    CATALOGUE.iter().filter(|entry| is_known(&entry.page())).map(|entry| entry.name).collect()
}

fn told(ours: Vec<&str>) -> Option<String> {
    let ours: Vec<String> = ours.into_iter().map(|name| format!("`{name}`")).collect();
    (!ours.is_empty()).then(|| format!("here it is called {}", ours.join(" or ")))
}

/// Without case, `-`, `_` or spaces, and as Americans spell it.
fn folded(name: &str) -> String {
    let name: String = name.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    name.replace("ise", "ize")
}

const CALLED: &[(&[&str], &[&str])] = &[
    (
        &["impute", "imputer", "simpleimputer", "imputation", "fill", "fillna", "fillmissing", "fillnull"],
        &["impute_median", "impute_mean", "impute_most_frequent", "impute_constant"],
    ),
    (&["imputemode"], &["impute_most_frequent"]),
    (&["imputezero", "imputevalue"], &["impute_constant"]),
    (&["ismissing", "isnull", "isna"], &["missing_indicator"]),
    (&["standardize", "standardizer", "standardization", "zscore", "zscores", "center"], &["standard_scale"]),
    (
        &["scale", "scaler", "scaling", "normalize", "normalizer", "normalization", "rescale"],
        &["standard_scale", "min_max_scale", "robust_scale"],
    ),
    (&["dummy", "dummies", "getdummies", "onehotencode", "onehotencoding", "binarize"], &["one_hot"]),
    (&["labelencode", "labelencoder", "labelencoding", "ordinalencode", "integerencode", "factorize"], &["ordinal"]),
    (&["frequencyencode", "frequencyencoder", "countencoder"], &["count_encode"]),
    (&["meanencode", "likelihoodencode", "impactencode", "catboostencode", "targetencoder"], &["target_encode"]),
    (&["bin", "bins", "binning", "binner", "discretize", "discretizer"], &["discretize_width", "discretize_frequency"]),
    (&["cut", "equalwidth"], &["discretize_width"]),
    (&["qcut", "quantiles", "quantilebins", "equalfrequency"], &["discretize_frequency"]),
    (&["winsorize", "capoutlier", "outliers"], &["cap_outliers"]),
    (&["log10", "log2", "ln", "logarithm"], &["log"]),
    (&["log1p"], &["log_plus_constant"]),
    (&["sqrt", "square", "squared", "pow", "exponent"], &["power"]),
    (&["cyclic", "periodic", "sincos", "fourier"], &["cyclical"]),
    (
        &[
            "formula",
            "eval",
            "assign",
            "math",
            "ratio",
            "interaction",
            "interactions",
            "polynomial",
            "polynomialfeatures",
        ],
        &["expression"],
    ),
    (&["datepart", "dateparts", "datefeatures", "dateencode", "todatetime"], &["datetime_parts"]),
    (&["datediff", "datedifference", "age", "timedelta"], &["datetime_difference"]),
    (&["select", "keep", "columns", "featureselection"], &["select_columns"]),
    (&["drop", "remove", "exclude"], &["drop_columns"]),
    (&["rare", "grouprare", "rarecategories"], &["rare_labels"]),
];

const INSTEAD: &[(&[&str], &str)] = &[
    (
        &["clip", "clamp"],
        "`cap_outliers` learns its limits; fixed ones stand in `[contract]`: `min`, `max` and `out_of_range = \"clip\"`",
    ),
    (
        &["lag", "lags", "shift", "diff", "rolling", "rollingmean", "window", "ewm", "groupby", "aggregate"],
        "a step sees one row at a time, so that a single row is answered like many: bring what other rows say as a column",
    ),
    (
        &["pca", "svd", "truncatedsvd", "umap", "tsne", "ica", "kmeans", "cluster"],
        "no step mixes columns into components: `drop_correlated` leaves out columns that say what others say",
    ),
    (
        &["tfidf", "tfidfvectorizer", "countvectorizer", "hashingvectorizer", "tokenize", "embedding", "embeddings"],
        "no step reads the words of a text: bring what they say as columns",
    ),
    (
        &["smote", "oversample", "undersample", "balance", "resample"],
        "rows stay as they are: `class_weights = \"balanced\"` under `[model]` has each class weigh as much as any other",
    ),
    (
        &["dropna", "dropnull", "dropmissing", "dropduplicates", "filter", "query"],
        "no step leaves out rows, which live would have no answer: `[contract]` says which are refused or set aside",
    ),
    (
        &["astype", "cast", "tonumeric", "convert"],
        "the contract says of which type a column is: `type` in `[contract]`",
    ),
    (
        &["rename", "renamecolumns"],
        "columns keep their names: `expression` makes one of another name, of numbers, booleans and categories",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_has_two_answers_and_none_is_ours() {
        let called = CALLED.iter().flat_map(|(names, _)| names.iter());
        let mut all: Vec<&str> = called.chain(INSTEAD.iter().flat_map(|(names, _)| names.iter())).copied().collect();
        assert!(all.iter().all(|name| folded(name) == *name), "looked up folded");
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
        let is_step = |name: &str| CATALOGUE.iter().any(|entry| folded(entry.name) == folded(name));
        assert!(!all.iter().any(|name| is_step(name)));
        assert!(CALLED.iter().flat_map(|(_, ours)| ours.iter()).all(|name| is_step(name)));
    }
}
