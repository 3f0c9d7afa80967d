//! The history generator: a clock of days, and on each day some scenarios, drawn by their shares.
//!
//! Invariants: one scale and seed give one history; every scenario has a number of its own, also one that finds
//! nothing to do; what is known later has a later system time.

use super::base::{Thousandths, version_0};
use super::day::{Day, FIRST, LAST};
use super::draw::Draw;
use super::fact::Facts;
pub use super::scenario::ScenarioKind;
use super::timeline::Moment;

/// Scenarios for each thousandth of the history's scale: scale 1 is a million.
const SCENARIOS_PER_THOUSANDTH: u32 = 1000;
/// Days of the simulated clock, as the benchmark counts them.
const DAYS: f64 = 3652.0;

/// How large a history is, and which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Of version 0, as TPC-H counts.
    pub base: Thousandths,
    /// Of the scenarios: 1 is a million.
    pub history: Thousandths,
    /// Which history of that size.
    pub seed: u64,
}

impl Scale {
    /// Small enough for a test: a thousandth of each.
    pub const SMALL: Self = Self { base: Thousandths(1), history: Thousandths(1), seed: 1 };
}

/// A scenario that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its number, from 1.
    pub number: u32,
    /// The simulated day.
    pub day: Day,
    /// What it was.
    pub kind: ScenarioKind,
    /// Whether it changed anything; else no key that was tried would do.
    pub done: bool,
}

/// A history: version 0, and what scenarios made of it.
#[derive(Clone, Debug)]
pub struct History {
    /// How large it is.
    pub scale: Scale,
    /// All scenarios, in order.
    pub scenarios: Vec<Scenario>,
    /// All that was said, table by table.
    pub facts: Facts,
}

impl History {
    /// Makes a history.
    pub fn generate(scale: Scale) -> Self {
        let mut world = version_0(scale.base, scale.seed);
        let mut scenarios = Vec::new();
        for (day, kind) in Clock::new(scale) {
            let number = u32::try_from(scenarios.len()).unwrap_or(u32::MAX).saturating_add(1);
            let at = Moment { scenario: number, day, known: day.system(number) };
            let done = world.run(kind, at);
            scenarios.push(Scenario { number, day, kind, done });
        }
        Self { scale, scenarios, facts: world.into_facts() }
    }

    /// The day after a share of all scenarios, in hundredths, and the number of the last of them.
    pub fn after(&self, hundredths: usize) -> Option<Scenario> {
        let at = (self.scenarios.len() * hundredths / 100).max(1) - 1;
        self.scenarios.get(at).copied()
    }
}

/// Which scenario runs on which day.
struct Clock {
    scale: Scale,
    mean: f64,
    credit: f64,
    draws: i64,
    day: Day,
    number: u32,
}

impl Clock {
    fn new(scale: Scale) -> Self {
        let mean = f64::from(scale.history.0 * SCENARIOS_PER_THOUSANDTH) / DAYS;
        Self { scale, mean, credit: mean, draws: 0, day: FIRST, number: 0 }
    }
}

impl Iterator for Clock {
    type Item = (Day, ScenarioKind);

    fn next(&mut self) -> Option<Self::Item> {
        let clock = Draw::new(self.scale.seed, 0);
        while self.day <= LAST {
            self.draws += 1;
            if clock.unit("clock", self.draws) < self.credit {
                self.credit -= 1.0;
                self.number += 1;
                let share = Draw::new(self.scale.seed, self.number).below("scenario", 0, 1000);
                return Some((self.day, ScenarioKind::at(share)));
            }
            self.day = self.day.plus(1);
            self.credit += self.mean;
        }
        None
    }
}

#[cfg(test)]
mod tests;
