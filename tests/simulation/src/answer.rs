//! Answers that are lost, late, doubled or wrong, as a network store gives them.
//!
//! Invariant: an answer fault never breaks create-if-absent. Each put is carried out never, once or
//! twice; what a client sees is all that is wrong.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::local::Publish;
use crate::rng::SplitMix64;

/// What happens to one put and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerFault {
    /// The put is not carried out, and the answer is an error.
    Refused,
    /// The put is carried out, and the answer is an error.
    Lost,
    /// The put is carried out, the answer is lost, the transport repeats the put and hands out that
    /// second answer: `AlreadyExists` for an object of our own.
    Doubled,
    /// Nothing is carried out, and the answer is `AlreadyExists`; a read then says `NotFound`.
    Conflict,
    /// The put is held on its way and the answer is an error. It is carried out later, before
    /// another call, or after the restart of a process that was only killed.
    Late,
    /// The put is carried out and answered; the network delivers it once more later.
    Repeated,
}

/// Which puts get which answer fault. The default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerPlan {
    /// Only puts on paths that begin so are meant, for example `log/`. Empty: all.
    pub prefix: String,
    /// Decides, together with `per_mille`, for each put meant.
    pub seed: u64,
    /// How many of a thousand puts get each fault. Sums above 1,000 starve the last entries.
    pub per_mille: Vec<(AnswerFault, u16)>,
    /// Faults for the n-th put meant, counted from 0 when the plan is set; they come before the
    /// rates.
    pub script: BTreeMap<u64, AnswerFault>,
    /// How many later calls pass a held put before it is delivered.
    pub late_calls: u64,
}

/// A put on its way.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) path: String,
    pub(crate) content: Bytes,
    pub(crate) publish: Publish,
    calls_left: u64,
}

/// The plan at work.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    plan: AnswerPlan,
    rng: SplitMix64,
    puts: u64,
    held: Vec<Held>,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(AnswerPlan::default())
    }
}

impl Answers {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        Self { rng: SplitMix64::new(plan.seed), plan, puts: 0, held: Vec::new() }
    }

    /// Replaces the plan; puts on their way stay there.
    pub(crate) fn replace(&mut self, plan: AnswerPlan) {
        let held = std::mem::take(&mut self.held);
        *self = Self { held, ..Self::new(plan) };
    }

    /// Draws the fault of the next put.
    pub(crate) fn draw(&mut self, path: &str) -> Option<AnswerFault> {
        if !path.starts_with(&self.plan.prefix) {
            return None;
        }
        let put = self.puts;
        self.puts += 1;
        // One draw for each put, so that a script does not shift the others.
        let mut lot = self.rng.below(1_000);
        if let Some(fault) = self.plan.script.get(&put) {
            return Some(*fault);
        }
        for (fault, per_mille) in &self.plan.per_mille {
            let share = u64::from(*per_mille);
            if lot < share {
                return Some(*fault);
            }
            lot -= share;
        }
        None
    }

    /// Holds a put.
    pub(crate) fn hold(&mut self, path: &str, content: Bytes, publish: Publish) {
        self.held.push(Held { path: path.to_owned(), content, publish, calls_left: self.plan.late_calls });
    }

    /// Lets one call pass and returns the puts that are delivered before it.
    pub(crate) fn due(&mut self) -> Vec<Held> {
        let (due, held) =
            std::mem::take(&mut self.held).into_iter().partition::<Vec<_>, _>(|held| held.calls_left == 0);
        self.held = held;
        for held in &mut self.held {
            held.calls_left -= 1;
        }
        due
    }
}
