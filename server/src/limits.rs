//! What a server takes and gives at most. Every limit is a setting with a unit, and whatever runs into one is
//! counted under its name.

use std::time::Duration;

/// What a server takes and gives at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A message of any request but a put, bytes.
    pub control_message_bytes_max: usize,
    /// A message of a put, bytes.
    pub ingest_message_bytes_max: usize,
    /// A message that is sent, bytes; batches are cut to fit.
    pub sent_message_bytes_max: usize,
    /// What batches that are sent aim at, bytes in memory.
    pub sent_batch_bytes: usize,
    /// Streams open on one connection.
    pub streams_per_connection_max: u32,
    /// Requests of one connection that are worked on; more are refused.
    pub requests_per_connection_max: usize,
    /// Connections in all.
    pub connections_max: usize,
    /// Connections from one address.
    pub connections_per_address_max: usize,
    /// How long a new connection may take to begin its first request.
    pub first_request_timeout: Duration,
    /// How long a connection may stay without a request.
    pub idle_timeout: Duration,
    /// After how long without a sign of life a client is asked for one.
    pub keepalive_interval: Duration,
    /// How long it may take to give it.
    pub keepalive_timeout: Duration,
    /// After how long a connection is asked to end.
    pub connection_age_max: Duration,
    /// How long its open requests may go on then.
    pub connection_age_grace: Duration,
    /// All headers of a request, bytes.
    pub header_list_bytes_max: u32,
    /// Streams reset by the client that are remembered.
    pub pending_resets_max: usize,
    /// Streams reset for the client's errors before the connection ends.
    pub local_resets_max: usize,
    /// The metadata of an Arrow message, bytes.
    pub ipc_metadata_bytes_max: usize,
    /// The body of an Arrow message, bytes.
    pub ipc_body_bytes_max: usize,
    /// Columns of an Arrow schema.
    pub ipc_columns_max: usize,
    /// How deep the types of an Arrow schema nest.
    pub ipc_depth_max: usize,
    /// Rows of a record batch.
    pub ipc_rows_max: usize,
    /// What an Arrow message may become when it is decompressed, bytes.
    pub ipc_raw_bytes_max: usize,
    /// How many times its compressed size it may become.
    pub ipc_raw_ratio_max: usize,
    /// Whether compressed Arrow bodies are taken at all.
    pub ipc_accept_compressed: bool,
    /// Questions of one principal that are worked on at once.
    pub queries_per_principal_max: usize,
    /// Questions of one principal that wait; more are refused.
    pub queries_queued_max: usize,
    /// How long a question may take.
    pub query_time_max: Duration,
    /// How long a client may take to read the next part of an answer.
    pub stall_time_max: Duration,
    /// Rows of an answer.
    pub result_rows_max: u64,
    /// An answer, bytes in memory of all its batches.
    pub result_bytes_max: u64,
    /// Keys that one question names.
    pub keys_max: usize,
    /// Items of a page.
    pub page_size_max: usize,
    /// Watches of one principal.
    pub watches_per_principal_max: usize,
    /// Operations that run at once.
    pub operations_max: usize,
    /// Rows of a put.
    pub put_rows_max: u64,
    /// A put, bytes in memory.
    pub put_bytes_max: u64,
    /// All puts that are being taken, bytes in memory; more are refused.
    pub ingest_bytes_max: usize,
    /// Puts that are being taken.
    pub puts_max: usize,
    /// How long a client may take to send the next part of a put.
    pub put_stall_time_max: Duration,
    /// From how many rows on an answer is offered in several parts.
    pub endpoint_rows: u64,
    /// In how many parts at most.
    pub endpoints_max: usize,
    /// How long requests may go on after the server was told to stop.
    pub drain_time_max: Duration,
    /// How long `at_least` waits for a commit that is not there yet.
    pub at_least_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1 << 10;
        const MIB: usize = 1 << 20;
        Self {
            control_message_bytes_max: 4 * MIB,
            ingest_message_bytes_max: 16 * MIB,
            sent_message_bytes_max: 3 * MIB,
            sent_batch_bytes: MIB,
            streams_per_connection_max: 128,
            requests_per_connection_max: 64,
            connections_max: 4096,
            connections_per_address_max: 256,
            first_request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            connection_age_max: Duration::from_secs(1800),
            connection_age_grace: Duration::from_secs(300),
            header_list_bytes_max: 16 << 10,
            pending_resets_max: 20,
            local_resets_max: KIB,
            ipc_metadata_bytes_max: MIB,
            ipc_body_bytes_max: 16 * MIB,
            ipc_columns_max: 4096,
            ipc_depth_max: 16,
            ipc_rows_max: 1_000_000,
            ipc_raw_bytes_max: 64 * MIB,
            ipc_raw_ratio_max: 200,
            ipc_accept_compressed: false,
            queries_per_principal_max: 8,
            queries_queued_max: 32,
            query_time_max: Duration::from_secs(300),
            stall_time_max: Duration::from_secs(60),
            result_rows_max: 100_000_000,
            result_bytes_max: 10 << 30,
            keys_max: 10_000,
            page_size_max: 1000,
            watches_per_principal_max: 64,
            operations_max: 2,
            put_rows_max: 20_000_000,
            put_bytes_max: 1 << 30,
            ingest_bytes_max: 512 * MIB,
            puts_max: 64,
            put_stall_time_max: Duration::from_secs(60),
            endpoint_rows: 250_000,
            endpoints_max: 16,
            drain_time_max: Duration::from_secs(30),
            at_least_time_max: Duration::from_secs(2),
        }
    }
}
