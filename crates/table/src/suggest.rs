//! Wording that many messages share: suggestions for misspelt names, numbers of things.

/// The candidate nearest to what was written, if it is near enough to be meant.
pub fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + written.len().min(candidate.len()) / 4)
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `lot_area`?``, or nothing.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(written, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// `1 row`, `2 rows`.
pub fn counted<N: std::fmt::Display + PartialEq + From<u8>>(n: N, thing: &str) -> String {
    if n == N::from(1) { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_thing_is_singular() {
        assert_eq!([0_usize, 1, 2].map(|n| counted(n, "row")), ["0 rows", "1 row", "2 rows"]);
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let names = ["impute_median", "impute_mean", "log"];
        assert_eq!(closest("impute_medain", names), Some("impute_median"));
        assert_eq!(closest("Lot_Area", ["lot_area"]), Some("lot_area"));
        assert_eq!(closest("something_else", names), None);
    }
}
