//! Wording that many messages share: suggestions for misspelt names, numbers of things.

/// Nobody misspells longer names; to compare them takes time.
const NAME_BYTES_MAX: usize = 256;

/// The candidate nearest to what was written, if it is near enough to be meant.
pub fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > NAME_BYTES_MAX {
        return None;
    }
    let lower = written.to_lowercase();
    let far = |candidate: &str| 1 + written.len().min(candidate.len()) / 4;
    candidates
        .into_iter()
        // Of a character there are four bytes at most.
        .filter(|candidate| candidate.len().abs_diff(written.len()) <= 4 * far(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= far(candidate) && *distance < candidate.len().max(written.len()))
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `lot_area`?``, or nothing.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(written, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// At most 100 characters of a text.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `1 row`, `2 rows`.
pub fn counted<N: std::fmt::Display + PartialEq + From<u8>>(n: N, thing: &str) -> String {
    if n == N::from(1) { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// So many of the parts at most, and how many more there are.
pub fn some_of<Part: Into<String>>(parts: impl IntoIterator<Item = Part>, most: usize, separator: &str) -> String {
    let mut parts = parts.into_iter();
    let mut told: Vec<String> = parts.by_ref().take(most).map(Into::into).collect();
    match parts.count() {
        0 => {}
        more => told.push(format!("and {more} more")),
    }
    told.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_counted() {
        assert_eq!(some_of(["a", "b"], 2, ", "), "a, b");
        assert_eq!(some_of(["a", "b", "c", "d"], 2, "; "), "a; b; and 2 more");
        assert_eq!(some_of::<&str>([], 2, "; "), "");
    }

    #[test]
    fn what_has_nothing_in_common_is_not_meant() {
        assert_eq!(closest("3", ["2", "10"]), None);
        assert_eq!(closest("zz", ["z"]), Some("z"));
        assert_eq!(closest("aeg", ["age"]), Some("age"));
    }

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
        assert_eq!(closest("prefix_of_a_very_long_name_that_goes_on", ["prefix"]), None);
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(closest(&long, [&long[1..]]), None, "it takes no time");
    }
}
