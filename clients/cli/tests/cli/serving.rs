//! A server in a process of its own, and commands that go to it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use super::desk::{Answer, Desk};

/// A server on a desk's store; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    /// Reads its log, so that it never waits for a reader.
    log: Option<JoinHandle<String>>,
    /// Where it listens.
    pub(crate) address: String,
}

impl Serving {
    /// Starts one on a free port and waits until it listens.
    pub(crate) fn start(desk: &Desk) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"];
        let mut child = desk.command(&serve).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix("listening on grpc://").map(str::to_owned) else {
            child.kill().unwrap();
            unreachable!("the server said {line:?}: {}", log.join().unwrap());
        };
        Self { child, log: Some(log), address }
    }

    /// Runs a command against it.
    pub(crate) fn run(&self, desk: &Desk, arguments: &[&str]) -> Answer {
        desk.run(&[arguments, &["--server", &self.address]].concat())
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, desk: &Desk, arguments: &[&str]) -> Answer {
        desk.ok(&[arguments, &["--server", &self.address]].concat())
    }

    /// Runs a command that must fail.
    pub(crate) fn fails(&self, desk: &Desk, arguments: &[&str], code: i32, texts: &[&str]) -> Answer {
        desk.fails(&[arguments, &["--server", &self.address]].concat(), code, texts)
    }

    /// Tells it to stop, waits until it has, and gives back what it logged.
    pub(crate) fn stop(&mut self) -> String {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
        let log = self.log.take().unwrap().join().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{log}");
        log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have stopped already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
