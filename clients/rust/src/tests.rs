//! The client against a server whose answers are scripted.

mod answers;
mod deeds;
mod retries;
mod script;
mod watches;

use calotype_proto::v1;

use crate::time::SystemTime;

fn at(micros: i64) -> prost_types::Timestamp {
    SystemTime::from_micros(micros).into()
}

fn receipt(commit: u64) -> v1::Receipt {
    v1::Receipt { commit, system_time: Some(at(1)), ..v1::Receipt::default() }
}

fn claim() -> v1::Claim {
    v1::Claim {
        store: "store".into(),
        context: "loans".into(),
        valid_at: Some(at(1)),
        known_at: Some(at(2)),
        settled: true,
        completeness: Some(v1::Completeness { status: "complete".into(), reason: String::new() }),
        ..v1::Claim::default()
    }
}
