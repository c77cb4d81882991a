//! `selftest`: whether this host gives the bits that every other host gives.

use std::process::ExitCode;
use std::time::Instant;

use evenstep_pipeline::Progress;
use evenstep_selftest::{Outcome, PartOutcome, run};
use evenstep_table::counted;
use serde_json::json;

use crate::progress::Bars;
use crate::{Host, output};

pub(crate) fn selftest(host: &Host) -> ExitCode {
    let started = Instant::now();
    let bars = Bars::new(host.quiet);
    let outcome = run(&|part| bars.stage(part, None));
    bars.finish();
    let seconds = (started.elapsed().as_secs_f64() * 1e3).round() / 1e3;
    if host.json {
        let mut told = serde_json::to_value(&outcome).expect("an outcome is plain data");
        told["seconds"] = json!(seconds);
        output::json(&told);
    } else {
        outcome.parts.iter().for_each(tell);
        tell_verdict(&outcome, seconds);
    }
    ExitCode::from(u8::from(!outcome.equal))
}

fn tell(part: &PartOutcome) {
    let mark = if part.equal { "same   " } else { "DIFFERS" };
    output::line(&format!("  {mark}  {:10} {}: {}", part.name, counted(part.items, "item"), part.about));
    for differs in &part.differs {
        let threads = counted(differs.threads, "thread");
        output::line(&format!("             `{}`, with the registers `{}` on {threads}", differs.item, differs.simd));
    }
}

fn tell_verdict(outcome: &Outcome, seconds: f64) {
    let threads: Vec<String> = outcome.threads.iter().map(ToString::to_string).collect();
    let how = format!("registers {}; {} threads; {seconds:.1} s", outcome.simd.join(", "), threads.join(", "));
    output::line(&format!("\n  digest  {}", outcome.digest));
    if outcome.equal {
        output::line(&format!("\n  equal: the digest is the released one ({how})"));
    } else {
        output::line(&format!("  release {}", outcome.released));
        output::line(&format!("\n  not equal: this host would not give the answers of others ({how})"));
    }
}
