//! A put, as the steps that the local store takes with synchronisation switched on.
//!
//! It follows `put_opts`, `new_staged_upload`, `create_parent_dirs`, `finish_staged_hard_link` and
//! `finish_staged_rename` in `src/local.rs` of `object_store` 0.14.2, with what they leave behind
//! when a step fails: a link whose directory could not be synced stays visible although the answer
//! is an error.
//!
//! The system calls of the real store are these and no others, as `strace` shows, but for two
//! without effect: it first tries to make the lowest directory, and it writes no empty payload.

use std::io;

use bytes::Bytes;

use crate::answer::AnswerFault;
use crate::disk::{Stat, split};
use crate::error::{AnswerLost, Fault, STORE, generic};
use crate::machine::Machine;
use crate::trace::StepKind;

/// How a put treats an object that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publish {
    /// Leaves it, and fails.
    Create,
    /// Takes its place.
    Overwrite,
}

/// Tells whether the local store keeps this name to itself: something, `#`, digits.
pub(crate) fn is_staging(name: &str) -> bool {
    name.split_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Machine {
    /// Begins a call: delivers what the network held back until now.
    pub(crate) fn begin_call(&mut self) -> Result<(), Fault> {
        if self.is_crashed() {
            return Err(Fault::Crash);
        }
        for held in self.answers.due() {
            self.trace.line(&format!("delivered late {}", held.path));
            // Nobody waits for this answer.
            if let Err(Fault::Crash) = self.put(&held.path, &held.content, held.publish) {
                return Err(Fault::Crash);
            }
        }
        Ok(())
    }

    /// Puts an object and answers, or does what the plan has for this put.
    pub(crate) fn put_and_answer(
        &mut self,
        path: &str,
        content: &Bytes,
        publish: Publish,
    ) -> object_store::Result<Stat> {
        let refuse = |fault: Fault| fault.into_answer(path);
        let fault = self.answers.draw(path);
        if let Some(fault) = fault {
            self.trace.line(&format!("answer {fault:?} {path}"));
        }
        match fault {
            None => self.put(path, content, publish).map_err(refuse),
            Some(AnswerFault::Refused) => Err(generic(AnswerLost)),
            Some(AnswerFault::Lost) => match self.put(path, content, publish) {
                Err(Fault::Crash) => Err(refuse(Fault::Crash)),
                Ok(_) | Err(Fault::Io(_)) => Err(generic(AnswerLost)),
            },
            Some(AnswerFault::Doubled) => {
                if let Err(Fault::Crash) = self.put(path, content, publish) {
                    return Err(refuse(Fault::Crash));
                }
                self.put(path, content, publish).map_err(refuse)
            }
            Some(AnswerFault::Conflict) => Err(object_store::Error::AlreadyExists {
                path: path.to_owned(),
                source: format!("{STORE} answers so without an object").into(),
            }),
            Some(AnswerFault::Late) => {
                self.answers.hold(path, content.clone(), publish);
                Err(generic(AnswerLost))
            }
            Some(AnswerFault::Repeated) => {
                self.answers.hold(path, content.clone(), publish);
                self.put(path, content, publish).map_err(refuse)
            }
        }
    }

    /// Puts an object.
    fn put(&mut self, path: &str, content: &Bytes, publish: Publish) -> Result<Stat, Fault> {
        let staging = self.stage(path)?;
        match self.publish(&staging, path, content, publish) {
            Ok(stat) => Ok(stat),
            Err(fault) => {
                self.drop_staging(&staging)?;
                Err(fault)
            }
        }
    }

    fn publish(
        &mut self,
        staging: &str,
        path: &str,
        content: &Bytes,
        publish: Publish,
    ) -> Result<Stat, Fault> {
        self.write(staging, content)?;
        let stat = self.disk.stat(staging);
        let stat = stat.map_err(|source| Fault::io(StepKind::Write, staging, source))?;
        self.sync_file(staging)?;
        let (directory, _) = split(path);
        if publish == Publish::Create && !self.bugs.create_overwrites {
            self.step(StepKind::Link, path, |disk| disk.link(staging, path))?;
            self.sync_directory(directory)?;
            self.drop_staging(staging)?;
        } else {
            self.step(StepKind::Rename, path, |disk| disk.rename(staging, path))?;
            self.sync_directory(directory)?;
        }
        Ok(stat)
    }

    /// Creates a staging file under the first number that is free.
    fn stage(&mut self, path: &str) -> Result<String, Fault> {
        let mut number = 1_u64;
        loop {
            let staging = format!("{path}#{number}");
            match self.step(StepKind::Stage, &staging, |disk| disk.create(&staging)) {
                Ok(()) => return Ok(staging),
                Err(fault) if fault.is(io::ErrorKind::AlreadyExists) => number += 1,
                Err(fault) if fault.is(io::ErrorKind::NotFound) => self.make_parents(path)?,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Makes the directories above a path, then syncs each of them and the one they were made in.
    fn make_parents(&mut self, path: &str) -> Result<(), Fault> {
        let (parent, _) = split(path);
        let mut chain = vec![parent];
        while let Some(directory) = chain.last().copied() {
            if self.disk.exists(directory) {
                break;
            }
            chain.push(split(directory).0);
        }
        for directory in chain.iter().rev().skip(1) {
            self.step(StepKind::MakeDirectory, directory, |disk| disk.make_directory(directory))?;
        }
        for directory in chain {
            self.sync_directory(directory)?;
        }
        Ok(())
    }

    /// Removes a staging file. The local store does not look whether that succeeds.
    fn drop_staging(&mut self, staging: &str) -> Result<(), Fault> {
        match self.step(StepKind::Unlink, staging, |disk| disk.unlink(staging)) {
            Err(Fault::Crash) => Err(Fault::Crash),
            Ok(()) | Err(Fault::Io(_)) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_staging;

    #[test]
    fn staging_names_are_those_of_the_local_store() {
        assert!(is_staging("0007#1"));
        assert!(is_staging("#12"));
        assert!(!is_staging("0007"));
        assert!(!is_staging("0007#"));
        assert!(!is_staging("0007#a1"));
        assert!(!is_staging("0007#1#2"));
    }
}
