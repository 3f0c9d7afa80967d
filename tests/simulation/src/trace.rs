//! What the machine did, step by step, and a hash of it.
//!
//! Invariant: the trace and its hash depend on the calls, the plan and the seeds only. The hash
//! also covers the bytes written, so that two runs with one hash wrote the same.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::fault::Errno;

/// One kind of step: about one system call of the local store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// A staging file `name#N` is created and opened.
    Stage,
    /// The whole payload is written to the staging file.
    Write,
    /// The staging file is synced.
    SyncFile,
    /// The staging file gets its final name, unless that is taken.
    Link,
    /// The staging file takes over its final name.
    Rename,
    /// A name is removed: of a staging file, or of a deleted object.
    Unlink,
    /// A directory is made.
    MakeDirectory,
    /// A directory is synced.
    SyncDirectory,
    /// An object, or a range of it, is opened and read.
    Read,
    /// The metadata of an object are read.
    Head,
    /// The names under a prefix are read.
    List,
}

impl StepKind {
    /// Tells whether the step makes something durable.
    pub const fn is_sync(self) -> bool {
        matches!(self, Self::SyncFile | Self::SyncDirectory)
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Write => "write",
            Self::SyncFile => "sync-file",
            Self::Link => "link",
            Self::Rename => "rename",
            Self::Unlink => "unlink",
            Self::MakeDirectory => "make-directory",
            Self::SyncDirectory => "sync-directory",
            Self::Read => "read",
            Self::Head => "head",
            Self::List => "list",
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.verb())
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// The disk in its present state refused it, as a sound disk would.
    Refused(io::ErrorKind),
    /// The plan made it fail.
    Failed(Errno),
    /// The machine crashed before it.
    Crashed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => formatter.write_str("done"),
            Self::Refused(kind) => write!(formatter, "refused: {kind:?}"),
            Self::Failed(errno) => write!(formatter, "failed: {errno:?}"),
            Self::Crashed => formatter.write_str("crashed"),
        }
    }
}

/// One step, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number, counted from 0 at the last restart: what a plan refers to.
    pub number: u64,
    /// What was done.
    pub kind: StepKind,
    /// The file or directory it was done to, relative to the root of the store.
    pub path: String,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, kind, path, outcome } = self;
        write!(formatter, "{number} {kind} {path} {outcome}")
    }
}

/// The steps since the last restart, and the lines of the whole life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    steps: Vec<Step>,
    /// Shared, because every restart of one crash copies them.
    lines: Vec<Arc<str>>,
    hash: Fnv64,
}

impl Trace {
    /// Records a step.
    pub(crate) fn step(&mut self, step: Step) {
        self.line(&step.to_string());
        self.steps.push(step);
    }

    /// Records an event that is not a step.
    pub(crate) fn line(&mut self, line: &str) {
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        self.lines.push(line.into());
    }

    /// Adds the bytes of a write to the hash.
    pub(crate) fn bytes(&mut self, bytes: &Bytes) {
        self.hash.update(bytes);
    }

    /// Returns the trace of a new boot, with the lines so far and no steps yet.
    pub(crate) fn restart(&self, line: &str) -> Self {
        let mut trace = Self { steps: Vec::new(), lines: self.lines.clone(), hash: self.hash };
        trace.line(line);
        trace
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.iter().map(|line| (**line).to_owned()).collect()
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash.0
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923).
#[derive(Clone, Copy, Debug)]
struct Fnv64(u64);

impl Default for Fnv64 {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv64 {
    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fnv64;

    #[test]
    fn the_hash_is_the_published_one() {
        let mut hash = Fnv64::default();
        hash.update(b"foobar");
        assert_eq!(hash.0, 0x8594_4171_f739_67e8);
    }
}
