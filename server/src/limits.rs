//! What a server takes and gives at most. Every limit is a setting with a unit, and whatever runs into one is
//! counted under its name.

use std::time::Duration;

use calotype_storage::put::PutLimits;

use crate::settings::section::section;
use crate::settings::value::Unit;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const BLINK: Duration = Duration::from_millis(10);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(168);

section! {
    /// What a server takes and gives at most.
    Limits = "limits";

    /// A message of any request but a put.
    control_message_bytes_max: usize = 4 << 20, Unit::Bytes(64 * KIB, 64 * MIB);

    /// A message of a put.
    ingest_message_bytes_max: usize = 16 << 20, Unit::Bytes(64 * KIB, 256 * MIB);

    /// A message that is sent; batches are cut to fit.
    sent_message_bytes_max: usize = 3 << 20, Unit::Bytes(64 * KIB, 256 * MIB);

    /// What batches that are sent aim at, in memory.
    sent_batch_bytes: usize = 1 << 20, Unit::Bytes(4 * KIB, 64 * MIB);

    /// Streams open on one connection.
    streams_per_connection_max: u32 = 128, Unit::Count(1, 10_000);

    /// Requests of one connection that are worked on; more are refused.
    requests_per_connection_max: usize = 64, Unit::Count(1, 10_000);

    /// Connections in all.
    connections_max: usize = 4096, Unit::Count(1, 1_000_000);

    /// Connections from one address.
    connections_per_address_max: usize = 256, Unit::Count(1, 1_000_000);

    /// How long a new connection may take to begin its first request.
    first_request_timeout: Duration = Duration::from_secs(10), Unit::Duration(BLINK, HOUR);

    /// How long a connection may stay without a request.
    idle_timeout: Duration = Duration::from_mins(5), Unit::Duration(BLINK, DAY);

    /// After how long without a sign of life a client is asked for one.
    keepalive_interval: Duration = Duration::from_secs(30), Unit::Duration(BLINK, HOUR);

    /// How long it may take to give it.
    keepalive_timeout: Duration = Duration::from_secs(10), Unit::Duration(BLINK, HOUR);

    /// After how long a connection is asked to end.
    connection_age_max: Duration = Duration::from_mins(30), Unit::Duration(BLINK, WEEK);

    /// How long its open requests may go on then.
    connection_age_grace: Duration = Duration::from_mins(5), Unit::Duration(Duration::ZERO, DAY);

    /// All headers of a request.
    header_list_bytes_max: u32 = 16 << 10, Unit::Bytes(8 * KIB, MIB);

    /// Streams reset by the client that are remembered.
    pending_resets_max: usize = 20, Unit::Count(1, 10_000);

    /// Streams reset for the client's errors before the connection ends.
    local_resets_max: usize = 1024, Unit::Count(1, 100_000);

    /// The metadata of an Arrow message.
    ipc_metadata_bytes_max: usize = 1 << 20, Unit::Bytes(4 * KIB, 64 * MIB);

    /// The body of an Arrow message.
    ipc_body_bytes_max: usize = 16 << 20, Unit::Bytes(64 * KIB, 256 * MIB);

    /// Columns of an Arrow schema.
    ipc_columns_max: usize = 4096, Unit::Count(1, 65_536);

    /// How deep the types of an Arrow schema nest.
    ipc_depth_max: usize = 16, Unit::Count(1, 64);

    /// Rows of a record batch.
    ipc_rows_max: usize = 1_000_000, Unit::Count(1, 100_000_000);

    /// What an Arrow message may become when it is decompressed.
    ipc_raw_bytes_max: usize = 64 << 20, Unit::Bytes(64 * KIB, GIB);

    /// How many times its compressed size it may become.
    ipc_raw_ratio_max: usize = 200, Unit::Count(1, 10_000);

    /// Whether compressed Arrow bodies are taken at all.
    ipc_accept_compressed: bool = false, Unit::Flag;

    /// Principals that have something going on at once; more are refused.
    principals_max: usize = 16_384, Unit::Count(1, 1_000_000);

    /// Questions of all principals that are worked on at once; 0 for one for each core, two at least.
    queries_max: usize = 0, Unit::Count(0, 10_000);

    /// Questions of one principal that are worked on at once; 0 for one for each core, two at least.
    queries_per_principal_max: usize = 0, Unit::Count(0, 10_000);

    /// Look-ups by `GetEntity` of one principal that are worked on at once; they wait for no questions.
    points_per_principal_max: usize = 64, Unit::Count(1, 10_000);

    /// Questions of one principal that wait, and look-ups; more are refused.
    queries_queued_max: usize = 32, Unit::Count(0, 100_000);

    /// Questions that wait though it is their principal's turn; more are refused.
    queries_waiting_max: usize = 256, Unit::Count(0, 100_000);

    /// How long a question may wait for its turn from when more came than may wait, until nobody waits any more.
    query_wait_max: Duration = Duration::from_millis(50), Unit::Duration(BLINK, HOUR);

    /// How long a question may take.
    query_time_max: Duration = Duration::from_mins(5), Unit::Duration(BLINK, DAY);

    /// How long a client may take to read the next part of an answer.
    stall_time_max: Duration = Duration::from_mins(1), Unit::Duration(BLINK, HOUR);

    /// Rows of an answer.
    result_rows_max: u64 = 100_000_000, Unit::Count(1, 1_000_000_000_000);

    /// An answer, in memory of all its batches.
    result_bytes_max: u64 = 10 << 30, Unit::Bytes(MIB, TIB);

    /// Statements of SQL that are worked on at once, whoever asks; more wait for their turn. 0 for one for each core.
    sql_statements_max: usize = 0, Unit::Count(0, 10_000);

    /// What a statement of SQL may take in memory before it writes temporary files, or ends where those do not help.
    sql_memory_bytes_max: usize = 512 << 20, Unit::Bytes(MIB, TIB);

    /// Temporary files of a statement of SQL.
    sql_spill_bytes_max: u64 = 4 << 30, Unit::Bytes(0, 16 * TIB);

    /// Keys that one question names.
    keys_max: usize = 10_000, Unit::Count(1, 1_000_000);

    /// Items of a page.
    page_size_max: usize = 1000, Unit::Count(1, 10_000);

    /// Watches of one principal.
    watches_per_principal_max: usize = 64, Unit::Count(1, 100_000);

    /// Operations that run at once.
    operations_max: usize = 2, Unit::Count(1, 1000);

    /// Rows of a put.
    put_rows_max: u64 = 20_000_000, Unit::Count(1, 1_000_000_000);

    /// What all requests that are no puts may take in memory until they are answered, reckoned at 48 times their size.
    request_bytes_max: usize = 256 << 20, Unit::Bytes(MIB, 64 * GIB);

    /// A put, in memory; no more than all puts may take.
    put_bytes_max: u64 = 512 << 20, Unit::Bytes(MIB, 64 * GIB);

    /// All puts that are being taken, in memory; more are refused.
    ingest_bytes_max: usize = 512 << 20, Unit::Bytes(MIB, 64 * GIB);

    /// Puts that are being taken.
    puts_max: usize = 64, Unit::Count(1, 10_000);

    /// How long a client may take to send the next part of a put.
    put_stall_time_max: Duration = Duration::from_mins(1), Unit::Duration(BLINK, HOUR);

    /// How long a client may take to send all of a put; of `PutMany`, each message has `put_stall_time_max`.
    put_time_max: Duration = Duration::from_mins(30), Unit::Duration(BLINK, DAY);

    /// From how many rows on an answer is offered in several parts.
    endpoint_rows: u64 = 250_000, Unit::Count(1, 1_000_000_000_000);

    /// In how many parts at most.
    endpoints_max: usize = 16, Unit::Count(1, 1000);

    /// How long requests may go on after the server was told to stop.
    drain_time_max: Duration = Duration::from_secs(30), Unit::Duration(Duration::ZERO, HOUR);

    /// How long `at_least` waits for a commit that is not there yet.
    at_least_time_max: Duration = Duration::from_secs(2), Unit::Duration(Duration::ZERO, MINUTE);
}

impl Limits {
    /// What the store takes in one put, so that it never takes less than the doors do: to be set where the store is
    /// opened.
    pub fn put_limits(&self) -> PutLimits {
        PutLimits { rows_max: self.put_rows_max, bytes_max: self.put_bytes_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_takes_the_puts_that_the_doors_take() {
        let limits = Limits { put_rows_max: 7, put_bytes_max: 1 << 33, ..Limits::default() };
        assert_eq!(limits.put_limits(), PutLimits { rows_max: 7, bytes_max: 1 << 33 });
    }
}
