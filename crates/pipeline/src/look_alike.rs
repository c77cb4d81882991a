//! Classes that are likely the same one, written in two ways.

use std::collections::BTreeMap;

/// What is to be said of classes that differ only in case, or in blanks at their ends.
pub fn look_alike<S: AsRef<str>>(classes: &[S]) -> Option<String> {
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for class in classes.iter().map(S::as_ref) {
        alike.entry(class.trim().to_lowercase()).or_default().push(format!("`{class}`"));
    }
    alike.retain(|_, classes| classes.len() > 1);
    let told: Vec<String> = alike.into_values().map(|classes| classes.join(", ")).collect();
    (!told.is_empty()).then(|| {
        format!(
            "classes of the target that differ only in case, or in blanks at their ends, are classes of their own: {}",
            told.join("; ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_look_alike_are_told() {
        assert_eq!(look_alike(&["no", "yes", "1"]), None);
        let told = look_alike(&["NO", "Yes ", "maybe", "no", "yes"]).expect("two pairs look alike");
        assert!(told.ends_with(": `NO`, `no`; `Yes `, `yes`"), "{told}");
    }
}
