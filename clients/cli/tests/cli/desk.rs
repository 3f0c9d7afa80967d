//! A folder with a store and files in it, and the binary to work on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder to work in.
pub(crate) struct Desk {
    folder: TempDir,
}

/// What a command answered.
pub(crate) struct Answer {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) err: String,
}

impl Desk {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// One with a context `loans` that holds two states of three loans:
    /// at 1 April a balance of 10.00, 20.00, 30.00; at 1 May loan 3 is gone and loan 1 has 11.00.
    pub(crate) fn with_loans() -> Self {
        let desk = Self::new();
        desk.ok(&["context", "create", "loans", "--key", "loan_id"]);
        let april = "loan_id,balance,status\n1,10.00,open\n2,20.00,open\n3,30.00,late\n";
        desk.write("april.csv", april);
        desk.ok(&["put", "loans", "april.csv", "--kind", "full", "--cutoff", "2026-04-01T00:00:00Z"]);
        desk.write("may.csv", "loan_id,balance,status\n1,11.00,open\n2,20.00,open\n");
        desk.ok(&["put", "loans", "may.csv", "--kind", "full", "--cutoff", "2026-05-01T00:00:00Z"]);
        desk
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The store.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder().join("store")
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder().join(name)).unwrap()
    }

    /// The binary, with the folder to work in and the store named.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calotype"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("CALOTYPE_STORE", "store")
            .env_remove("CALOTYPE_PRINCIPAL")
            .env_remove("CALOTYPE_SERVER")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        Answer {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Answer {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.err);
        answer
    }

    /// Runs a command that must fail with a code, and whose message must hold some texts.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, texts: &[&str]) -> Answer {
        let answer = self.run(arguments);
        assert_eq!(answer.code, code, "{arguments:?}: {}{}", answer.out, answer.err);
        for text in texts {
            assert!(answer.err.contains(text), "{arguments:?}: {text:?} in {}", answer.err);
        }
        answer
    }
}

impl Answer {
    /// The output as JSON, a line each.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap();
        self.out.lines().map(line).collect()
    }

    /// One column of the output, line by line; nulls as `-`.
    pub(crate) fn column(&self, name: &str) -> Vec<String> {
        let cell = |line: &Value| match &line[name] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => line[name].to_string(),
        };
        self.lines().iter().map(cell).collect()
    }
}
