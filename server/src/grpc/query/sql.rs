//! Statements of SQL: their parameters, and what their answers rest on.

use std::collections::BTreeMap;

use calotype_proto::v1;
use calotype_proto::v1::value::Kind;
use calotype_sql::{Parameters, SqlRequest, Value};
use calotype_storage::ValidTime;
use calotype_storage::identity::Sequence;
use tonic::Status;

use crate::caller::Caller;
use crate::grpc::values;
use crate::node::Node;
use crate::sql::decimal;
use crate::status::{Field, invalid};

/// Reads a statement, once this node has seen what its answer must have seen.
pub(super) async fn request(
    node: &Node,
    caller: &Caller,
    asked: v1::SqlRequest,
) -> Result<SqlRequest, Status> {
    let v1::SqlRequest { text, parameters, named_parameters, settings, views, at_least, format: _ } = asked;
    let parameters = read_parameters(parameters, named_parameters)?;
    node.follower().see(node, at_least.map(Sequence::new), caller.deadline).await?;
    let principal = caller.principal.clone();
    Ok(SqlRequest { principal, text, parameters, settings, views, at_least: None })
}

/// As [`request`], of a statement whose plan is asked for.
pub(super) async fn explain_request(
    node: &Node,
    caller: &Caller,
    asked: v1::ExplainSqlRequest,
) -> Result<SqlRequest, Status> {
    let v1::ExplainSqlRequest { text, parameters, named_parameters, settings, views, at_least } = asked;
    let format = v1::RowFormat::Unspecified.into();
    let same = v1::SqlRequest { text, parameters, named_parameters, settings, views, at_least, format };
    request(node, caller, same).await
}

fn read_parameters(
    positional: Vec<v1::Value>,
    named: BTreeMap<String, v1::Value>,
) -> Result<Parameters, Status> {
    let mut parameters = Parameters::default();
    for (place, value) in positional.into_iter().enumerate() {
        parameters.positional.push(read(&format!("parameters[{place}]"), value)?);
    }
    for (name, value) in named {
        let value = read(&format!("named_parameters['{name}']"), value)?;
        parameters.named.insert(name, value);
    }
    Ok(parameters)
}

fn read(field: &str, value: v1::Value) -> Result<Value, Status> {
    let wrong = |what: &str| invalid(Field(field), what);
    let Some(kind) = value.kind else { return Ok(Value::Null) };
    Ok(match kind {
        Kind::BoolValue(value) => Value::Bool(value),
        Kind::IntValue(value) => Value::Integer(value),
        Kind::UintValue(value) => {
            i64::try_from(value).map_or_else(|_| Value::Decimal(value.into(), 0), Value::Integer)
        }
        Kind::DoubleValue(_) => {
            return Err(wrong("is a double: hand over a decimal, or text that is cast ($1::double)"));
        }
        Kind::StringValue(text) => Value::Text(text),
        Kind::BytesValue(bytes) => Value::Bytes(bytes.to_vec()),
        Kind::DecimalValue(text) => {
            decimal(&text).ok_or_else(|| wrong("is no decimal such as 12.30 with at most 38 digits"))?
        }
        Kind::DateValue(days) => Value::Text(values::date(days).ok_or_else(|| wrong("is no date"))?),
        Kind::TimestampValue(timestamp) => {
            let at: ValidTime = values::valid_time(Field(field), &timestamp)?;
            Value::Text(at.to_string())
        }
    })
}

#[cfg(test)]
mod tests;
