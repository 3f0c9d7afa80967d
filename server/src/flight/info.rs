//! GetFlightInfo, GetSchema and ListFlights: what an answer will be, and where its parts are.
//!
//! Invariant: every ticket that is given out carries both times, so that all parts, whoever reads them and when, are
//! parts of one answer.

use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::{
    FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket as FlightTicket,
};
use arrow_ipc::writer::IpcWriteOptions;
use arrow_schema::Schema;
use bytes::Bytes;
use calotype_query::parts::parts;
use calotype_query::{AsOfRequest, Keys};
use calotype_storage::context::Context;
use calotype_storage::name::ContextName;
use serde_json::json;
use tonic::Status;

use super::do_get::{CLAIM, claimed};
use super::json::Object;
use super::part::Part;
use super::question::{ClaimJson, Ready, Take, fix, prepare};
use super::ticket::{Question, Ticket};
use crate::answer::{self, Answering};
use crate::caller::Caller;
use crate::node::Node;
use crate::status::{self, Field, HasStatus as _};

/// How many rows there are is known at the end.
const NOT_KNOWN: i64 = -1;

/// Describes the answer to a question, and says where its parts are.
///
/// # Errors
/// As the question itself.
pub(super) async fn info(
    node: &Node,
    caller: &Caller,
    descriptor: FlightDescriptor,
) -> Result<FlightInfo, Status> {
    let mut ticket = ticket(node, &descriptor)?;
    fix(node, caller, &mut ticket).await?;
    let Beginning { schema, claim, parts } = begin(node, caller, &ticket).await?;
    let mut info = FlightInfo::new()
        .with_descriptor(descriptor)
        .with_ordered(true)
        .with_total_records(NOT_KNOWN)
        .with_total_bytes(NOT_KNOWN)
        .with_app_metadata(json!({CLAIM: claim}).to_string());
    info.schema = encapsulated(&schema)?;
    for part in parts {
        let mut ticket = ticket.clone();
        if let Question::AsOf(as_of) = &mut ticket.question
            && let Some(part) = part
        {
            as_of.part = Some(part);
        }
        let ticket = FlightTicket::new(ticket.to_json());
        info = info.with_endpoint(FlightEndpoint::new().with_ticket(ticket));
    }
    Ok(info)
}

/// The schema of the answer to a question, as an encapsulated message.
///
/// # Errors
/// As the question itself.
pub(super) async fn schema(
    node: &Node,
    caller: &Caller,
    descriptor: &FlightDescriptor,
) -> Result<Bytes, Status> {
    let ticket = ticket(node, descriptor)?;
    encapsulated(&begin(node, caller, &ticket).await?.schema)
}

/// All contexts whose names begin as the criteria say: each with its columns, and a ticket for its state now.
///
/// # Errors
/// The criteria are not understood.
pub(super) fn list(node: &Node, caller: &Caller, criteria: &[u8]) -> Result<Vec<FlightInfo>, Status> {
    let prefix = match criteria {
        [] => String::new(),
        text => {
            let prefix = Object::parse("criteria", text, &["prefix"])?.take("prefix");
            prefix.map_or(Ok(String::new()), |prefix| prefix.text().map(str::to_owned))?
        }
    };
    let database = node.database();
    let mut listed = Vec::new();
    for name in database.contexts().map_err(|error| status::of_store(&error))? {
        if name.as_str().starts_with(&prefix) && node.policy().may_read(&caller.principal, &name).is_ok() {
            let context = database.context(&name).map_err(|error| status::of_store(&error))?;
            listed.push(listing(name, &context)?);
        }
    }
    Ok(listed)
}

fn listing(name: ContextName, context: &Context) -> Result<FlightInfo, Status> {
    let columns = context.schema().map_or_else(|| Schema::empty().into(), |schema| schema.to_arrow());
    let about = json!({
        "context": name.as_str(),
        "key": context.key_names(),
        "mode": context.mode(),
        "import": context.is_importing(),
        "schema_version": context.schema().map(|schema| schema.version().get()),
        "entries": context.entries().len(),
        "newest_commit": context.newest_record().map(calotype_storage::identity::Sequence::get),
    });
    let mut info = FlightInfo::new()
        .with_descriptor(FlightDescriptor::new_path(vec![name.to_string()]))
        .with_ordered(true)
        .with_total_records(NOT_KNOWN)
        .with_total_bytes(NOT_KNOWN)
        .with_app_metadata(about.to_string());
    info.schema = encapsulated(&columns)?;
    let ticket = FlightTicket::new(Ticket::now(name).to_json());
    Ok(info.with_endpoint(FlightEndpoint::new().with_ticket(ticket)))
}

/// How an answer begins.
struct Beginning {
    schema: Schema,
    claim: serde_json::Value,
    /// Ranges of keys; `None`: all that is asked about.
    parts: Vec<Option<Part>>,
}

async fn begin(node: &Node, caller: &Caller, ticket: &Ticket) -> Result<Beginning, Status> {
    let question = prepare(node, caller, ticket).await?;
    let is_whole = matches!(&ticket.question, Question::AsOf(as_of) if as_of.part.is_none());
    let ask = async move |worker: Node| {
        let parts = match &question {
            Ready::AsOf(request) if is_whole => parts_of(&worker, request).await?,
            #[cfg(feature = "sql")]
            Ready::Where(request, _) if is_whole => parts_of(&worker, request).await?,
            _ => vec![None],
        };
        let (schema, claim) = question.ask(Describe(worker)).await?;
        Ok(Beginning { schema, claim, parts })
    };
    answer::once(node, caller, ask).await
}

/// Takes the columns and the claim of an answer, and leaves its rows.
struct Describe(Node);

impl Take for Describe {
    type Taken = (Schema, serde_json::Value);

    async fn take<Ask, Asked, A>(self, ask: Ask) -> Result<Self::Taken, Status>
    where
        Ask: FnOnce(Node) -> Asked + Send + 'static,
        Asked: Future<Output = Result<A, A::Error>> + Send + 'static,
        A: Answering<Claim: ClaimJson>,
    {
        let answer = ask(self.0).await.map_err(|error| error.status())?;
        let claim = answer.claim().json();
        let value = serde_json::from_str(&claim).map_err(status::internal)?;
        Ok((claimed(answer.schema(), claim), value))
    }
}

async fn parts_of(node: &Node, request: &AsOfRequest) -> Result<Vec<Option<Part>>, Status> {
    let limits = node.limits();
    let found =
        parts(node.database(), node.policy(), request, limits.endpoint_rows, limits.endpoints_max).await;
    let found = found.map_err(|error| status::of_query(&error))?;
    let part = |keys| match keys {
        Keys::Range { from, to } => Some(Part { from, to }),
        Keys::All | Keys::These(_) => None,
    };
    Ok(found.into_iter().map(part).collect())
}

/// The question of a descriptor: a ticket, or the name of a context, which asks for its state now.
fn ticket(node: &Node, descriptor: &FlightDescriptor) -> Result<Ticket, Status> {
    let wrong = |what: &str| status::invalid(Field("descriptor"), what);
    match descriptor.r#type() {
        DescriptorType::Cmd => Ok(Ticket::of_node(&descriptor.cmd, node)?),
        DescriptorType::Path => {
            let [name] = descriptor.path.as_slice() else {
                return Err(wrong("expected a path of one name, that of a context"));
            };
            let name =
                ContextName::parse(name).map_err(|error| status::invalid(Field("descriptor.path"), error))?;
            Ok(Ticket::now(name))
        }
        DescriptorType::Unknown => Err(wrong("expected a command or a path; found neither")),
    }
}

fn encapsulated(schema: &Schema) -> Result<Bytes, Status> {
    let IpcMessage(bytes) = SchemaAsIpc::new(schema, &IpcWriteOptions::default())
        .try_into()
        .map_err(|error| status::internal(format_args!("a schema that Arrow does not write: {error}")))?;
    Ok(bytes)
}
