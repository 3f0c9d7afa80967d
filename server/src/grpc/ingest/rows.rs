//! The rows of a put in the one form that its client chose.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use bytes::Bytes;
use calotype_proto::v1;
use tonic::Status;

use super::unread;
use crate::grpc::values::RowReader;
use crate::intake::{self, Intake, PutParts};
use crate::ipc::{Decoder, decode};
use crate::node::Node;
use crate::status::{self, Field, invalid};

/// The rows of a put that is coming in.
#[derive(Debug)]
pub(super) enum Rows {
    /// Values.
    Values(RowReader),
    /// Arrow messages; the schema, once it has come.
    Arrow(Box<Decoder>, Option<SchemaRef>),
    /// An Arrow stream that came whole.
    Stream(SchemaRef),
}

impl Rows {
    /// Values for the context of a put.
    pub(super) async fn of_values(node: &Node, put: &PutParts) -> Result<Self, Status> {
        let context = intake::context(node, &put.context).await?;
        Ok(Self::Values(RowReader::new(context.schema().map(Arc::clone))))
    }

    /// Arrow messages.
    pub(super) fn of_arrow(node: &Node) -> Self {
        Self::Arrow(Box::new(Decoder::new(node.limits())), None)
    }

    /// An Arrow stream.
    pub(super) fn of_stream(node: &Node, bytes: &Bytes, intake: &mut Intake) -> Result<Self, Status> {
        let (schema, batches) = decode::stream(bytes, node.limits()).map_err(|error| error.status())?;
        for batch in batches {
            intake.push(batch)?;
        }
        Ok(Self::Stream(schema))
    }

    /// Takes a message of values.
    pub(super) fn values(&mut self, batch: &Bytes, intake: &mut Intake) -> Result<(), Status> {
        let Self::Values(reader) = self else {
            return Err(mixed());
        };
        let batch = unread::rows(batch, intake, |batch| reader.read(batch))?;
        intake.push(batch)
    }

    /// Takes an Arrow message: the schema first.
    pub(super) fn arrow(&mut self, message: &v1::ArrowMessage, intake: &mut Intake) -> Result<(), Status> {
        let Self::Arrow(decoder, schema) = self else {
            return Err(mixed());
        };
        if schema.is_none() {
            *schema = Some(decoder.schema(&message.header).map_err(|error| error.status())?);
            return Ok(());
        }
        let batch =
            decoder.message(&message.header, &intake::own(&message.body)).map_err(|error| error.status())?;
        batch.map_or(Ok(()), |batch| intake.push(batch))
    }

    /// Ends the rows: the schema that all of them have.
    pub(super) fn finish(self, intake: &mut Intake) -> Result<SchemaRef, Status> {
        match self {
            Self::Values(reader) => {
                let mut schema = None;
                intake.change(|batches| {
                    let (found, batches) = reader.finish(batches)?;
                    schema = Some(found);
                    Ok(batches)
                })?;
                schema.ok_or_else(|| status::internal("rows ended without columns"))
            }
            Self::Arrow(_, schema) => {
                schema.ok_or_else(|| invalid(Field("arrow"), "brought no schema message"))
            }
            Self::Stream(schema) => Ok(schema),
        }
    }
}

fn mixed() -> Status {
    invalid(Field("part"), "mixes rows and arrow: send all of a put in one form")
}
