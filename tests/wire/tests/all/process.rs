//! Servers as real processes: killed, stopped, and under the hands of those who mean no good.

mod abuse;
mod book;
mod hostile;
mod kills;
mod odd;
mod silence;
mod stops;

use calotype_client::{Client, OperationState};
use calotype_wire::process::Plan;
use tempfile::TempDir;

/// A folder, and the plan of a server of the store in it.
fn plan() -> (TempDir, Plan) {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(env!("CARGO_BIN_EXE_served"), folder.path());
    (folder, plan)
}

/// The number of a test's seed: `CALOTYPE_SEED` where it is set.
fn number_of_seed(usual: u64) -> u64 {
    let number = std::env::var("CALOTYPE_SEED").map_or(usual, |number| number.parse().unwrap());
    eprintln!("CALOTYPE_SEED={number}");
    number
}

/// Every byte of the store is what it claims to be.
async fn verifies(client: &Client) {
    let operation = client.verify(4).await.unwrap().wait().await.unwrap();
    assert_eq!((operation.state, &operation.error), (OperationState::Done, &None));
    let report = operation.verify_report.unwrap();
    assert_eq!((report.findings_total, report.level), (0, 4), "{:?}", report.findings);
}
