//! From rows as they were handed over to an extract: checked, sorted, normalised,
//! hashed.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt32Array, new_null_array};
use arrow_schema::DataType;
use arrow_select::concat::concat;
use arrow_select::nullif::nullif;
use arrow_select::take::take;
use serde::Serialize;

use super::flatten::{flat_bytes, flatten, recast, values_bytes};
use super::system_columns::{self, Periods};
use super::{OpenEnd, Put, PutKind, PutLimits, arrange, evolve, totals};
use crate::column::{CanonicalHasher, canonical_bytes_of_row, normalise};
use crate::context::Context;
use crate::identity::{ContentRoot, PutDigest};
use crate::key::{EncodedKeys, KEY_BYTES_MAX};
use crate::manifest::{OFFSET, OP, PARTITION, VALID_FROM, VALID_TO};
use crate::record::Mode;
use crate::refusal::{ModeTakes, Refusal};
use crate::row_group::{FieldColumn, HashedGroups, ROW_BYTES_MAX, hash_rows, row_sizes};
use crate::schema::{FieldType, Schema};

/// A put that is ready to be compared with what is known.
#[derive(Clone, Debug)]
pub struct Extract {
    /// The schema that was in force when it was prepared.
    pub prepared_for: Option<Arc<Schema>>,
    /// The schema of its rows.
    pub schema: Arc<Schema>,
    /// Whether that schema is a new version.
    pub is_new_schema: bool,
    /// Keys, sorted; unique in a full or delta.
    pub keys: EncodedKeys,
    /// The columns of the schema, normalised, in its order.
    pub columns: Vec<FieldColumn>,
    /// Which rows retract; empty if none does.
    pub retract: Vec<bool>,
    /// Periods of facts, in the order of the rows.
    pub periods: Option<Periods>,
    /// `_partition`, if it came.
    pub partition: Option<ArrayRef>,
    /// `_offset`, if it came.
    pub offset: Option<ArrayRef>,
    /// Rows as they were handed over.
    pub rows: u64,
    /// Rows dropped as duplicates.
    pub duplicates: u64,
    /// Row groups of the rows, hashed.
    pub groups: HashedGroups,
    /// Content root over the rows.
    pub content_root: ContentRoot,
    /// What makes it the same put when it comes again.
    pub digest: PutDigest,
}

/// Prepares a put for a context as it is now.
///
/// # Errors
/// [`Refusal`] names row and field of what does not fit.
pub fn prepare(put: &Put, context: &Context, limits: PutLimits) -> Result<Extract, Refusal> {
    check_options(put, context)?;
    let rows = check_size(put, limits)?;
    system_columns::check_names(put.kind, put.schema.fields().iter().map(|field| field.name().as_str()))?;
    let (schema, is_new_schema) = evolve(context, &put.schema, put.options.evolve)?;
    let SystemValues { retract, periods, partition, offset } = read_system_columns(put, rows)?;
    let columns = read_columns(put, &schema, &retract, rows, limits)?;
    check_announced(put, &schema, &columns, rows)?;
    let keys = encode_keys(&schema, &columns)?;
    let arrangement = match put.kind {
        PutKind::Facts { .. } => arrange::sort(&keys),
        PutKind::Full { .. } | PutKind::Delta { .. } => {
            arrange::sort_unique(&keys, put.options.on_duplicate, &schema, &columns)?
        }
    };
    let mut extract = Extract {
        prepared_for: context.schema().cloned(),
        is_new_schema,
        keys,
        columns: fields_of(&schema, columns),
        schema,
        retract,
        periods,
        partition,
        offset,
        rows: rows as u64,
        duplicates: arrangement.duplicates,
        groups: Vec::new(),
        content_root: ContentRoot::new([0; 32]),
        digest: PutDigest::new([0; 32]),
    };
    if let Some(rows) = arrangement.rows {
        extract.reorder(&rows);
    }
    extract.hash(put);
    Ok(extract)
}

/// The columns of a put that are not the context's.
struct SystemValues {
    retract: Vec<bool>,
    periods: Option<Periods>,
    partition: Option<ArrayRef>,
    offset: Option<ArrayRef>,
}

fn read_system_columns(put: &Put, rows: usize) -> Result<SystemValues, Refusal> {
    let read = |name: &str| -> Result<Option<ArrayRef>, Refusal> {
        let Some(place) = put.schema.fields().iter().position(|field| field.name() == name) else {
            return Ok(None);
        };
        let parts: Vec<&dyn Array> = put.batches.iter().map(|batch| batch.column(place).as_ref()).collect();
        Ok(Some(join(name, &parts, put.schema.field(place).data_type())?))
    };
    let periods = match put.kind {
        PutKind::Facts { valid_to } => {
            let (from, to) = (read("_valid_from")?, read("_valid_to")?);
            Some(system_columns::periods(from.as_ref(), to.as_ref(), valid_to, rows)?)
        }
        PutKind::Full { .. } | PutKind::Delta { .. } => None,
    };
    Ok(SystemValues {
        retract: system_columns::retractions(read("_op")?.as_ref())?,
        periods,
        partition: read("_partition")?.map(|column| system_columns::partition(&column)).transpose()?,
        offset: read("_offset")?.map(|column| system_columns::offset(&column)).transpose()?,
    })
}

fn check_options(put: &Put, context: &Context) -> Result<(), Refusal> {
    let kind = put.kind.as_str();
    let takes_facts = matches!(put.kind, PutKind::Facts { .. });
    if takes_facts != (context.mode() == Mode::Events) {
        let expected = ModeTakes(context.mode());
        return Err(Refusal::Mode { context: context.name().clone(), expected, found: kind });
    }
    let options = &put.options;
    let refuse = |option| Err(Refusal::Option { option, kind });
    if takes_facts && options.replace {
        return refuse("replace");
    }
    if takes_facts && options.parent.is_some() {
        return refuse("parent");
    }
    if options.positions.len() > 65_536 {
        return Err(Refusal::Field { field: "positions", expected: "at most 65,536 positions" });
    }
    for position in &options.positions {
        let legal = |text: &str| (1..=256).contains(&text.len()) && !text.chars().any(char::is_control);
        if !legal(&position.source) || !legal(&position.partition) {
            return Err(Refusal::Field {
                field: "positions",
                expected: "source and partition of 1 to 256 bytes without control characters",
            });
        }
        if position.from > position.to {
            return Err(Refusal::Field { field: "positions", expected: "from at or below to" });
        }
    }
    Ok(())
}

fn check_size(put: &Put, limits: PutLimits) -> Result<usize, Refusal> {
    let rows: u64 = put.batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let bytes: u64 = put.batches.iter().flat_map(RecordBatch::columns).map(values_bytes).sum();
    let refuse = |what, found, limit| Err(Refusal::TooLarge { what, found, limit });
    if rows > limits.rows_max.min(u64::from(u32::MAX)) {
        return refuse("rows", rows, limits.rows_max);
    }
    if bytes > limits.bytes_max {
        return refuse("bytes", bytes, limits.bytes_max);
    }
    let same_columns = |batch: &RecordBatch| {
        let (ours, theirs) = (put.schema.fields(), batch.schema_ref().fields());
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.data_type() == b.data_type())
    };
    if !put.batches.iter().all(same_columns) {
        return Err(Refusal::Field { field: "rows", expected: "the same columns in every batch" });
    }
    Ok(usize::try_from(rows).expect("fewer than 2^32 rows"))
}

fn join(name: &str, parts: &[&dyn Array], data_type: &DataType) -> Result<ArrayRef, Refusal> {
    match parts {
        [] => Ok(new_null_array(data_type, 0)),
        [one] => Ok(one.slice(0, one.len())),
        several => concat(several).map_err(|_| Refusal::TooLarge {
            what: if name.is_empty() { "bytes" } else { "bytes in one column" },
            found: several.iter().map(|part| part.get_array_memory_size() as u64).sum(),
            limit: i32::MAX as u64,
        }),
    }
}

/// Reads the columns of the schema in its order: flat, of its types, normalised.
fn read_columns(
    put: &Put,
    schema: &Schema,
    retract: &[bool],
    rows: usize,
    limits: PutLimits,
) -> Result<Vec<ArrayRef>, Refusal> {
    let retracting = (!retract.is_empty()).then(|| BooleanArray::from(retract.to_vec()));
    let mut columns = Vec::with_capacity(schema.fields().len());
    let mut bytes = 0;
    for (place, field) in schema.fields().iter().enumerate() {
        let wanted = field.field_type.to_arrow();
        let name = field.name.as_str();
        let Some(source) = put.schema.fields().iter().position(|other| other.name() == name) else {
            columns.push(new_null_array(&wanted, rows));
            continue;
        };
        let mut parts = Vec::with_capacity(put.batches.len());
        let mut first_row = 1;
        for batch in &put.batches {
            // A dictionary may stand for far more than it takes.
            bytes += flat_bytes(batch.column(source));
            if bytes > limits.bytes_max {
                let (what, found, limit) = ("bytes", bytes, limits.bytes_max);
                return Err(Refusal::TooLarge { what, found, limit });
            }
            let flat = flatten(name, batch.column(source), first_row)?;
            parts.push(recast(name, &flat, &wanted)?);
            first_row += batch.num_rows() as u64;
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let mut column = join(name, &parts, &wanted)?;
        if let (Some(retracting), false) = (&retracting, schema.is_key(place)) {
            column = nullif(&column, retracting).expect("as many rows");
        }
        let is_null =
            |row: &usize| column.is_null(*row) && !retract.get(*row).is_some_and(|retract| *retract);
        if !field.nullable && column.null_count() > 0 {
            let hint = if schema.is_key(place) { ": it belongs to the key" } else { ": it is not nullable" };
            let null = if schema.is_key(place) {
                (0..rows).find(|row| column.is_null(*row))
            } else {
                (0..rows).find(is_null)
            };
            if let Some(row) = null {
                return Err(Refusal::Null { row: row as u64 + 1, column: name.to_owned(), hint });
            }
        }
        columns.push(normalise(field.field_type, &column));
    }
    Ok(columns)
}

fn check_announced(put: &Put, schema: &Schema, columns: &[ArrayRef], rows: usize) -> Result<(), Refusal> {
    let found = rows as u64;
    match put.options.expected_rows {
        Some(expected) if expected != found => {
            return Err(Refusal::ExpectedRows { expected, found });
        }
        None if found == 0 && matches!(put.kind, PutKind::Full { .. }) => {
            return Err(Refusal::EmptyFull);
        }
        _ => {}
    }
    totals::check(&put.options.totals, schema, columns)
}

/// Refuses keys that would not fit together even before they are encoded.
fn check_key_bytes(key: &[(FieldType, ArrayRef)]) -> Result<(), Refusal> {
    let rows = key.first().map_or(0, |(_, column)| column.len());
    let bytes_of = |row: usize| -> usize {
        key.iter().map(|(field_type, column)| canonical_bytes_of_row(*field_type, column, row)).sum()
    };
    let mut total = 0_u64;
    for row in 0..rows {
        let found = bytes_of(row);
        if found > KEY_BYTES_MAX + 4 * key.len() {
            return Err(Refusal::KeyLength { row: row as u64 + 1, found });
        }
        // Each byte may be escaped by a second one.
        total += 2 * found as u64;
    }
    let limit = u64::from(u32::MAX);
    if total > limit { Err(Refusal::TooLarge { what: "bytes of keys", found: total, limit }) } else { Ok(()) }
}

fn encode_keys(schema: &Schema, columns: &[ArrayRef]) -> Result<EncodedKeys, Refusal> {
    let key: Vec<(FieldType, ArrayRef)> = schema
        .key_places()
        .iter()
        .map(|place| (schema.fields()[*place].field_type, Arc::clone(&columns[*place])))
        .collect();
    check_key_bytes(&key)?;
    let keys = EncodedKeys::encode(&key);
    for (row, key) in (1..).zip(keys.iter()) {
        if key.len() > KEY_BYTES_MAX {
            return Err(Refusal::KeyLength { row, found: key.len() });
        }
    }
    let sizes = row_sizes(keys.len(), &fields_of(schema, columns.to_vec()));
    match (0..keys.len()).find(|row| sizes.get(*row) > ROW_BYTES_MAX) {
        Some(row) => Err(Refusal::RowLength { row: row as u64 + 1, found: sizes.get(row) }),
        None => Ok(keys),
    }
}

fn fields_of(schema: &Schema, columns: Vec<ArrayRef>) -> Vec<FieldColumn> {
    let fields = schema.fields().iter().zip(columns);
    fields
        .map(|(field, values)| FieldColumn { field: field.id, field_type: field.field_type, values })
        .collect()
}

impl Extract {
    fn reorder(&mut self, rows: &[u32]) {
        let places = UInt32Array::from(rows.to_vec());
        let reorder = |column: &ArrayRef| take(column, &places, None).expect("rows lie within the put");
        for column in &mut self.columns {
            column.values = normalise(column.field_type, &reorder(&column.values));
        }
        self.keys = self.keys.take(rows);
        self.partition = self.partition.as_ref().map(reorder);
        self.offset = self.offset.as_ref().map(reorder);
        let pick = |row: &u32| *row as usize;
        if !self.retract.is_empty() {
            self.retract = rows.iter().map(|row| self.retract[pick(row)]).collect();
        }
        if let Some(periods) = &mut self.periods {
            periods.from = rows.iter().map(|row| periods.from[pick(row)]).collect();
            periods.to = rows.iter().map(|row| periods.to[pick(row)]).collect();
        }
    }

    /// Whether a row retracts.
    pub fn is_retraction(&self, row: usize) -> bool {
        self.retract.get(row).is_some_and(|retract| *retract)
    }

    /// Cuts and hashes the rows. What a full says is its rows; a delta's rows count with their `_op`, facts
    /// with their periods too.
    fn hash(&mut self, put: &Put) {
        let mut also: Vec<FieldColumn> = Vec::new();
        if !matches!(put.kind, PutKind::Full { .. }) {
            let retract: Vec<bool> = (0..self.keys.len()).map(|row| self.is_retraction(row)).collect();
            also.push(FieldColumn {
                field: OP,
                field_type: FieldType::Bool,
                values: Arc::new(BooleanArray::from(retract)),
            });
        }
        if let Some(periods) = &self.periods {
            let instants = |field, values: Int64Array| -> FieldColumn {
                let values: ArrayRef = Arc::new(values);
                let field_type = FieldType::Int(64);
                FieldColumn { field, field_type, values: normalise(field_type, &values) }
            };
            also.push(instants(VALID_FROM, Int64Array::from(periods.from.clone())));
            also.push(instants(VALID_TO, Int64Array::from(periods.to.clone())));
        }
        for (field, field_type, values) in
            [(PARTITION, FieldType::Utf8, &self.partition), (OFFSET, FieldType::Int(64), &self.offset)]
        {
            let column = |values| FieldColumn { field, field_type, values: normalise(field_type, values) };
            also.extend(values.iter().map(column));
        }
        (self.groups, self.content_root) = hash_rows(&self.keys, &self.columns, &also);
        self.digest = put_digest(put, self.content_root);
    }
}

/// The options of a put that make it what it is, in one order.
#[derive(Serialize)]
struct Identity<'a> {
    kind: &'static str,
    cutoff: Option<i64>,
    valid_to: Option<&'static str>,
    recorded_at: Option<i64>,
    semantics: crate::record::CutoffSemantics,
    positions: &'a [crate::record::Position],
    watermark: Option<i64>,
    reason: Option<&'a str>,
    evolve: bool,
    replace: bool,
    on_duplicate: &'static str,
    expected_rows: Option<u64>,
    totals: &'a std::collections::BTreeMap<String, String>,
    parent: Option<String>,
    rows: String,
}

fn put_digest(put: &Put, content: ContentRoot) -> PutDigest {
    let options = &put.options;
    let identity = Identity {
        kind: put.kind.as_str(),
        cutoff: put.kind.cutoff().map(crate::time::ValidTime::micros),
        valid_to: match put.kind {
            PutKind::Facts { valid_to: Some(OpenEnd::Open) } => Some("open"),
            PutKind::Facts { valid_to: Some(OpenEnd::UntilNext) } => Some("until_next"),
            PutKind::Facts { valid_to: None } | PutKind::Full { .. } | PutKind::Delta { .. } => None,
        },
        recorded_at: options.recorded_at.map(crate::time::SystemTime::micros),
        semantics: options.semantics,
        positions: &options.positions,
        watermark: options.watermark.map(crate::time::ValidTime::micros),
        reason: options.reason.as_ref().map(crate::name::Reason::as_str),
        evolve: options.evolve,
        replace: options.replace,
        on_duplicate: match options.on_duplicate {
            super::OnDuplicate::Refuse => "refuse",
            super::OnDuplicate::First => "first",
            super::OnDuplicate::Last => "last",
        },
        expected_rows: options.expected_rows,
        totals: &options.totals,
        parent: options.parent.map(|parent| parent.to_string()),
        rows: content.to_string(),
    };
    let mut hasher = CanonicalHasher::default();
    hasher.bytes(&serde_json::to_vec(&identity).expect("every field has a JSON form"));
    PutDigest::new(hasher.finish())
}
