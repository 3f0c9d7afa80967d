//! Watches that go on where they were.

use calotype_proto::v1;
use calotype_proto::v1::watch_context_request::Since as Asked;
use futures::stream::StreamExt;
use tonic::{Code, Status};

use super::at;
use super::script::{Script, queue, serve};
use crate::Since;

#[expect(clippy::unnecessary_wraps, reason = "scripts hold results")]
fn entry(commit: u64, place: u32) -> Result<v1::WatchContextResponse, Status> {
    let entry = v1::LogEntry { commit, entry: place, system_time: Some(at(1)), ..v1::LogEntry::default() };
    Ok(v1::WatchContextResponse { entry: Some(entry), commit, resume_token: format!("{commit}.{place}") })
}

#[expect(clippy::unnecessary_wraps, reason = "scripts hold results")]
fn life(commit: u64) -> Result<v1::WatchContextResponse, Status> {
    Ok(v1::WatchContextResponse { entry: None, commit, resume_token: format!("after {commit}") })
}

fn away() -> Status {
    Status::unavailable("stopping")
}

#[tokio::test]
async fn a_watch_goes_on_with_its_token_and_gives_each_entry_once() {
    let watches = queue(vec![
        Err(away()),
        Ok(vec![entry(4, 0), entry(4, 1), Err(away())]),
        Err(away()),
        // A server that repeats what was given is not believed.
        Ok(vec![entry(4, 1), entry(5, 0), life(9)]),
        Ok(vec![entry(10, 0), Err(Status::permission_denied("no more"))]),
    ]);
    let running = serve(Script { watches, ..Script::default() }).await;
    let watch = running.client().await.watch("loans", Since::Commit(3));
    let events = watch.into_stream().collect::<Vec<_>>().await;
    let given =
        events.iter().flatten().map(|event| event.entry.as_ref().map(|entry| (entry.commit, entry.entry)));
    assert_eq!(given.collect::<Vec<_>>(), [Some((4, 0)), Some((4, 1)), Some((5, 0)), None, Some((10, 0))]);
    assert_eq!(events.last().unwrap().as_ref().unwrap_err().code(), Code::PermissionDenied);
    let token = |token: &str| Some(Asked::ResumeToken(token.to_owned()));
    assert_eq!(
        running.asked(|asked| asked.watches.clone()),
        [
            Some(Asked::AfterCommit(3)),
            Some(Asked::AfterCommit(3)),
            token("4.1"),
            token("4.1"),
            token("after 9"),
        ]
    );
}

#[tokio::test]
async fn attempts_between_two_messages_are_bounded() {
    let watches = queue(vec![Ok(vec![entry(1, 0)])].into_iter().chain((0..9).map(|_| Err(away()))).collect());
    let running = serve(Script { watches, ..Script::default() }).await;
    let mut watch = running.client().await.watch("loans", Since::Beginning);
    watch.next().await.unwrap();
    assert_eq!(watch.next().await.unwrap_err().to_string(), "stopping");
    // The first one, the three that follow its end: four attempts in all since the message.
    assert_eq!(running.asked(|asked| asked.watches.len()), 4);
    assert_eq!(watch.since(), &Since::Token("1.0".into()));
}
