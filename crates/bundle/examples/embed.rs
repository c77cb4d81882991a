//! A bundle that answers within a program.
#![allow(clippy::print_stdout, reason = "it shows what is answered")]

use evenstep_pipeline::request;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bytes = std::fs::read("titanic.evenstep")?;
    // Replays the golden rows: a host that gives other bits is refused.
    let predictor = evenstep_bundle::open(&bytes)?.predictor()?;
    let row = br#"{"PClass": "1st", "Age": 29, "Sex": "female"}"#;
    for answer in request::answer(&predictor, row).map_err(|refusal| format!("{refusal:?}"))? {
        println!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}
