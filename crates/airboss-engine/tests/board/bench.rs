//! A repository with a board in it, and a person's git.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use airboss_core::board::BoardKey;
use airboss_engine::board::{Desk, Difference, Done, Survey, Whole, key, verify};
use airboss_engine::projection::Settled;
use airboss_engine::workspace::Workspace;
use tempfile::TempDir;

/// A repository whose board lies in `specs/`.
pub(crate) struct Bench {
    directory: TempDir,
    pub(crate) workspace: Workspace,
    pub(crate) board: BoardKey,
}

impl Bench {
    /// A repository with these files in `specs/`, committed.
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("repository");
        fs_err::create_dir_all(top.join("specs")).unwrap();
        fs_err::create_dir(directory.path().join("home")).unwrap();
        let bench = |top: &Path| Self {
            workspace: Workspace::open(top).unwrap(),
            board: key("specs").unwrap(),
            directory,
        };
        let run = |arguments: &[&str]| {
            let output = git(&top, arguments);
            assert!(output.status.success(), "git {arguments:?}");
        };
        run(&["init", "-q", "-b", "main"]);
        run(&["config", "user.name", "A Person"]);
        run(&["config", "user.email", "person@localhost"]);
        for (name, bytes) in files {
            let path = top.join("specs").join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        run(&["add", "-A"]);
        run(&["commit", "-qm", "start", "--allow-empty"]);
        bench(&top)
    }

    pub(crate) fn top(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    pub(crate) fn adopt(&self) -> (Desk, Done) {
        let survey = Survey::take(&self.workspace, &self.board, None).unwrap();
        survey.carry_out(self.workspace.clone(), None).unwrap()
    }

    pub(crate) fn desk(&self) -> Desk {
        Desk::open(self.workspace.clone(), &self.board).unwrap()
    }

    pub(crate) fn settle(&self, whole: Whole) -> Settled {
        self.desk().settle(whole).unwrap()
    }

    pub(crate) fn differences(&self) -> Vec<Difference> {
        let desk = self.desk();
        verify(&desk.workspace, &desk.store, &desk.places).unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs_err::read(self.top().join("specs").join(name)).unwrap()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = git(&self.top(), arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(crate) fn git(top: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(top)
        .args(arguments)
        .env("HOME", top.parent().unwrap().join("home"))
        .env_remove("XDG_CONFIG_HOME")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_EDITOR", "true")
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}
