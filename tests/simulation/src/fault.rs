//! What shall go wrong: crashes, failing steps, failing answers, planted bugs.
//!
//! Invariant: a plan is plain data. It counts steps from the last restart, beginning with 0, as
//! [`Step::number`](crate::Step::number) does, and a restart ends it.

use std::io;

use crate::answer::AnswerPlan;
use crate::trace::StepKind;

/// What shall go wrong until the next restart. The default: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// The machine dies instead of taking the step with this number.
    pub crash_at_step: Option<u64>,
    /// Steps that fail. The first entry that matches a step decides.
    pub step_faults: Vec<StepFault>,
    /// Puts whose answer is wrong.
    pub answers: AnswerPlan,
}

impl FaultPlan {
    /// A plan with nothing but a crash.
    pub fn crash_at(step: u64) -> Self {
        Self { crash_at_step: Some(step), ..Self::default() }
    }

    /// A plan with nothing but one failing step, or one sticky failure.
    pub fn failing(fault: StepFault) -> Self {
        Self { step_faults: vec![fault], ..Self::default() }
    }

    /// A plan with nothing but wrong answers.
    pub fn answering(answers: AnswerPlan) -> Self {
        Self { answers, ..Self::default() }
    }
}

/// A failure of steps. A failed step has no effect, but for syncs: what a failed sync should have
/// made durable counts as clean from then on, so that later syncs do not write it either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepFault {
    /// The number of the first step that may fail.
    pub from_step: u64,
    /// Which of the steps from there on are meant.
    pub target: Target,
    /// Whether the first of them fails or all do.
    pub repeat: Repeat,
    /// The error they fail with.
    pub errno: Errno,
}

impl StepFault {
    /// Tells whether a step is among those meant.
    pub(crate) fn hits(&self, number: u64, kind: StepKind) -> bool {
        number >= self.from_step
            && match self.target {
                Target::Every => true,
                Target::Syncs => kind.is_sync(),
                Target::Only(only) => kind == only,
            }
    }
}

/// Which steps a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// All of them.
    Every,
    /// Syncs of files and of directories.
    Syncs,
    /// Those of one kind.
    Only(StepKind),
}

/// How long a failure lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// One step fails, the next one may succeed.
    Once,
    /// Every step meant fails until the plan is replaced.
    Sticky,
}

/// The error of a failed step. Interrupted and short calls are not here: the standard library
/// repeats them, so that the local store never sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// `EIO`: the device failed.
    Io,
    /// `EMFILE`: the process has too many open files.
    TooManyFiles,
    /// `ENOSPC`: no space is left.
    StorageFull,
}

impl Errno {
    pub(crate) fn error(self) -> io::Error {
        match self {
            Self::Io => io::Error::from_raw_os_error(5),
            Self::TooManyFiles => io::Error::from_raw_os_error(24),
            Self::StorageFull => io::ErrorKind::StorageFull.into(),
        }
    }
}

/// Bugs of the store itself, for the tests of the tests: a suite that passes with one of them
/// planted proves nothing. They stay planted across restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlantedBugs {
    /// Directories are never synced.
    pub skip_directory_sync: bool,
    /// Files are never synced.
    pub skip_file_sync: bool,
    /// Create-if-absent replaces what is there.
    pub create_overwrites: bool,
}
