//! What is said to people of the command line, as people who write Python say it.

/// The text without what only the command line has.
pub(crate) fn in_python(text: &str) -> String {
    let text = text.replace("give `--data FILE` for that", "give `data` for that");
    let text = text.replace("`--data FILE` trains it again", "with `data` it is trained again");
    let text = text.replace("`--policy FILE` says", "the command line's `evenstep verify BUNDLE --policy FILE` says");
    proposing(&text).unwrap_or(text)
}

/// The same where a spec is said to be proposed.
fn proposing(text: &str) -> Option<String> {
    let (before, rest) = text.split_once("`evenstep init ")?;
    let (data, after) = rest.split_once(" --target COLUMN`")?;
    let data = if data == "DATA" { "data".to_owned() } else { format!("{data:?}") };
    Some(format!("{before}`evenstep.init({data}, target=…)`{after}"))
}
