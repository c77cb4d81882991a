//! `init`: looks at data and proposes a spec that trains as it is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_pipeline::PipelineError;
use evenstep_source::Source;
use serde_json::json;

use super::apart::apart;
use super::{Answer, write_files};
use crate::cli::Init;
use crate::proposal::{Asked, propose};
use crate::{Host, output};

pub(crate) fn init(args: &Init, host: &Host) -> Answer {
    if args.out.exists() && !args.force {
        let message = format!("`{}` is already there", args.out.display());
        return Err(
            PipelineError::input(message).help("`--force` writes over it, `--out FILE` writes elsewhere".to_owned())
        );
    }
    let source = Source::open(&args.data, Path::new("."))?;
    apart(source.paths().iter().map(PathBuf::as_path), [args.out.as_path()])?;
    let named = relative(&args.data, &args.out);
    let name = Path::new(&args.data).file_stem().and_then(|stem| stem.to_str()).unwrap_or("pipeline");
    let asked = Asked { data: &args.data, source: &named, name, target: &args.target, id: &args.id };
    let text = host.run(0, |run| propose(&source, &asked, run))?;
    write_files(&host.files, &[(&args.out, text.as_bytes())])?;
    if host.json {
        output::json(&json!({ "spec": args.out }));
    } else {
        output::line(&format!("wrote {}: read it, change it, then", args.out.display()));
        output::line(&format!("  evenstep check {0}\n  evenstep train {0}", args.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The source as the spec is to name it: relative to the spec's folder where that is possible.
fn relative(data: &str, out: &Path) -> String {
    let folder = out.parent().filter(|folder| *folder != Path::new(""));
    let (Some(folder), false) = (folder, Path::new(data).is_absolute()) else { return data.to_owned() };
    if let Ok(inside) = Path::new(data).strip_prefix(folder) {
        return inside.display().to_string();
    }
    std::env::current_dir().map_or_else(|_| data.to_owned(), |here| here.join(data).display().to_string())
}
