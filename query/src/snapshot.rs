//! The rows of a sealed snapshot, by its id.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_storage::SystemTime;
use calotype_storage::database::Database;
use calotype_storage::identity::SnapshotId;
use calotype_storage::name::Principal;
use calotype_storage::record::Body;
use calotype_storage::scan::{RowRef, Scan, ScanRequest};
use calotype_storage::schema::{SchemaVersion, arrow_field};

use crate::answer::{Answer, Batches};
use crate::as_of::{AsOfRequest, look, record_batch, resolve, schema_for};
use crate::claim::Claim;
use crate::error::QueryError;
use crate::policy::Policy;
use crate::times::Point;

/// Answers the rows of a snapshot: of a full, the state at its cutoff as it was known then; of a delta, its own
/// rows with `_op`.
///
/// # Errors
/// [`QueryError`] if there is no such snapshot, or it cannot be read.
///
/// # Panics
/// Never: the log names only snapshots of puts.
pub async fn snapshot(
    database: &Database,
    policy: &dyn Policy,
    principal: &Principal,
    id: SnapshotId,
) -> Result<Answer, QueryError> {
    let (context, entry) = database.snapshot(id)?;
    let put = entry.put().expect("only puts seal snapshots");
    let point = Point { valid_at: put.cutoff, known_at: Some(entry.system_time()) };
    let version = SchemaVersion::new(put.schema_version);
    if let Body::Full(_) = entry.entry.body {
        let request = AsOfRequest {
            principal: principal.clone(),
            schema_version: Some(version),
            ..AsOfRequest::new(context.name().clone(), point)
        };
        return resolve(database, policy, &request).await;
    }
    let (context, [point]) = look(database, policy, principal, context.name(), [point], None).await?;
    let schema = schema_for(&context, &point, Some(version))?.expect("the version was put");
    let claim = Claim::new(database, &context, &point, Some(version.get()))?;
    let mut fields: Vec<Field> = schema.fields().iter().map(arrow_field).collect();
    for (place, field) in fields.iter_mut().enumerate() {
        field.set_nullable(!schema.is_key(place));
    }
    fields.push(Field::new("_op", DataType::Utf8, false));
    let answer_schema = Arc::new(ArrowSchema::new(fields));
    let mut scan = ScanRequest::of_entries(&context, &schema, SystemTime::FIRST);
    scan.entries = vec![entry];
    let scan = Scan::start(Arc::clone(database.reader()), scan).await?.stated_only();
    let batches = DeltaBatches { scan, schema: SchemaRef::clone(&answer_schema) };
    Ok(Answer::new(answer_schema, claim, Box::new(batches)))
}

struct DeltaBatches {
    scan: Scan,
    schema: SchemaRef,
}

#[async_trait]
impl Batches for DeltaBatches {
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let Some(window) = self.scan.next().await? else {
            return Ok(None);
        };
        let rows: Vec<RowRef> = (0..window.len()).flat_map(|key| window.facts(key)).copied().collect();
        let places: Vec<usize> = (0..self.schema.fields().len() - 1).collect();
        let mut columns = self.scan.columns(&window, &rows, &places).await?;
        let mut ops = StringBuilder::new();
        for row in &rows {
            ops.append_value(if window.is_retraction(*row) { "retract" } else { "assert" });
        }
        columns.push(Arc::new(ops.finish()) as ArrayRef);
        record_batch(&self.schema, columns, rows.len()).map(Some)
    }
}
