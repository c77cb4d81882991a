//! `manual`: a page for `man` of each command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use evenstep_files::FileError;
use serde_json::json;

use super::{Answer, file_error, write_files};
use crate::cli::{Cli, Manual};
use crate::{Host, output};

pub(crate) fn manual(args: &Manual, host: &Host) -> Answer {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add_pages(&command, &mut pages);
    let pages: Vec<(PathBuf, Vec<u8>)> = pages.into_iter().map(|(name, page)| (args.output.join(name), page)).collect();
    fs::create_dir_all(&args.output).map_err(|error| file_error(FileError::new(&args.output, "create", error)))?;
    let files: Vec<(&Path, &[u8])> = pages.iter().map(|(path, page)| (path.as_path(), page.as_slice())).collect();
    write_files(&host.files, &files)?;
    let paths: Vec<&Path> = files.iter().map(|(path, _)| *path).collect();
    if host.json {
        output::json(&json!({ "pages": paths.iter().map(|path| output::path(path)).collect::<Vec<_>>() }));
    } else {
        paths.iter().for_each(|path| output::line(&path.display().to_string()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of a command and of each below it, under their files' names.
fn add_pages(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) {
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text).expect("memory takes what is written");
    pages.push((page.get_filename(), text));
    command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| add_pages(below, pages));
}
