//! Measures through the wire: a server process of its own, clients in this one, on one machine.
//!
//! Client and server share the machine's cores, so every figure holds the client's work as well.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calotype_proto::v1::log_service_client::LogServiceClient;
use calotype_proto::v1::query_service_client::QueryServiceClient;
use calotype_proto::v1::value::Kind;
use calotype_proto::v1::{
    AsOfRequest, GetEntityRequest, Key, ListOperationsRequest, Point, RowFormat, Value, answer_part,
    operation_service_client::OperationServiceClient,
};
use clap::Args;
use prost_types::Timestamp;
use tokio::time::Instant;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::book::book;
use crate::machine::{float, memory_peak_mib, spread};
use crate::measures;

/// Calls in one run of a latency.
const CALLS: usize = 20_000;

/// Rows of the context that too much is asked about.
const OVERLOAD_ROWS: usize = 100_000;
/// Settings of an operator who would rather refuse than let anybody wait.
const PROMPT: [&str; 2] = ["limits.queries_per_principal_max=2", "limits.queries_queued_max=1"];

/// What is measured of a server of its own.
#[derive(Debug, Args)]
pub(crate) struct WireArguments {
    /// The binary `calotype`.
    #[arg(long)]
    calotype: PathBuf,
    /// Rows of the full extract.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// How often each measure is taken.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Where the store is made.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Points of a server that runs.
#[derive(Debug, Args)]
pub(crate) struct PointsArguments {
    /// The server, `HOST:PORT`.
    #[arg(long)]
    address: String,
    /// A JSON file: `ids`, and instants `valid` and `known` in microseconds.
    #[arg(long)]
    points: PathBuf,
    /// Clients at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Connections that they share.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// How long a run lasts.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// How many runs.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

/// Measures points of a server that runs.
///
/// # Errors
/// It does not answer.
pub(crate) fn points(arguments: &PointsArguments) -> Result<()> {
    let spec: serde_json::Value = serde_json::from_slice(&std::fs::read(&arguments.points)?)?;
    let list = |name: &str| {
        let list =
            spec[name].as_array().map(|list| list.iter().filter_map(serde_json::Value::as_i64).collect());
        Arc::new(list.unwrap_or_default())
    };
    let points = Points { ids: list("ids"), valid: list("valid"), known: list("known") };
    let PointsArguments { address, clients, connections, seconds, runs, .. } = arguments;
    let address = Address(address.clone());
    runtime()?.block_on(async {
        latencies(&address, &points, *runs).await?;
        throughput(&address, &points, *clients, *connections, *seconds, *runs).await?;
        Ok(())
    })
}

/// Measures a server of its own over a million loans.
///
/// # Errors
/// It does not start or answer.
pub(crate) fn run(arguments: &WireArguments) -> Result<()> {
    let folder = measures::working_folder(arguments.directory.as_deref())?;
    println!(
        "{} rows x 12 columns through the wire, {} runs; median (least to most)",
        arguments.rows, arguments.runs
    );
    let database = measures::database(folder.path())?;
    measures::create(&database)?;
    measures::put(&database, 0, book(arguments.rows, 0, 100))?;
    drop(database);
    let points = Points {
        ids: Arc::new((0..i64::try_from(arguments.rows)?).collect()),
        valid: Arc::new(vec![measures::cutoff(0).micros()]),
        known: Arc::default(),
    };
    let store = folder.path().join("store");
    runtime()?.block_on(async {
        let server = Server::start(&arguments.calotype, &store, &[]).await?;
        latencies(&server.address, &points, arguments.runs).await?;
        for connections in [16, 1] {
            throughput(&server.address, &points, 16, connections, 5, arguments.runs).await?;
        }
        println!("{:<66} {:>12} MiB", "memory of the server, most at any time", server.memory_peak_mib());
        drop(server);
        let folder = folder.path().join("overload");
        let database = measures::database(&folder)?;
        measures::create(&database)?;
        measures::put(&database, 0, book(OVERLOAD_ROWS, 0, 100))?;
        drop(database);
        for settings in [&[] as &[&str], &PROMPT] {
            println!("overload: settings {settings:?}");
            let server = Server::start(&arguments.calotype, &folder.join("store"), settings).await?;
            overload(&server.address, "loans", 5).await?;
            println!(
                "{:<66} {:>12} MiB",
                "memory of that server, most at any time",
                server.memory_peak_mib()
            );
        }
        Ok(())
    })
}

/// A runtime for clients.
///
/// # Errors
/// The machine gives no threads.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) struct Address(String);

impl Address {
    /// As `HOST:PORT`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// The server is not there.
    async fn channel(&self) -> Result<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.0))?
            .tcp_nodelay(true)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(1 << 20);
        Ok(endpoint.connect().await?)
    }
}

/// A server process; stopped when dropped.
pub(crate) struct Server {
    process: Child,
    /// Where it listens.
    pub(crate) address: Address,
}

impl Server {
    /// Starts a server over a store.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn start(calotype: &Path, store: &Path, settings: &[&str]) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(calotype);
        command.arg("serve").arg("--store").arg(store).args(["--listen", &address]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { process, address: Address(address) };
        for _ in 0..600 {
            if server.address.channel().await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the server does not listen")
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address.0)
    }

    /// The most memory that the server has held, MiB.
    pub(crate) fn memory_peak_mib(&self) -> u64 {
        memory_peak_mib(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// What is asked: a loan by its id, at an instant.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    /// The ids there are.
    pub(crate) ids: Arc<Vec<i64>>,
    /// Valid times, microseconds.
    pub(crate) valid: Arc<Vec<i64>>,
    /// System times, microseconds; empty: the settled time.
    pub(crate) known: Arc<Vec<i64>>,
}

impl Points {
    fn draw(&self, seed: &mut u64) -> GetEntityRequest {
        let mut next = |bound: usize| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(*seed >> 33).unwrap_or(0) % bound
        };
        let id = self.ids[next(self.ids.len())];
        let key = Key { columns: [("loan_id".to_owned(), Value { kind: Some(Kind::IntValue(id)) })].into() };
        let valid = self.valid[next(self.valid.len())];
        let known = (!self.known.is_empty()).then(|| self.known[next(self.known.len())]);
        let point = Point { valid_at: Some(stamp(valid)), known_at: known.map(stamp) };
        GetEntityRequest {
            context: "loans".to_owned(),
            key: Some(key),
            point: Some(point),
            ..GetEntityRequest::default()
        }
    }
}

fn stamp(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or(0);
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Prints a figure: median, least and most; the median.
pub(crate) fn show(name: &str, unit: &str, figures: Vec<f64>) -> f64 {
    let (least, median, most) = spread(figures);
    println!("{name:<66} {median:>12.1} {unit:<8} ({least:.1} to {most:.1})");
    median
}

/// An empty call and a point, in turns on one connection: p50 of each run, and their ratio.
///
/// # Errors
/// The server does not answer.
pub(crate) async fn latencies(address: &Address, points: &Points, runs: usize) -> Result<()> {
    let channel = address.channel().await?;
    let mut empty = OperationServiceClient::new(channel.clone());
    let mut head = LogServiceClient::new(channel.clone());
    let mut query = QueryServiceClient::new(channel);
    head.get_head(calotype_proto::v1::GetHeadRequest::default()).await?;
    let (mut bare, mut point, mut tail, mut ratio) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut seed = 7;
    for _ in 0..runs {
        let (mut nothing, mut something) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
        for _ in 0..CALLS {
            let start = Instant::now();
            empty.list_operations(ListOperationsRequest::default()).await?;
            nothing.push(start.elapsed().as_secs_f64() * 1e6);
            let request = points.draw(&mut seed);
            let start = Instant::now();
            query.get_entity(request).await?;
            something.push(start.elapsed().as_secs_f64() * 1e6);
        }
        nothing.sort_by(f64::total_cmp);
        something.sort_by(f64::total_cmp);
        bare.push(nothing[CALLS / 2]);
        point.push(something[CALLS / 2]);
        tail.push(something[CALLS * 99 / 100]);
        ratio.push(something[CALLS / 2] / nothing[CALLS / 2]);
    }
    show("empty call on one connection, p50", "us", bare);
    show("point as-of on the same connection, p50", "us", point);
    show("point as-of on the same connection, p99", "us", tail);
    show("point, of the empty call, p50", "x", ratio);
    Ok(())
}

/// Points by several clients at once, each with a connection of its own or all on few.
///
/// # Errors
/// The server does not answer.
pub(crate) async fn throughput(
    address: &Address,
    points: &Points,
    clients: usize,
    connections: usize,
    seconds: u64,
    runs: usize,
) -> Result<f64> {
    let mut channels = Vec::new();
    for _ in 0..connections {
        channels.push(address.channel().await?);
    }
    let (mut rates, mut halves, mut tails) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        let until = Instant::now() + Duration::from_secs(seconds);
        let tasks: Vec<_> = (0..clients)
            .map(|client| {
                let mut query = QueryServiceClient::new(channels[client % connections].clone());
                let points = points.clone();
                let mut seed = u64::try_from(client * 1000 + run).unwrap_or(0);
                tokio::spawn(async move {
                    let mut times = Vec::new();
                    while Instant::now() < until {
                        let request = points.draw(&mut seed);
                        let start = Instant::now();
                        query.get_entity(request).await?;
                        times.push(start.elapsed().as_secs_f64() * 1e6);
                    }
                    anyhow::Ok(times)
                })
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        times.sort_by(f64::total_cmp);
        rates.push(float(times.len() as u64) / float(seconds));
        halves.push(times[times.len() / 2]);
        tails.push(times[times.len() * 99 / 100]);
    }
    let name = format!("point as-of, {clients} clients on {connections} connections");
    let rate = show(&name, "ops/s", rates);
    show("  p50", "us", halves);
    show("  p99", "us", tails);
    Ok(rate)
}

/// Ten times the load that the server can take, offered by a clock and not by answers: what is refused is refused
/// quickly, what is accepted is answered nearly as when nothing else is asked.
///
/// # Errors
/// The server does not answer.
#[expect(clippy::too_many_lines, reason = "one run, told from its beginning to its end")]
pub(crate) async fn overload(address: &Address, context: &'static str, seconds: u64) -> Result<()> {
    let mut channels = Vec::new();
    for _ in 0..8 {
        channels.push(address.channel().await?);
    }
    let idle = one_by_one(&channels[0], context, 60).await?;
    let capacity = 1e6 / idle.1;
    let rate = 10.0 * capacity;
    let (accepted, refused) =
        (Arc::new(std::sync::Mutex::new(Vec::new())), Arc::new(std::sync::Mutex::new(Vec::new())));
    let odd = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::new();
    let mut number = 0_u32;
    while start.elapsed() < Duration::from_secs(seconds) {
        let due = start + Duration::from_secs_f64(f64::from(number) / rate);
        tokio::time::sleep_until(due).await;
        let channel = channels[number as usize % channels.len()].clone();
        let (accepted, refused, odd) = (Arc::clone(&accepted), Arc::clone(&refused), Arc::clone(&odd));
        tasks.push(tokio::spawn(async move {
            let start = Instant::now();
            let outcome = scan(channel, context).await;
            let time = start.elapsed().as_secs_f64() * 1e6;
            let list = match outcome {
                Ok(_) => accepted,
                Err(status) if status.code() == Code::ResourceExhausted => refused,
                Err(_) => {
                    odd.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            };
            if let Ok(mut list) = list.lock() {
                list.push(time);
            }
        }));
        number += 1;
    }
    for task in tasks {
        task.await?;
    }
    let sorted = |list: &std::sync::Mutex<Vec<f64>>| {
        let mut list = list.lock().map(|list| list.clone()).unwrap_or_default();
        list.sort_by(f64::total_cmp);
        list
    };
    let (accepted, refused) = (sorted(&accepted), sorted(&refused));
    let at = |list: &[f64], percent: usize| {
        list.get((list.len() * percent / 100).min(list.len().saturating_sub(1))).copied().unwrap_or(0.0) / 1e3
    };
    println!(
        "overload: an as-of of '{context}' alone takes {:.1} ms (p50), {:.1} ms (p99)",
        idle.1 / 1e3,
        idle.2 / 1e3
    );
    println!(
        "overload: {:.0} offered a second for {seconds} s: {} accepted, {} refused, {} otherwise",
        rate,
        accepted.len(),
        refused.len(),
        odd.load(Ordering::Relaxed)
    );
    println!("overload: refusals within {:.1} ms (p50), {:.1} ms (p99)", at(&refused, 50), at(&refused, 99));
    println!(
        "overload: accepted in {:.1} ms (p50), {:.1} ms (p99): {:.1} times the idle p99",
        at(&accepted, 50),
        at(&accepted, 99),
        at(&accepted, 99) * 1e3 / idle.2
    );
    ensure!(odd.load(Ordering::Relaxed) == 0, "something else than an answer or a refusal came");
    Ok(())
}

/// Reads all of a context; the rows.
async fn scan(channel: Channel, context: &str) -> Result<u64, tonic::Status> {
    let mut query = QueryServiceClient::new(channel).max_decoding_message_size(32 << 20);
    let request = AsOfRequest {
        context: context.to_owned(),
        format: RowFormat::Arrow.into(),
        ..AsOfRequest::default()
    };
    let mut parts = query.as_of(request).await?.into_inner();
    let mut rows = None;
    while let Some(answer) = parts.message().await? {
        if let Some(answer_part::Part::End(end)) = answer.part.and_then(|part| part.part) {
            rows = Some(end.rows);
        }
    }
    rows.ok_or_else(|| tonic::Status::data_loss("the answer was cut short"))
}

/// Least, median and p99 of questions asked one after the other.
async fn one_by_one(channel: &Channel, context: &str, count: usize) -> Result<(f64, f64, f64)> {
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        scan(channel.clone(), context).await?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let last = times.last().copied().context("something was asked")?;
    Ok((times[0], times[count / 2], times.get(count * 99 / 100).copied().unwrap_or(last)))
}
