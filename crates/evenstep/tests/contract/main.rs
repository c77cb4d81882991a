//! The contract before any model exists, and after: told in the languages of clients, mocked, compared, kept.

mod available;
#[allow(dead_code, reason = "each test binary uses a part")]
#[path = "../doors/client.rs"]
mod client;
mod clients;
#[path = "../common/mod.rs"]
mod common;
mod kept;
mod mock;
mod schema;

use std::fmt::Write as _;

use common::Project;

/// A contract alone: no data, no model.
const FIRST: &str = r#"[pipeline]
name = "rents"
seed = 1

[data]
target = "rent"
id = "flat"

[contract]
flat = { type = "integer" }
rent = { type = "number", min = 200, max = 5000, unit = "CHF" }
area = { type = "number", min = 5, missing = "reject", unit = "square metres" }
"Floor.No" = { type = "integer" }
city = { type = "category", values = ["Bern", "Chur"], absent = "null" }
built = { type = "date" }

[serving]
latency = { p50 = "1 ms", p99 = "500 ms" }
"#;

/// The same contract, with data and a model.
const LATER: &str = r#"
[[step]]
use = "datetime_parts"
columns = ["built"]
parts = ["year"]

[[step]]
use = "impute_most_frequent"
columns = ["city"]

[[step]]
use = "one_hot"
columns = ["city"]

[[step]]
use = "impute_median"
columns = { type = "number" }

[model]
use = "ridge"
"#;

const ROW: &str = r#"{"area": 50.5, "Floor.No": 2, "city": "Bern", "built": "1950-06-01"}"#;

/// The contract alone, as `first.toml`.
fn first() -> Project {
    let project = Project::new();
    project.write("first.toml", FIRST);
    project
}

/// The contract with its data and its model, trained: `rents.evenstep`.
fn trained() -> Project {
    let project = first();
    project.write("p.toml", FIRST.replace("target = ", "source = \"data.csv\"\ntarget = ") + LATER);
    project.write("data.csv", data());
    project.run(&["train", "p.toml", "--quiet"]).ok();
    project
}

fn data() -> String {
    (0..300).fold("flat,rent,area,Floor.No,city,built\n".to_owned(), |mut text, n| {
        let (area, floor, city, year) = (20 + n * 7 % 90, n % 5, n % 3, 1900 + n * 11 % 120);
        let rent = 300 + 15 * area + 20 * floor + 200 * city;
        let city = ["Bern", "Chur", ""][city];
        writeln!(text, "{n},{rent},{area},{floor},{city},{year}-06-01").expect("a string takes what is written");
        text
    })
}
