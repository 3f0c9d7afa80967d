//! How HTTP/2 is spoken: every limit is set, none is left to a default.

use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper_util::rt::TokioTimer;
use tokio_util::task::TaskTracker;

use super::watchdog;
use crate::limits::Limits;

/// What a client may send ahead on one stream, bytes. With less, uploads wait for acknowledgements.
const STREAM_WINDOW: u32 = 1 << 20;
/// And on all streams of a connection.
const CONNECTION_WINDOW: u32 = 2 << 20;
/// The largest frame taken, bytes. Larger than the protocol's 16 KiB, because each costs the same work.
const FRAME_MAX: u32 = 256 << 10;
/// What may wait to be sent on one stream, bytes, beside what its window allows.
pub(super) const SEND_BUFFER: usize = 512 << 10;

/// Windows and frames where client and server are one process, bytes.
const OWN_WINDOW: u32 = 8 << 20;
/// The same for frames.
const OWN_FRAME_MAX: u32 = 1 << 20;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// Anybody.
    Stranger,
    /// Our own process.
    Own,
}

/// Runs the requests of connections as tasks of their own.
#[derive(Clone, Debug)]
pub(super) struct StreamExecutor(pub(super) TaskTracker);

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        drop(self.0.spawn(watchdog::watched(stream)));
    }
}

/// How a connection speaks.
pub(super) fn builder(limits: &Limits, peer: Peer, tasks: &TaskTracker) -> Builder<StreamExecutor> {
    let mut builder = Builder::new(StreamExecutor(tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .adaptive_window(false)
        .max_header_list_size(limits.header_list_bytes_max)
        .max_pending_accept_reset_streams(limits.pending_resets_max)
        .max_local_error_reset_streams(limits.local_resets_max)
        .max_concurrent_streams(limits.streams_per_connection_max)
        .max_send_buf_size(SEND_BUFFER)
        .auto_date_header(false);
    match peer {
        Peer::Stranger => builder
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_MAX)
            .keep_alive_interval(limits.keepalive_interval)
            .keep_alive_timeout(limits.keepalive_timeout),
        Peer::Own => builder
            .initial_stream_window_size(OWN_WINDOW)
            .initial_connection_window_size(OWN_WINDOW)
            .max_frame_size(OWN_FRAME_MAX)
            .keep_alive_interval(None),
    };
    builder
}

/// The other end of a connection within our own process, with windows and frames as above.
pub(crate) fn own_endpoint() -> tonic::transport::Endpoint {
    tonic::transport::Endpoint::from_static("http://calotype.local")
        .initial_stream_window_size(OWN_WINDOW)
        .initial_connection_window_size(OWN_WINDOW)
        .max_frame_size(OWN_FRAME_MAX)
}
