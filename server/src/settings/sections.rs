//! The sections, but for the limits, which have a file of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::section::section;
use super::value::Unit;
use crate::follow::POLL_INTERVAL;

section! {
    /// Where and how it is served.
    ServerSettings = "server";

    /// Where gRPC and Arrow Flight are served; a loopback address until requests are authenticated.
    listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7432)), Unit::Address;

    /// Where Prometheus finds the metrics, for example `127.0.0.1:7433`; a loopback address; empty for nowhere.
    metrics_listen: Option<SocketAddr> = None, Unit::Address;

    /// Whether clients may ask which services there are.
    reflection: bool = true, Unit::Flag;

    /// A file of 64 lower-case hexadecimal digits, readable by its owner alone, the same for all servers of a store, so that page and resume tokens of one are taken by all; empty for a key of this server alone.
    token_key_file: Option<PathBuf> = None, Unit::Text;

    /// A folder of views for statements of SQL, read at the start: the query in `name.sql` is the view `name`; empty for none.
    sql_views: Option<PathBuf> = None, Unit::Text;

    /// Threads that compute questions and puts; 0 for two for each core, four at least.
    work_threads: usize = 0, Unit::Count(0, 1024);
}

section! {
    /// The store.
    StoreSettings = "store";

    /// Where the store lies: a folder, or a URL such as `s3://bucket/prefix`.
    location: Option<String> = None, Unit::Text;

    /// Where the local index is kept, a cache that can always be rebuilt; empty for beside a local store, else the user's cache folder.
    state: Option<PathBuf> = None, Unit::Text;

    /// How far this machine's clock may lie behind the newest commit before commits are refused.
    clock_behind_max: Duration = Duration::from_secs(5), Unit::Duration(Duration::ZERO, Duration::from_hours(1));

    /// Whether keyframes are made when enough deltas have gathered.
    makes_keyframes: bool = true, Unit::Flag;
}

section! {
    /// How the commits of other servers are seen.
    FollowSettings = "follow";

    /// How often it is asked whether others have committed.
    poll_interval: Duration = POLL_INTERVAL, Unit::Duration(Duration::from_millis(1), Duration::from_mins(1));
}

section! {
    /// The log that the server writes to standard error.
    LogSettings = "log";

    /// How: auto is text on a terminal and json elsewhere.
    format: LogFormat = LogFormat::Auto, Unit::Choice(&["auto", "text", "json"]);

    /// What: a level (error, warn, info, debug, trace), or levels by module such as `info,calotype_server=debug`.
    filter: String = "info".to_owned(), Unit::Text;
}

section! {
    /// Traces, for a collector.
    OtlpSettings = "otlp";

    /// Where the collector takes OTLP over gRPC, for example `http://127.0.0.1:4317`; empty for no traces.
    endpoint: Option<String> = None, Unit::Text;

    /// Which part of the requests is traced, where the caller has not decided it.
    sample_ratio: Ratio = Ratio(100_000), Unit::Ratio;

    /// How long the collector may take, also at the end.
    timeout: Duration = Duration::from_secs(5), Unit::Duration(Duration::from_millis(10), Duration::from_mins(1));
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Text, Self::Json];

    /// As settings name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// A part of the whole, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio(pub(super) u32);

impl Ratio {
    /// The part, from 0 to 1.
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}
