//! A file that a person asked for by name: written whole or not at all, and never over theirs.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use airboss_core::path::RepoPath;
use airboss_engine::projection::Publisher;
use airboss_engine::workspace::Workspace;

use crate::context::Context;
use crate::error::{CliError, ErrorKind};
use crate::pictures::MARK;

/// The mark of our own files stands within their first bytes.
const MARK_WITHIN: u64 = 1024;

/// Where a picture or a page goes.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct OutputOptions {
    /// Replace FILE whatever it is.
    #[arg(long)]
    pub force: bool,
}

/// Writes a picture or a page to the file that was named; `-` is standard output.
///
/// # Errors
/// When the file is there and no report, or cannot be written.
pub fn write(
    context: &Context,
    workspace: &Workspace,
    (file, options): (&Path, &OutputOptions),
    content: &str,
) -> Result<(), CliError> {
    if file == Path::new("-") {
        context.printer.raw(content.as_bytes());
        return Ok(());
    }
    let path = resolve(&context.directory.join(file), file)?;
    let before = replaceable(&path, file, options)?;
    match inside(workspace, &path) {
        // Within the work tree somebody may save at this very moment.
        Some(own) => {
            let publisher = Publisher::new(workspace);
            let done = publisher.replace(&own, before.as_deref(), content.as_bytes())?;
            if !done {
                let message = format!("{} was changed at this very moment", file.display());
                return Err(
                    CliError::new(ErrorKind::Busy, message).hint("nothing was written; try again")
                );
            }
        }
        None => outside(&path, content.as_bytes())?,
    }
    if !context.quiet {
        context
            .printer
            .note(&format!("{} is written", file.display()));
    }
    Ok(())
}

/// The real path of a file that need not be there yet.
fn resolve(path: &Path, shown: &Path) -> Result<PathBuf, CliError> {
    let no_file = || {
        CliError::refused(format!("{} names no file", shown.display()))
            .hint("name a file in a directory that exists, or `-` for standard output")
    };
    let name = path.file_name().ok_or_else(no_file)?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = fs_err::canonicalize(parent).map_err(|_| no_file())?;
    Ok(parent.join(name))
}

/// What stands there now, when it may be replaced.
fn replaceable(
    path: &Path,
    shown: &Path,
    options: &OutputOptions,
) -> Result<Option<Vec<u8>>, CliError> {
    let facts = match fs_err::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let shown = shown.display();
    if !facts.is_file() {
        return Err(CliError::refused(format!("{shown} is no regular file"))
            .hint("name another file, or `-` for standard output"));
    }
    let mut head = Vec::new();
    fs_err::File::open(path)?
        .take(MARK_WITHIN)
        .read_to_end(&mut head)?;
    // An empty file has nothing to lose: a program may have made it for us.
    if !options.force && !head.is_empty() && !is_ours(&head) {
        return Err(
            CliError::refused(format!("{shown} is there and is no report of airboss"))
                .hint("name another file, or replace it with --force"),
        );
    }
    Ok(Some(fs_err::read(path)?))
}

/// The comment of a picture, or the generator of a page.
fn is_ours(head: &[u8]) -> bool {
    let marks = [
        format!("<!-- {MARK} -->"),
        format!("<meta name=\"generator\" content=\"{MARK}\">"),
    ];
    let head = String::from_utf8_lossy(head);
    marks.iter().any(|mark| head.contains(mark))
}

/// The path from the top of the work tree, when it lies in it and is not git's or Airboss's.
fn inside(workspace: &Workspace, path: &Path) -> Option<RepoPath> {
    if path.starts_with(&workspace.state) {
        return None;
    }
    let relative = path.strip_prefix(&workspace.top).ok()?.to_str()?;
    RepoPath::new(relative).ok()
}

fn outside(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let mut draft = tempfile::NamedTempFile::new_in(parent)?;
    draft.write_all(content)?;
    // A temporary file is its owner's alone; a report is as readable as any other file.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    draft.as_file().set_permissions(mode)?;
    draft.as_file().sync_all()?;
    draft.persist(path).map_err(|error| error.error)?;
    fs_err::File::open(parent)?.sync_all()
}
