//! T28: ten thousand connections that say nothing. Each costs little and is closed in time; others are served.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use calotype_wire::process::{PATIENCE, Served};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::book::once;
use super::plan;

/// Connections.
const SILENT: usize = 10_000;
/// Files that this process has open besides.
const OTHER_FILES: usize = 200;
/// Connections from one address: fewer than are taken.
const FROM_EACH: usize = 250;
/// What a silent connection may cost the server, bytes.
const COST_MAX: u64 = 64 << 10;
/// What the server takes by default.
const CONNECTIONS_MAX: u64 = 4096;

/// How many connections this process can hold: as many as are wanted, where the machine allows it.
fn possible() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let numbers: Vec<usize> = files.split_whitespace().flat_map(str::parse).collect();
    let [soft, hard] = numbers.as_slice() else { panic!("Max open files {files}") };
    if *soft >= SILENT + OTHER_FILES {
        return SILENT;
    }
    let wanted = format!("--nofile={hard}:{hard}");
    let own = std::process::id().to_string();
    let raised = std::process::Command::new("prlimit").args(["--pid", &own, &wanted]).status();
    let files = if raised.is_ok_and(|status| status.success()) { *hard } else { *soft };
    let possible = SILENT.min(files.saturating_sub(OTHER_FILES));
    eprintln!("{possible} silent connections: this machine allows {files} open files");
    possible
}

async fn connect(address: SocketAddr, number: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let last = u8::try_from(2 + number / FROM_EACH).unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    timeout(PATIENCE, socket.connect(address)).await.unwrap().unwrap()
}

async fn is_closed(mut stream: TcpStream) -> bool {
    let read = timeout(PATIENCE, stream.read(&mut [0; 64])).await;
    // A connection for which there was no place may end with a reset.
    read.is_ok_and(|read| read.map_or(true, |read| read == 0))
}

async fn refused(server: &Served, limit: &str) -> u64 {
    server.metric(&format!("calotype_refusals_total{{limit=\"{limit}\"}}")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_silent_connections_cost_little_and_end() {
    let (_folder, plan) = plan();
    let server = plan.with("limits.first_request_timeout=6s").start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    client.head().await.unwrap();
    let before = server.usage().unwrap().resident;

    let silent = possible();
    let address = server.address();
    let connections = stream::iter(0..silent).map(|number| connect(address, number));
    let connections: Vec<TcpStream> = connections.buffer_unordered(64).collect().await;
    let held = server.metric("calotype_connections").await.unwrap();
    let most = server.usage().unwrap().resident_most;
    timeout(Duration::from_secs(10), client.head()).await.unwrap().unwrap();

    let closed = join_all(connections.into_iter().map(is_closed)).await;
    assert!(closed.iter().all(|closed| *closed), "a silent connection stays open");
    server.metric_becomes("calotype_connections", |open| open == 1).await.unwrap();
    client.head().await.unwrap();
    server.client(once()).await.unwrap().head().await.unwrap();

    // Both clients have one each.
    let taken = server.metric("calotype_connections_opened_total").await.unwrap() - 2;
    let late = refused(&server, "first_request_timeout").await;
    let turned_away =
        refused(&server, "connections_max").await + refused(&server, "connections_per_address_max").await;
    let cost = most.saturating_sub(before) / held;
    eprintln!(
        "{taken} taken, {held} at once, {late} closed for their silence, {turned_away} turned away, {cost} bytes each"
    );
    assert_eq!(late, taken, "each that was taken was closed for its silence");
    assert_eq!(taken + turned_away, silent as u64);
    assert!(taken >= CONNECTIONS_MAX.min(silent as u64) - 1, "{taken}");
    assert!(cost <= COST_MAX, "{cost} bytes each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_cannot_take_all_places() {
    let (_folder, plan) = plan();
    let plan = plan.with("limits.connections_per_address_max=20").with("limits.first_request_timeout=30s");
    let server = plan.start().await.unwrap();
    let address = server.address();
    // All from one address, which is not the good client's.
    let connections: Vec<TcpStream> = stream::iter(0..100).then(|_| connect(address, 0)).collect().await;
    let limit = "calotype_refusals_total{limit=\"connections_per_address_max\"}";
    server.metric_becomes(limit, |refused| refused == 80).await.unwrap();
    server.client(once()).await.unwrap().head().await.unwrap();
    drop(connections);
    server.metric_becomes("calotype_connections", |open| open <= 1).await.unwrap();
    assert!(!is_closed_soon(connect(address, 0).await).await, "there is room again");
}

async fn is_closed_soon(mut stream: TcpStream) -> bool {
    timeout(Duration::from_millis(300), stream.read(&mut [0; 64])).await.is_ok()
}
