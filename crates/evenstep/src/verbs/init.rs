//! `init`: looks at data and proposes a spec that trains as it is.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use evenstep_pipeline::PipelineError;
use evenstep_source::Source;
use serde_json::json;

use super::apart::{apart, called_as};
use super::{Answer, folder_of, write_files};
use crate::cli::Init;
use crate::proposal::{Asked, propose};
use crate::{Host, output};

pub(crate) fn init(args: &Init, host: &Host) -> Answer {
    let source = Source::open(&args.data, Path::new("."))?;
    if args.output.exists() && !args.force {
        let message = format!("`{}` is already there", args.output.display());
        return Err(
            PipelineError::input(message).help("`--force` writes over it, `--output FILE` writes elsewhere".to_owned())
        );
    }
    called_as(&args.output, "a spec", "toml")?;
    apart(source.paths().iter().map(PathBuf::as_path), [args.output.as_path()])?;
    let named = relative(&args.data, &args.output);
    let name = Path::new(&args.data).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let asked = Asked { data: &args.data, source: &named, name, target: &args.target, id: &args.id };
    let text = host.run(0, |run| propose(&source, &asked, run))?;
    write_files(&host.files, &[(&args.output, text.as_bytes())])?;
    if host.json {
        output::json(&json!({ "spec": output::path(&args.output) }));
    } else {
        output::line(&format!("wrote {}: read it, change it, then", args.output.display()));
        output::line(&format!("  evenstep check {0}\n  evenstep train {0}", for_shell(&args.output)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The path as shells take it for one word.
pub(crate) fn for_shell(path: &Path) -> String {
    let path = path.display().to_string();
    let plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ':' | '\\' | '+' | '@' | '%' | ',');
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// The source as the spec is to name it: relative to the spec's folder, unless it was named from the root.
fn relative(data: &str, out: &Path) -> String {
    if Path::new(data).is_absolute() {
        return data.to_owned();
    }
    // The file keeps the name it was given: what a link leads to may be called otherwise, and tomorrow be another.
    let data = Path::new(data);
    let (Ok(data_folder), Ok(folder), Some(name)) = (real(folder_of(data)), real(folder_of(out)), data.file_name())
    else {
        return data.display().to_string();
    };
    let data_at = data_folder.join(name);
    let same = data_at.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(same).map(|_| Component::ParentDir);
    up.chain(data_at.components().skip(same)).collect::<PathBuf>().display().to_string()
}

/// The path from the root, without links in what is there of it: `..` leads where the host says.
fn real(path: &Path) -> io::Result<PathBuf> {
    let mut real = std::env::current_dir()?;
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(real.pop()),
            other => {
                real.push(other);
                real = real.canonicalize().unwrap_or(real);
            }
        }
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_what_a_shell_takes() {
        for (path, shown) in
            [("a/p-1.toml", "a/p-1.toml"), ("my spec.toml", "'my spec.toml'"), ("it's.toml", r"'it'\''s.toml'")]
        {
            assert_eq!(for_shell(Path::new(path)), shown);
        }
    }

    #[test]
    fn the_source_is_named_from_where_the_spec_lies() {
        for (data, out, named) in [
            ("a.csv", "pipeline.toml", "a.csv"),
            ("./a.csv", "pipeline.toml", "a.csv"),
            ("data/*.csv", "pipeline.toml", "data/*.csv"),
            ("data/a.csv", "data/pipeline.toml", "a.csv"),
            ("data/a.csv", "specs/new/pipeline.toml", "../../data/a.csv"),
            ("data/a.csv", "specs/../pipeline.toml", "data/a.csv"),
            ("/data/a.csv", "specs/pipeline.toml", "/data/a.csv"),
        ] {
            assert_eq!(relative(data, Path::new(out)), named, "{data} for {out}");
        }
    }
}
