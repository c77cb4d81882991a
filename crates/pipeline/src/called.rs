//! What the words of a column's name say of it.

/// Whether the name is that of a quantity, which tells more of a row than which one it is: `year`, `list_price`.
pub(crate) fn is_quantity(name: &str) -> bool {
    const WORDS: [&str; 48] = [
        "age",
        "amount",
        "area",
        "balance",
        "bmi",
        "cost",
        "count",
        "date",
        "day",
        "days",
        "depth",
        "distance",
        "dose",
        "duration",
        "height",
        "hour",
        "hours",
        "income",
        "length",
        "mass",
        "minute",
        "minutes",
        "month",
        "period",
        "price",
        "quantity",
        "rank",
        "rate",
        "salary",
        "score",
        "second",
        "seconds",
        "size",
        "speed",
        "t",
        "temp",
        "temperature",
        "time",
        "timestamp",
        "total",
        "trend",
        "volume",
        "wage",
        "week",
        "weeks",
        "weight",
        "width",
        "year",
    ];
    let words = words(name);
    words.iter().any(|word| WORDS.contains(&word.as_str())) && !words.iter().any(|word| word == "code")
}

/// Whether the name is that of a code, whose digits are no quantity: `zip`, `PostalCode`.
pub(crate) fn is_code(name: &str) -> bool {
    const WORDS: [&str; 8] = ["zip", "zipcode", "postal", "postcode", "plz", "code", "fips", "sku"];
    words(name).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// Whether the name is that of a day: `sale_date`, `Datum`.
pub(crate) fn is_date(name: &str) -> bool {
    const WORDS: [&str; 6] = ["date", "datum", "dt", "day", "dob", "yyyymmdd"];
    words(name).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// The words of a name, in lower case: what other signs part, and what begins with a capital.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (after_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().expect("there is one").extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_column_holds() {
        for name in ["year", "Age", "listPrice", "delivery_time", "SalesDate"] {
            assert!(is_quantity(name), "{name}");
        }
        for name in ["PID", "order", "age_code", "updates", "teenager", "x"] {
            assert!(!is_quantity(name), "{name}");
        }
        assert!(is_code("zip") && is_code("PostalCode") && !is_code("zipper"));
        assert!(is_date("sale_date") && is_date("Datum") && !is_date("update"));
    }
}
