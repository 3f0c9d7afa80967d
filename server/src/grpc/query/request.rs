//! Reading questions: from messages to what the query crate is asked.

use std::sync::Arc;

use calotype_proto::v1;
use calotype_query::offsets::OffsetVector;
use calotype_query::{AsOfRequest, Claim, DiffRequest, Form, HistoryRequest, TimeRange};
use calotype_storage::context::Context;
use calotype_storage::identity::Sequence;
use calotype_storage::name::ContextName;
use calotype_storage::schema::SchemaVersion;
use calotype_storage::time::Instant;
use prost_types::Timestamp;
use tonic::Status;

use crate::caller::Caller;
use crate::grpc::values;
use crate::node::Node;
use crate::status::{self, Field, invalid};

/// How the rows of an answer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Typed values.
    Values,
    /// Arrow record batches.
    Arrow,
}

/// The format that a request asks for.
///
/// # Errors
/// It is none.
pub(crate) fn row_format(format: i32) -> Result<Format, Status> {
    match v1::RowFormat::try_from(format) {
        Ok(v1::RowFormat::Unspecified | v1::RowFormat::Values) => Ok(Format::Values),
        Ok(v1::RowFormat::Arrow) => Ok(Format::Arrow),
        Err(_) => Err(invalid(
            Field("format"),
            format_args!("{format} is no RowFormat: expected 1 for values or 2 for Arrow"),
        )),
    }
}

/// One entity at one point.
pub(super) async fn entity(
    node: &Node,
    caller: &Caller,
    asked: v1::GetEntityRequest,
) -> Result<AsOfRequest, Status> {
    let context = look(node, caller, &asked.context, asked.at_least).await?;
    Ok(AsOfRequest {
        principal: caller.principal.clone(),
        point: values::point(asked.point.as_ref())?,
        keys: values::key(&context, asked.key.as_ref())?,
        only: Vec::new(),
        columns: names(asked.columns),
        system_columns: asked.system_columns,
        schema_version: asked.schema_version.map(SchemaVersion::new),
        offsets: None,
        at_least: None,
        context: context.name().clone(),
    })
}

/// The state at a point.
pub(super) async fn as_of(
    node: &Node,
    caller: &Caller,
    asked: v1::AsOfRequest,
) -> Result<AsOfRequest, Status> {
    let context = look(node, caller, &asked.context, asked.at_least).await?;
    Ok(AsOfRequest {
        principal: caller.principal.clone(),
        point: values::point(asked.point.as_ref())?,
        keys: values::keys(&context, &asked.keys, node.limits().keys_max)?,
        only: Vec::new(),
        columns: names(asked.columns),
        system_columns: asked.system_columns,
        schema_version: asked.schema_version.map(SchemaVersion::new),
        offsets: vector(asked.offsets)?,
        at_least: None,
        context: context.name().clone(),
    })
}

/// A history.
pub(super) async fn history(
    node: &Node,
    caller: &Caller,
    asked: v1::HistoryRequest,
) -> Result<HistoryRequest, Status> {
    let form = match v1::HistoryForm::try_from(asked.form) {
        Ok(v1::HistoryForm::Unspecified | v1::HistoryForm::Facts) => Form::Facts,
        Ok(v1::HistoryForm::Rectangles) => Form::Rectangles,
        Err(_) => {
            let what = format!("{} is no HistoryForm: expected 1 for facts or 2 for rectangles", asked.form);
            return Err(invalid(Field("form"), what));
        }
    };
    let context = look(node, caller, &asked.context, asked.at_least).await?;
    Ok(HistoryRequest {
        principal: caller.principal.clone(),
        keys: values::keys(&context, &asked.keys, node.limits().keys_max)?,
        form,
        valid: range("valid", asked.valid.as_ref(), values::valid_time)?,
        system: range("known", asked.known.as_ref(), values::system_time)?,
        columns: names(asked.columns),
        schema_version: asked.schema_version.map(SchemaVersion::new),
        at_least: None,
        context: context.name().clone(),
    })
}

/// What differs between two points.
pub(super) async fn diff(
    node: &Node,
    caller: &Caller,
    asked: v1::DiffRequest,
) -> Result<DiffRequest, Status> {
    let context = look(node, caller, &asked.context, asked.at_least).await?;
    Ok(DiffRequest {
        principal: caller.principal.clone(),
        from: values::point_in(Field("from"), asked.from.as_ref())?,
        to: values::point_in(Field("to"), asked.to.as_ref())?,
        keys: values::keys(&context, &asked.keys, node.limits().keys_max)?,
        schema_version: None,
        at_least: None,
        context: context.name().clone(),
    })
}

/// The columns of an answer, with what the schema that answered says of them.
///
/// # Errors
/// The context that was just asked cannot be read any more.
pub(super) fn columns(
    node: &Node,
    answer: &arrow_schema::Schema,
    claim: &Claim,
) -> Result<Vec<v1::Column>, Status> {
    let name = ContextName::parse(&claim.context).map_err(status::internal)?;
    let context = node.database().context(&name).map_err(|error| status::of_store(&error))?;
    let version = claim.schema_version.map(SchemaVersion::new);
    let schema = version.and_then(|version| context.schema_version(version));
    Ok(values::columns(answer, schema.map(Arc::as_ref)))
}

/// The context of a question, once this node has seen what the question must see. Who may not read it is not told
/// what its key is.
async fn look(
    node: &Node,
    caller: &Caller,
    name: &str,
    at_least: Option<u64>,
) -> Result<Arc<Context>, Status> {
    let name = values::context_name(Field("context"), name)?;
    node.policy().may_read(&caller.principal, &name).map_err(|error| status::of_query(&error))?;
    node.follower().see(node, at_least.map(Sequence::new), caller.deadline).await?;
    node.database().context(&name).map_err(|error| status::of_store(&error))
}

/// Columns by name; none named means all.
fn names(columns: Vec<String>) -> Option<Vec<String>> {
    (!columns.is_empty()).then_some(columns)
}

/// How far each partition counts; none named means all that is known.
fn vector(positions: Vec<v1::Position>) -> Result<Option<OffsetVector>, Status> {
    if positions.is_empty() {
        return Ok(None);
    }
    let mut vector = OffsetVector::new();
    for (place, position) in positions.into_iter().enumerate() {
        let v1::Position { source, partition, epoch, to, .. } = position;
        if vector.insert((source, partition), (epoch, to)).is_some() {
            let field = format!("offsets[{place}]");
            return Err(invalid(
                Field(&field),
                "names a source and partition that an earlier one names: expected each once",
            ));
        }
    }
    Ok(Some(vector))
}

/// A range of one axis: all, an instant, or from and to.
fn range<T: Instant>(
    field: &str,
    range: Option<&v1::TimeRange>,
    read: impl Fn(Field<'_>, &Timestamp) -> Result<T, Status>,
) -> Result<TimeRange<T>, Status> {
    let Some(range) = range else {
        return Ok(TimeRange::All);
    };
    let (from_field, to_field) = (format!("{field}.from"), format!("{field}.to"));
    let from = range.from.as_ref().map(|from| read(Field(&from_field), from)).transpose()?;
    let to = range.to.as_ref().map(|to| read(Field(&to_field), to)).transpose()?;
    match (from, to, range.to_inclusive) {
        (None, None, false) => Ok(TimeRange::All),
        (Some(at), None, false) => Ok(TimeRange::At(at)),
        (Some(from), Some(to), false) => Ok(TimeRange::FromTo(from, to)),
        (Some(from), Some(to), true) => Ok(TimeRange::Between(from, to)),
        (None, Some(_), _) => Err(invalid(
            Field(&from_field),
            "is missing: a range has from and to, an instant from alone; left out whole it is all",
        )),
        (_, None, true) => Err(invalid(
            Field(&format!("{field}.to_inclusive")),
            format_args!("says something of {to_field}, which is missing"),
        )),
    }
}
