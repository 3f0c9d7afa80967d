//! T27: HTTP/2 as nobody should speak it. Memory and work stay bounded, and others are served all the while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use calotype_client::{Client, EntityQuestion, Key, Options};
use calotype_oracle::Seed;
use calotype_proto::v1;
use calotype_wire::process::Served;
use calotype_wire::process::frames::{self, Raw, flag, frame, kind, message};
use futures::future::join_all;
use prost::Message as _;
use tokio::time::{Instant, timeout};

use super::book::{BOOK, create, once, put};
use super::{number_of_seed, plan};

/// By how much an attack may let the server grow.
const GROWTH_MAX: u64 = 64 << 20;
/// What a call of a good client may take in the worst case.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// Connections of an attack at once.
const ATTACKERS: usize = 4;

const PUT_STREAM: &str = "/calotype.v1.IngestService/PutStream";
const GET_HEAD: &str = "/calotype.v1.LogService/GetHead";
const LIST_RECORDS: &str = "/calotype.v1.LogService/ListRecords";

/// Settings by their numbers in RFC 9113.
const INITIAL_WINDOW_SIZE: u16 = 4;

async fn rapid_reset(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    let block = frames::request(GET_HEAD);
    raw.flood(10_000, true, |time| {
        let stream = stream(time);
        let head = frame(kind::HEADERS, flag::END_HEADERS, stream, &block);
        [head, frame(kind::RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    })
    .await;
}

async fn rapid_reset_of_whole_requests(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    let block = frames::request(GET_HEAD);
    let body = message(false, &[]);
    raw.flood(10_000, true, |time| {
        let stream = stream(time);
        let head = frame(kind::HEADERS, flag::END_HEADERS, stream, &block);
        let data = frame(kind::DATA, flag::END_STREAM, stream, &body);
        [head, data, frame(kind::RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    })
    .await;
}

async fn continuation_without_end(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    raw.send(&frame(kind::HEADERS, 0, 1, &frames::request(GET_HEAD))).await.unwrap();
    let more = frame(kind::CONTINUATION, 0, 1, &frames::headers(&[("x-more", &"m".repeat(16_000))]));
    raw.flood(4000, true, |_| more.clone()).await;
}

async fn empty_continuation_without_end(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    raw.send(&frame(kind::HEADERS, 0, 1, &frames::request(GET_HEAD))).await.unwrap();
    let more = frame(kind::CONTINUATION, 0, 1, &[]).repeat(100);
    raw.flood(1000, true, |_| more.clone()).await;
}

async fn empty_data(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    raw.send(&frame(kind::HEADERS, flag::END_HEADERS, 1, &frames::request(PUT_STREAM))).await.unwrap();
    let data = frame(kind::DATA, 0, 1, &[]).repeat(100);
    raw.flood(2000, true, |_| data.clone()).await;
}

async fn settings_without_end(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    let settings = frames::settings(&[(INITIAL_WINDOW_SIZE, 65_535)]).repeat(100);
    raw.flood(1000, true, |_| settings.clone()).await;
}

async fn settings_whose_answers_are_not_read(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    let settings = frames::settings(&[]).repeat(1000);
    raw.flood(5000, false, |_| settings.clone()).await;
}

async fn pings_whose_answers_are_not_read(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    let pings = frame(kind::PING, 0, 0, b"12345678").repeat(1000);
    raw.flood(5000, false, |_| pings.clone()).await;
}

async fn ten_thousand_streams(address: SocketAddr) {
    let mut raw = Raw::open(address, &[]).await.unwrap();
    let block = frames::request(PUT_STREAM);
    raw.flood(10_000, true, |time| frame(kind::HEADERS, flag::END_HEADERS, stream(time), &block)).await;
}

async fn giant_headers(address: SocketAddr) {
    for _ in 0..20 {
        let mut raw = Raw::open(address, &[]).await.unwrap();
        let mut block = frames::request(GET_HEAD);
        block.extend(frames::headers(&[("x-giant", &"g".repeat(1 << 20))]));
        let mut parts = block.chunks(16_000).peekable();
        let mut kind = kind::HEADERS;
        let mut bytes = Vec::new();
        while let Some(part) = parts.next() {
            let flags = if parts.peek().is_none() { flag::END_HEADERS | flag::END_STREAM } else { 0 };
            bytes.extend(frame(std::mem::replace(&mut kind, kind::CONTINUATION), flags, 1, part));
        }
        raw.flood(1, true, |_| bytes.clone()).await;
    }
}

async fn windows_beyond_all_bounds(address: SocketAddr) {
    for stream in [0, 1] {
        let mut raw = Raw::open(address, &[]).await.unwrap();
        raw.send(&frame(kind::HEADERS, flag::END_HEADERS, 1, &frames::request(PUT_STREAM))).await.unwrap();
        let update = frame(kind::WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes());
        raw.send(&update.repeat(2)).await.unwrap();
        let wanted = if stream == 0 { kind::GOAWAY } else { kind::RST_STREAM };
        let told = timeout(CALL_TIME_MAX, raw.read_until(wanted)).await.unwrap().unwrap();
        assert!(told.is_some(), "a window beyond 2^31 - 1 on stream {stream} is an error");
    }
}

/// Asks for much on many streams, and leaves room for a byte on each.
async fn answers_that_are_not_read(address: SocketAddr) {
    let mut raw = Raw::open(address, &[(INITIAL_WINDOW_SIZE, 1)]).await.unwrap();
    let question = v1::ListRecordsRequest { with_bytes: true, ..v1::ListRecordsRequest::default() };
    let body = message(false, &question.encode_to_vec());
    let block = frames::request(LIST_RECORDS);
    // What is read in a flood is lost to those who read frames afterwards.
    raw.flood(120, false, |time| {
        let head = frame(kind::HEADERS, flag::END_HEADERS, stream(time), &block);
        [head, frame(kind::DATA, flag::END_STREAM, stream(time), &body)].concat()
    })
    .await;
    // Each is ended for its silence, whereupon the connection is idle.
    let reset = timeout(CALL_TIME_MAX, raw.read_until(kind::RST_STREAM)).await.unwrap().unwrap();
    assert!(reset.is_some(), "an answer that is not read is reset");
}

/// A request that never comes whole, byte by byte: the connection is closed although it is never silent.
async fn byte_by_byte(address: SocketAddr) {
    let mut raw = Raw::silent(address).await.unwrap();
    let mut bytes = [frames::PREFACE, &frames::settings(&[])].concat();
    bytes.extend(frame(kind::HEADERS, flag::END_HEADERS, 1, &frames::request(GET_HEAD)));
    bytes.pop();
    while bytes.len() < 4000 {
        // Within the preface and the frames it is an error too, and that is as well.
        bytes.push(0);
    }
    let begun = Instant::now();
    let cut = raw.drip(&bytes[..bytes.len().min(170)], Duration::from_millis(10)).await.is_err();
    assert!(cut || raw.is_closed_within(CALL_TIME_MAX).await, "open after {:?}", begun.elapsed());
}

/// What is no HTTP/2 at all.
async fn other_protocols(address: SocketAddr) {
    let hello = [&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3][..], &[7; 600]].concat();
    let http1 = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec();
    for bytes in [hello, http1, vec![0; 100_000], vec![255; 100_000]] {
        let mut raw = Raw::silent(address).await.unwrap();
        raw.flood(1, true, |_| bytes.clone()).await;
        assert!(raw.is_closed_within(CALL_TIME_MAX).await);
    }
}

/// Frames of any type, flags, stream and content, most of them wrong.
async fn frames_at_random(address: SocketAddr, mut seed: Seed) {
    for _ in 0..50 {
        let mut raw = Raw::open(address, &[]).await.unwrap();
        let mut all = Vec::new();
        for _ in 0..40 {
            let byte = |seed: &mut Seed, below| u8::try_from(seed.below(below)).unwrap();
            let (kind, flags, stream) = (byte(&mut seed, 12), byte(&mut seed, 64), seed.below(12));
            let length = if seed.percent(10) { seed.below(20_000) } else { seed.below(20) };
            let mut payload: Vec<u8> = (0..length).map(|_| byte(&mut seed, 256)).collect();
            if kind == kind::HEADERS && seed.percent(50) {
                payload = frames::request(PUT_STREAM);
            }
            all.extend(frame(kind, flags, stream, &payload));
        }
        raw.flood(1, true, |_| all.clone()).await;
    }
}

fn stream(time: usize) -> u32 {
    u32::try_from(2 * time + 1).unwrap()
}

/// A client that asks all the while.
struct Witness {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Witness {
    fn start(client: Client) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let (is_over, count) = (Arc::clone(&over), Arc::clone(&answered));
        let task = tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let key =
                    Key::of([("writer", 0_i64.into()), ("number", 0_i64.into()), ("part", 0_i64.into())]);
                let question = EntityQuestion { context: BOOK.into(), key, ..EntityQuestion::default() };
                let entity = timeout(CALL_TIME_MAX, client.entity(&question)).await;
                let entity = entity.expect("others wait for long").expect("others are not served");
                assert!(entity.row.is_some());
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { over, answered, task }
    }

    /// What it has seen: how many answers.
    async fn end(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.answered.load(Ordering::Relaxed)
    }
}

async fn endured<F: Future<Output = ()>>(server: &mut Served, name: &str, attack: impl Fn(SocketAddr) -> F) {
    let begun = Instant::now();
    let before = server.usage().unwrap();
    // The attackers use up what one principal may ask at once.
    let witness = Options { principal: Some("witness".into()), ..once() };
    let witness = Witness::start(server.client(witness).await.unwrap());
    join_all((0..ATTACKERS).map(|_| attack(server.address()))).await;
    let answered = witness.end().await;
    assert!(server.is_running().unwrap(), "{name}: the server is gone");
    let after = server.usage().unwrap();
    let grown = after.resident.saturating_sub(before.resident);
    eprintln!(
        "{name}: {:?}, {} answers, {} KiB more, {} ticks",
        begun.elapsed(),
        answered,
        grown >> 10,
        after.ticks - before.ticks
    );
    assert!(grown < GROWTH_MAX, "{name}: the server has grown by {grown} bytes");
    assert!(answered > 0, "{name}: nobody else was served");
    server.settles().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_of_http2_harms_nobody_else() {
    let seed = Seed::new(number_of_seed(27));
    let (_folder, plan) = plan();
    let plan = plan
        .with("limits.first_request_timeout=1s")
        .with("limits.stall_time_max=1s")
        .with("limits.put_stall_time_max=1s")
        // So that each of the attackers has questions that are worked on.
        .with("limits.queries_per_principal_max=1000");
    let mut server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    for number in 0..50 {
        put(&client, 0, number).await.unwrap();
    }
    let server = &mut server;
    endured(server, "rapid reset", rapid_reset).await;
    endured(server, "rapid reset of whole requests", rapid_reset_of_whole_requests).await;
    endured(server, "CONTINUATION", continuation_without_end).await;
    endured(server, "empty CONTINUATION", empty_continuation_without_end).await;
    endured(server, "empty DATA", empty_data).await;
    endured(server, "SETTINGS", settings_without_end).await;
    endured(server, "SETTINGS unread", settings_whose_answers_are_not_read).await;
    endured(server, "PING unread", pings_whose_answers_are_not_read).await;
    endured(server, "10,000 streams", ten_thousand_streams).await;
    endured(server, "giant headers", giant_headers).await;
    endured(server, "windows", windows_beyond_all_bounds).await;
    endured(server, "slow read", answers_that_are_not_read).await;
    endured(server, "byte by byte", byte_by_byte).await;
    endured(server, "other protocols", other_protocols).await;
    endured(server, "random frames", |address| frames_at_random(address, seed)).await;
    // The one connection of the good client is left.
    server.metric_becomes("calotype_connections", |open| open <= 1).await.unwrap();
    assert_eq!(server.metric("calotype_panics_total").await.unwrap(), 0);
}
