//! What every request goes through, in this order: its id, its span, its service, who asks and until when, room on its
//! connection; then its handler, under its deadline and apart from all others.

use std::sync::{Arc, Mutex};

use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tonic::body::Body;
use tracing::{Instrument, Span, info_span};

use super::activity::OpenRequest;
use super::answer_body::{AnswerBody, Guard};
use super::connection::Terms;
use super::framing::Framing;
use super::record::Record;
use super::request_body::{Counted, RequestBody};
use super::router::Route;
use super::{Shared, deadline, foreign, identity, methods, panics, router};
use crate::caller::{Caller, REQUEST_ID_HEADER};
use crate::{intake, status, telemetry};

/// How soon a request that a connection has no room for may be tried again.
const RETRY: std::time::Duration = std::time::Duration::from_millis(100);

/// Answers a request. Dropped, it leaves nothing behind.
pub(super) async fn answer(
    shared: Arc<Shared>,
    mut open: OpenRequest,
    terms: Terms,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let begun = Instant::now();
    let request_id = shared.ids.of(request.headers());
    let id_header = HeaderValue::from_str(&request_id);
    let route = shared.router.route(request.uri().path());
    let method = methods::known(request.uri().path());
    let span = span(method, &request_id);
    telemetry::continue_trace(&span, request.headers());
    let mut guard = Guard {
        record: Record::new(&shared.node, method, request_id.clone(), begun),
        deadline: None,
        stopping: None,
        stall: terms.stall(),
        span: span.clone(),
        node: shared.node.clone(),
    };
    let caller = identity::caller(&request_id, request.headers(), begun);
    let outcome = match (route, caller) {
        (Ok(route), Ok(caller)) if route.endless || open.work() => {
            guard.deadline = caller.deadline;
            guard.stopping = route.endless.then(|| shared.node.stopping().clone());
            handle(&shared, &route, caller, terms, request).instrument(span).await
        }
        (Ok(_), Ok(_)) => Err(crowded(&shared)),
        (Err(status), _) | (_, Err(status)) => Err(status),
    };
    let mut response = outcome.unwrap_or_else(Status::into_http);
    if let Ok(id) = id_header {
        response.headers_mut().insert(REQUEST_ID_HEADER, id);
    }
    AnswerBody::new(response, open, guard)
}

/// The span of a request: all that is logged while it is worked on bears its id.
fn span(method: &'static str, request_id: &str) -> Span {
    info_span!("request", method, request_id)
}

/// Runs the handler until its deadline.
async fn handle(
    shared: &Shared,
    route: &Route,
    caller: Caller,
    terms: Terms,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Status> {
    let until = caller.deadline;
    let uri = request.uri().clone();
    request.extensions_mut().insert(caller);
    let upload_stall = terms.upload_stall();
    // Held until there is an answer: what the request says is in memory as long.
    let reading = Arc::new(Mutex::new(shared.node.admission().reading()));
    let counted = if methods::is_upload(uri.path()) {
        Counted::Parts(Framing::default(), shared.node.admission().arriving())
    } else {
        Counted::Whole(Arc::clone(&reading))
    };
    let whole = methods::is_one_put(uri.path()).then_some(shared.node.limits().put_time_max);
    let request = intake::whole(request)
        .map(|incoming| Body::new(RequestBody::new(incoming, counted, upload_stall, whole)));
    let answer = panics::caught(&shared.node, async { route.answer(request).await });
    let response = match until {
        Some(until) => timeout_at(until, answer).await.map_err(|_| deadline::passed())??,
        None => answer.await?,
    };
    drop(reading);
    if foreign::is_unspoken(&response) {
        return Err(router::nothing_at(uri.path()));
    }
    // An answer that is only an error carries it as an extension.
    let mended = response.extensions().get::<Status>().and_then(|status| foreign::mended(uri.path(), status));
    mended.map_or(Ok(response), Err)
}

fn crowded(shared: &Shared) -> Status {
    let limit = "requests_per_connection_max";
    let max = shared.node.limits().requests_per_connection_max;
    let what = format!("{max} requests of this connection are worked on already: wait for some of them");
    status::exhausted(limit, what, Some(RETRY))
}
