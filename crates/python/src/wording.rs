//! What is said to people of the command line, as people who write Python say it.

const WORDS: [(&str, &str); 8] = [
    ("the file has ", "the data have "),
    ("give `--data FILE` for that", "give `data` for that"),
    ("`--data FILE` compares it", "with `data` it is compared"),
    ("`--data FILE` trains it again", "with `data` it is trained again"),
    ("`--policy FILE` says", "the command line's `evenstep verify BUNDLE --policy FILE` says"),
    ("`train --no-trace` leaves the trace out", "`train(trace=False)` leaves the trace out"),
    ("`train --threads N` sets them", "`train(threads=N)` sets them"),
    ("`evenstep contract` and `evenstep mock` alone can do without", "give a frame, or name one in the spec"),
];

/// The text without what only the command line has.
pub(crate) fn in_python(text: &str) -> String {
    if let Some(before) = text.trim_end().strip_suffix("the file has") {
        return format!("{before}the data have no column");
    }
    let text = WORDS.iter().fold(text.to_owned(), |text, (words, ours)| text.replace(words, ours));
    proposing(&text).unwrap_or(text)
}

/// The same where a spec is said to be proposed.
fn proposing(text: &str) -> Option<String> {
    let (before, rest) = text.split_once("`evenstep init ")?;
    let (data, after) = rest.split_once(" --target COLUMN`")?;
    let data = if data == "DATA" { "data".to_owned() } else { format!("{data:?}") };
    Some(format!("{before}`evenstep.init({data}, target=…)`{after}"))
}
