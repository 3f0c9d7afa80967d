//! DoPut: rows that come in, and are durable when the answer goes out.
//!
//! Invariants: only a stream that the client ended itself is committed; the descriptor comes with the first message
//! and the schema once.

use arrow_flight::FlightData;
use arrow_flight::flight_descriptor::DescriptorType;
use calotype_storage::Receipt;
use tonic::{Request, Status, Streaming};

use super::descriptor::Descriptor;
use crate::caller::Caller;
use crate::intake::{self, Intake, PutParts, check_whole, in_time, own};
use crate::ipc::decode::Decoder;
use crate::node::Node;
use crate::status::{self, Field};

/// Takes a put.
///
/// # Errors
/// The put is refused, or did not come whole; nothing of it is kept then.
pub(super) async fn take(node: &Node, request: Request<Streaming<FlightData>>) -> Result<Receipt, Status> {
    let caller = Caller::of(&request)?;
    check_whole(&request)?;
    let worker = node.clone();
    intake::at_work(node, async move { take_all(&worker, &caller, request.into_inner()).await }).await
}

async fn take_all(
    node: &Node,
    caller: &Caller,
    mut stream: Streaming<FlightData>,
) -> Result<Receipt, Status> {
    let first = in_time(node, caller, stream.message()).await?;
    let first = first
        .ok_or_else(|| status::invalid(Field("stream"), "is empty; expected a descriptor and a schema"))?;
    let Descriptor { context, kind, options } = descriptor(&first, caller)?;
    // Refused before the rows come where that can be known: they are not sent in vain.
    intake::context(node, &context).await?;
    let mut decoder = Decoder::new(node.limits());
    let schema = decoder.schema(&first.data_header).map_err(|error| error.status())?;
    // The first message is not kept: it may be large.
    drop(first);
    let mut intake = Intake::new(node)?;
    while let Some(message) = in_time(node, caller, stream.message()).await? {
        if message.data_header.is_empty() {
            let what = "expected rows; a message of application metadata alone is not taken";
            return Err(status::invalid(Field("stream"), what));
        }
        let batch = decoder.message(&message.data_header, &own(&message.data_body));
        if let Some(batch) = batch.map_err(|error| error.status())? {
            intake.push(batch)?;
        }
    }
    intake.commit(node, PutParts { context, kind, options }, schema).await
}

fn descriptor(first: &FlightData, caller: &Caller) -> Result<Descriptor, Status> {
    let advice = "expected a command: the JSON that says what the put is";
    let wrong = |found: &str| status::invalid(Field("descriptor"), format_args!("{advice}; found {found}"));
    let descriptor = first.flight_descriptor.as_ref().ok_or_else(|| wrong("none in the first message"))?;
    match descriptor.r#type() {
        DescriptorType::Cmd => Ok(Descriptor::parse(&descriptor.cmd, caller.principal.clone())?),
        DescriptorType::Path => Err(wrong("a path")),
        DescriptorType::Unknown => Err(wrong("a descriptor without a type")),
    }
}
