//! Files as a tar that tells of nothing but them.

use tar::{Builder, EntryType, Header};

/// A file of a layer.
pub(crate) struct File<'a> {
    pub(crate) path: &'a str,
    pub(crate) mode: u32,
    pub(crate) bytes: &'a [u8],
}

/// The files, in this order, each with the folders above it: without times, owned by root.
pub(crate) fn tar(files: &[File<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let mut folders = Vec::new();
    for file in files {
        for (end, _) in file.path.match_indices('/') {
            let folder = &file.path[..=end];
            if !folders.contains(&folder) {
                folders.push(folder);
                append(&mut builder, folder, EntryType::Directory, 0o755, &[]);
            }
        }
        append(&mut builder, file.path, EntryType::Regular, file.mode, file.bytes);
    }
    builder.into_inner().expect("memory takes what is written")
}

fn append(builder: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, mode: u32, bytes: &[u8]) {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, path, bytes).expect("memory takes what is written, and paths are short");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_out_with_their_folders_and_without_times() {
        let files = [File { path: "a/b/c", mode: 0o644, bytes: b"one" }, File { path: "a/d", mode: 0o755, bytes: b"" }];
        let bytes = tar(&files);
        assert_eq!(bytes, tar(&files));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let told: Vec<String> = archive
            .entries()
            .expect("it is a tar")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let header = entry.header();
                let number = |found: std::io::Result<u64>| found.expect("a number");
                assert_eq!(number(header.mtime()) + number(header.uid()) + number(header.gid()), 0);
                format!("{} {:o}", entry.path().expect("a path").display(), header.mode().expect("a mode"))
            })
            .collect();
        assert_eq!(told, ["a/ 755", "a/b/ 755", "a/b/c 644", "a/d 755"]);
    }
}
