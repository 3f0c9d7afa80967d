//! Time and randomness come in as traits, so that one seed replays a run.

use std::fmt::Debug;
use std::time::UNIX_EPOCH;

use crate::time::SystemTime;

/// What time it is.
pub trait Clock: Debug + Send + Sync {
    /// Reads the clock.
    fn now(&self) -> SystemTime;
}

/// Where nonces and store ids come from.
pub trait Entropy: Debug + Send + Sync {
    /// Draws 128 bits that nobody has drawn before.
    fn draw(&self) -> [u8; 16];
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> SystemTime {
        #[expect(clippy::disallowed_methods, reason = "this is where time comes in")]
        let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(now.as_micros()).unwrap_or(SystemTime::LAST.micros());
        SystemTime::from_micros(micros).unwrap_or(SystemTime::LAST)
    }
}

/// The randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn draw(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }
}
