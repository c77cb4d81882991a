//! `split`: the part of every row, for those who compare on the same rows.

use std::fmt::Write;
use std::process::ExitCode;

use evenstep_pipeline::parts;
use serde_json::json;

use super::{Answer, read_spec, write_files};
use crate::cli::Split;
use crate::{Host, output};

pub(crate) fn split(args: &Split, host: &Host) -> Answer {
    let spec = read_spec(&args.spec)?;
    let parts = host.run(args.spec.threads, |run| parts::parts(&spec, run))?;
    let mut text = String::from("row,part\n");
    for (row, part) in &parts {
        writeln!(text, "{row},{}", part.word()).expect("a string takes what is written");
    }
    match &args.output {
        Some(path) => write_files(host, &[(path, text.as_bytes())])?,
        None if !host.json => output::raw(&text),
        None => {}
    }
    if host.json {
        let count = |wanted: parts::Part| parts.iter().filter(|(_, part)| *part == wanted).count();
        output::json(
            &json!({ "train": count(parts::Part::Train), "test": count(parts::Part::Test), "output": args.output }),
        );
    }
    Ok(ExitCode::SUCCESS)
}
