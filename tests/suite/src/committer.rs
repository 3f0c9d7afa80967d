//! What the committer process puts, so that whoever kills it knows what must be there.

use calotype_oracle::{Key, Operation};
use calotype_storage::SystemTime;
use calotype_storage::evaluate::Proposal;

use crate::script::{Act, Action, create};

/// The context that it puts into.
pub const CONTEXT: &str = "state";

/// Creates the context.
pub fn creation() -> Proposal {
    create(CONTEXT).proposal("creation", SystemTime::FIRST)
}

/// What a writer says with its n-th put: a delta, at times a full or a withdrawal's next of kin.
pub fn operation(writer: u32, number: u32) -> Operation<Key, u32> {
    let cutoff = 10 + i64::from((number + writer) % 5) * 10;
    let (key, value) = (Key(number % 3), writer * 1_000_000 + number);
    match number % 7 {
        0 => Operation::full(cutoff, [(key, value), (Key(3 + writer), value)]),
        3 => Operation::delta(cutoff, [(key, None)]),
        _ => Operation::delta(cutoff, [(key, Some(value))]),
    }
}

/// The n-th put of a writer, under its idempotency key.
pub fn put(writer: u32, number: u32) -> Proposal {
    let action = Action::new(CONTEXT, Act::State(operation(writer, number)));
    action.proposal(&key(writer, number), SystemTime::FIRST)
}

/// The idempotency key of the n-th put of a writer.
pub fn key(writer: u32, number: u32) -> String {
    format!("{writer}-{number}")
}

/// The writer and number of an idempotency key.
pub fn parse_key(key: &str) -> Option<(u32, u32)> {
    let (writer, number) = key.split_once('-')?;
    Some((writer.parse().ok()?, number.parse().ok()?))
}
