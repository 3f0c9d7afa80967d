//! How a put comes in.

use std::time::Duration;

use tonic::Code;

use super::*;
use crate::limits::Limits;
use crate::test_store::TestStore;

fn caller(deadline: Option<Instant>) -> Caller {
    let principal = calotype_storage::name::Principal::local();
    Caller { request_id: "r".into(), principal, deadline }
}

#[tokio::test]
async fn a_client_that_stalls_loses_its_put() {
    let limits = Limits { put_stall_time_max: Duration::from_millis(20), ..Limits::default() };
    let store = TestStore::with(limits).await;
    let begin = Instant::now();
    let silent = std::future::pending::<Result<Option<()>, Status>>();
    let error = in_time(&store.node, &caller(None), silent).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(begin.elapsed() >= Duration::from_millis(20));
    let soon = caller(Some(Instant::now() + Duration::from_millis(1)));
    let silent = std::future::pending::<Result<Option<()>, Status>>();
    assert_eq!(in_time(&store.node, &soon, silent).await.unwrap_err().code(), Code::DeadlineExceeded);
    let quick = async { Ok(Some(1)) };
    assert_eq!(in_time(&store.node, &caller(None), quick).await.unwrap(), Some(1));
}
