//! The machine: takes steps on its disk, one at a time, while the plan lets it.
//!
//! Invariant: after a crash nothing changes any more, whoever asks.

use std::io;

use bytes::Bytes;

use crate::answer::{AnswerPlan, Answers};
use crate::disk::Disk;
use crate::error::Fault;
use crate::fault::{Errno, FaultPlan, PlantedBugs, Repeat};
use crate::survivors::Survivors;
use crate::trace::{Outcome, Step, StepKind, Trace};

/// One boot of a machine.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) disk: Disk,
    pub(crate) bugs: PlantedBugs,
    pub(crate) answers: Answers,
    pub(crate) trace: Trace,
    plan: FaultPlan,
    steps: u64,
    crashed: bool,
}

impl Machine {
    /// Replaces the plan.
    pub(crate) fn set_plan(&mut self, mut plan: FaultPlan) {
        self.answers.replace(std::mem::take(&mut plan.answers));
        self.plan = plan;
    }

    /// Dies.
    pub(crate) const fn crash(&mut self) {
        self.crashed = true;
    }

    pub(crate) const fn is_crashed(&self) -> bool {
        self.crashed
    }

    /// Returns the number of steps since the boot.
    pub(crate) const fn step_count(&self) -> u64 {
        self.steps
    }

    /// Boots anew from what survives, without a plan.
    pub(crate) fn restart(&self, survivors: Survivors) -> Self {
        let (disk, _) = self.disk.after(survivors);
        let trace = self.trace.restart(&format!("restart {survivors:?}"));
        let mut answers = Answers::default();
        if survivors == Survivors::Cached {
            // The network outlives the process: what was sent may still arrive.
            answers = self.answers.clone();
            answers.replace(AnswerPlan::default());
        }
        Self { disk, bugs: self.bugs, answers, trace, ..Self::default() }
    }

    /// Takes a step, unless the plan has something else in mind.
    pub(crate) fn step<T>(
        &mut self,
        kind: StepKind,
        path: &str,
        act: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> Result<T, Fault> {
        if self.crashed {
            return Err(Fault::Crash);
        }
        let number = self.steps;
        self.steps += 1;
        if self.plan.crash_at_step == Some(number) {
            self.crashed = true;
            self.record(number, kind, path, Outcome::Crashed);
            return Err(Fault::Crash);
        }
        if let Some(errno) = self.failure(number, kind) {
            self.record(number, kind, path, Outcome::Failed(errno));
            if kind.is_sync() {
                self.disk.fail_sync(path).map_err(|source| Fault::io(kind, path, source))?;
            }
            return Err(Fault::io(kind, path, errno.error()));
        }
        let result = act(&mut self.disk);
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Refused(error.kind()),
        };
        self.record(number, kind, path, outcome);
        result.map_err(|source| Fault::io(kind, path, source))
    }

    /// Writes the contents of a file.
    pub(crate) fn write(&mut self, path: &str, content: &Bytes) -> Result<(), Fault> {
        self.trace.bytes(content);
        self.step(StepKind::Write, path, |disk| disk.write(path, content))
    }

    /// Syncs a file, unless the bug that forgets it is planted.
    pub(crate) fn sync_file(&mut self, path: &str) -> Result<(), Fault> {
        if self.bugs.skip_file_sync {
            return Ok(());
        }
        self.step(StepKind::SyncFile, path, |disk| disk.sync_file(path))
    }

    /// Syncs a directory, unless the bug that forgets it is planted.
    pub(crate) fn sync_directory(&mut self, path: &str) -> Result<(), Fault> {
        if self.bugs.skip_directory_sync {
            return Ok(());
        }
        self.step(StepKind::SyncDirectory, path, |disk| disk.sync_directory(path))
    }

    fn failure(&mut self, number: u64, kind: StepKind) -> Option<Errno> {
        let faults = &mut self.plan.step_faults;
        let index = faults.iter().position(|fault| fault.hits(number, kind))?;
        let fault = *faults.get(index)?;
        if fault.repeat == Repeat::Once {
            faults.remove(index);
        }
        Some(fault.errno)
    }

    fn record(&mut self, number: u64, kind: StepKind, path: &str, outcome: Outcome) {
        self.trace.step(Step { number, kind, path: path.to_owned(), outcome });
    }
}
