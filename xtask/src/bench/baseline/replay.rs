//! A process that makes the durable writes it is told and nothing else: the floor under every change.
//!
//! `replay DIRECTORY WORD...`, with the words `create:NAME:BYTES`, `append:NAME:BYTES`,
//! `sync:NAME`, `rename:FROM:TO` and `syncdir`. A file stays open until the end.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Error, Result, Write};
use std::path::Path;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments
        .next()
        .ok_or_else(|| Error::other("no directory"))?;
    let directory = Path::new(&directory);
    let mut files = HashMap::new();
    for word in arguments {
        carry_out(directory, &word, &mut files)?;
    }
    Ok(())
}

fn carry_out(directory: &Path, word: &str, files: &mut HashMap<String, File>) -> Result<()> {
    let odd = || Error::other(format!("what is {word}?"));
    let parts: Vec<&str> = word.split(':').collect();
    match parts.as_slice() {
        [action @ ("create" | "append"), name, bytes] => {
            let bytes: usize = bytes.parse().map_err(|_| odd())?;
            if !files.contains_key(*name) {
                let mut options = File::options();
                options.create(true);
                match *action {
                    "create" => options.write(true).truncate(true),
                    _ => options.append(true),
                };
                let file = options.open(directory.join(name))?;
                files.insert((*name).to_owned(), file);
            }
            let file = files.get_mut(*name).ok_or_else(odd)?;
            file.write_all(&vec![b'x'; bytes])
        }
        ["sync", name] => files.get(*name).ok_or_else(odd)?.sync_data(),
        ["rename", from, to] => fs::rename(directory.join(from), directory.join(to)),
        ["syncdir"] => File::open(directory)?.sync_all(),
        _ => Err(odd()),
    }
}
