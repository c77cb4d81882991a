//! The digests that every host gives, as they were released.

use std::collections::BTreeMap;

use crate::Item;

/// The released digests.
pub struct Released {
    /// The digest of everything.
    pub digest: String,
    /// Each item's, shortened, by part and name.
    items: BTreeMap<(&'static str, &'static str), &'static str>,
}

/// What was compiled in.
pub fn released() -> Released {
    let mut released = Released { digest: String::new(), items: BTreeMap::new() };
    for line in include_str!("../released.txt").lines().filter(|line| !line.starts_with('#')) {
        let (place, digest) = line.rsplit_once(' ').expect("a line ends in a digest");
        match place.split_once(' ') {
            Some((part, item)) => {
                released.items.insert((part, item), digest);
            }
            None => released.digest = digest.to_owned(),
        }
    }
    released
}

impl Released {
    /// The items of a part that have other bits than the released ones, and those that are on one side only.
    pub(crate) fn differing(&self, part: &str, items: &[Item]) -> Vec<String> {
        let known = |name: &str| self.items.iter().find(|((of, item), _)| *of == part && *item == name);
        let other = items
            .iter()
            .filter(|(name, digest)| known(name).is_none_or(|(_, released)| !digest.to_string().starts_with(released)));
        let gone = self.items.keys().filter(|(of, item)| *of == part && items.iter().all(|(name, _)| name != item));
        other.map(|(name, _)| name.clone()).chain(gone.map(|(_, item)| (*item).to_owned())).collect()
    }
}
