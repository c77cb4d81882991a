//! Numbers as people write them, which no program reads.

/// Whether a text is a number with a comma for its point, digits in groups of three, a currency or a percent sign:
/// `1.234,50 €`, `$1,000`, `12 %`, `3,5`.
pub(crate) fn is_formatted(text: &str) -> bool {
    const SIGNS: &[char] = &['$', '€', '£', '¥', '₹', '%'];
    const GROUPS: [char; 5] = [',', '.', '\'', ' ', '\u{a0}'];
    fn unsigned(text: &str) -> &str {
        text.trim_start_matches(['+', '-', '−']).trim()
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) || text.len() > 40 {
        return false;
    }
    let text = text.trim();
    // Accountants set in brackets what is below zero.
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let bare = unsigned(unsigned(text).trim_matches(SIGNS).trim());
    let (whole, fraction) = match bare.rfind([',', '.']) {
        // What is grouped alone has no fraction: `1,234,567`.
        Some(at) if bare.matches(&bare[at..=at]).count() == 1 => (&bare[..at], &bare[at + 1..]),
        _ => (bare, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = |by: char| {
        let mut groups = whole.split(by);
        let first = groups.next().unwrap_or_default();
        digits(first) && (1..=3).contains(&first.len()) && groups.all(|group| digits(group) && group.len() == 3)
    };
    digits(fraction) && !bare.is_empty() && (digits(whole) || GROUPS.into_iter().any(grouped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them_are_known() {
        for text in [
            "1,5",
            "-1,5",
            "1.234,50",
            "1.234,50 €",
            "$1,000",
            "-$1,000.25",
            "$-3",
            "12 %",
            "12%",
            "1 234 567",
            "£5",
            "1'000.5",
            "1,234,567",
            "€ 3",
            "($1,200)",
        ] {
            assert!(is_formatted(text), "{text}");
        }
        for text in ["30.12.2024", "10.0.0.1", "1,2,3", "a1", "%", "$", "1-2", "12 34", "1,234,56", "Unit 5", "€"] {
            assert!(!is_formatted(text), "{text}");
        }
    }
}
