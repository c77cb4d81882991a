//! `image`: a container image that serves a bundle.

#[cfg_attr(not(feature = "push"), path = "image/no_push.rs")]
mod push;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use evenstep_image::{Contents, Engine, Image as ContainerImage};
use evenstep_pipeline::PipelineError;
use serde_json::json;

use self::push::Destination;
use super::apart::{apart, called_as};
use super::{Answer, read_bundle, unreadable, unusable, write_files};
use crate::cli::Image;
use crate::{Host, output};

/// Where a tar archive says that it is one.
const TAR: Range<usize> = 257..262;

pub(crate) fn image(args: &Image, host: &Host) -> Answer {
    if args.output.is_none() && args.push.is_none() {
        return Err(PipelineError::input("nowhere was named for the image to go")
            .help("`--output image.tar` writes it, `--push REGISTRY/NAME:TAG` pushes it".to_owned()));
    }
    let read = args.engine.as_deref().into_iter().chain([args.bundle.as_path()]);
    apart(read, args.output.as_deref())?;
    args.output.as_deref().map_or(Ok(()), |path| called_as(path, "an image", "tar"))?;
    args.output.as_deref().map_or(Ok(()), takes_an_image)?;
    let destination = args.push.as_deref().map(Destination::new).transpose()?;
    let bundle = read_bundle(&args.bundle)?;
    let opened = evenstep_bundle::open(&bundle).map_err(|error| unusable(&args.bundle, error))?;
    // What would not be served here is not shipped.
    let predictor = opened.predictor()?;
    let engine = engine(args.engine.as_deref())?;
    let contents =
        Contents { name: &predictor.name, version: &predictor.version, digest: &predictor.digest, bundle: &bundle };
    let image = ContainerImage::of(&engine, contents);
    let archive = args.output.as_deref().map(|path| (path, image.archive()));
    if let Some((path, archive)) = &archive {
        write_files(&host.files, &[(path, archive)])?;
    }
    let pushed = destination.map(|destination| destination.push(&image)).transpose()?;
    if host.json {
        output::json(&json!({
            "image": image.digest(),
            "output": args.output.as_deref().map(output::path),
            "bytes": archive.as_ref().map(|(_, archive)| archive.len()),
            "pushed": pushed.map(|(told, _)| told),
            "architecture": engine.architecture.word(),
            "name": predictor.name,
            "version": predictor.version,
            "digest": predictor.digest,
        }));
    } else {
        output::line(&format!("{} {}", predictor.name, predictor.version));
        output::line(&format!("  image   {}", image.digest()));
        output::line(&format!("  runs    on linux/{}, as nobody, port 8080", engine.architecture.word()));
        if let Some((path, archive)) = &archive {
            output::line(&format!("  file    {} ({:.1} MB)", path.display(), archive.len() as f64 / 1e6));
        }
        if let Some((_, told)) = pushed {
            output::line(&format!("  pushed  {told}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that what is there is an archive, as earlier images are, or nothing: a key may have any name.
fn takes_an_image(path: &Path) -> Result<(), PipelineError> {
    // To open a pipe would be to wait for its writer; what is no file is refused where it is written.
    if !path.is_file() {
        return Ok(());
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(TAR.end as u64).read_to_end(&mut head));
    read.map_err(|error| unreadable(path, &error))?;
    if head.is_empty() || head.get(TAR) == Some(b"ustar") {
        return Ok(());
    }
    Err(PipelineError::input(format!("`{}` is there, and is no archive of an image", path.display()))
        .help("name another file, or remove this one".to_owned()))
}

/// The program that is to serve.
fn engine(named: Option<&Path>) -> Result<Engine, PipelineError> {
    let this = || {
        std::env::current_exe().map_err(|error| PipelineError::input(format!("this program can't be found: {error}")))
    };
    let path: PathBuf = named.map_or_else(this, |path| Ok(path.to_owned()))?;
    let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
    Engine::new(bytes).map_err(|error| unusable(&path, &error).help(error.help().to_owned()))
}
