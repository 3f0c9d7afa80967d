//! Puts of the oracle's histories, through each door.

use arrow_array::RecordBatch;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::{FlightDescriptor, PutResult};
use calotype_client::{
    Deed, Instant, OpenEnd as ClientEnd, PutKind, PutOptions, Receipt, RequestId, Row, ValidTime, Value,
    Withdrawal,
};
use calotype_oracle::{EventsPut, Key, OpenEnd, Operation};
use calotype_storage::time::SystemTime;
use calotype_suite::oracle_rows::{events_batch, statement_batch};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value as Json, json};

use super::{CONTEXT, Doors, instant};
use crate::failure::Failure;

/// The door that a put goes in through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Putting {
    /// gRPC, typed values in one message.
    Rows,
    /// gRPC, a stream of Arrow.
    Arrow,
    /// gRPC, many deeds in one stream.
    Many,
    /// Arrow Flight.
    Flight,
}

impl Putting {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rows, Self::Arrow, Self::Many, Self::Flight];

    /// One of them, in turns.
    pub const fn turn(number: usize) -> Self {
        Self::ALL[number % Self::ALL.len()]
    }
}

/// What was committed, as every door says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Committed {
    /// The commit.
    pub commit: u64,
    /// The entry in it.
    pub entry: u32,
    /// The record's hash.
    pub record_hash: String,
    /// Since when it is known, microseconds.
    pub system_time: i64,
    /// Facts that assert and that retract, rows unchanged and dropped.
    pub counts: [u64; 4],
    /// The schema version.
    pub schema_version: u32,
    /// The snapshot sealed.
    pub snapshot: Option<String>,
    /// Whether it had been committed before.
    pub replayed: bool,
}

impl From<Receipt> for Committed {
    fn from(receipt: Receipt) -> Self {
        Self {
            commit: receipt.commit,
            entry: receipt.entry,
            record_hash: receipt.record_hash,
            system_time: receipt.system_time.micros(),
            counts: [receipt.asserted, receipt.retracted, receipt.unchanged, receipt.duplicates],
            schema_version: receipt.schema_version,
            snapshot: receipt.snapshot,
            replayed: receipt.replayed,
        }
    }
}

impl Committed {
    /// Reads what Flight answers.
    fn from_json(result: &Json) -> Self {
        let number = |name: &str| result[name].as_u64().expect("a number");
        let text = |name: &str| result[name].as_str().map(str::to_owned);
        let small = |name: &str| u32::try_from(number(name)).expect("a small number");
        let time = text("system_time").expect("a time");
        Self {
            commit: number("commit"),
            entry: small("entry"),
            record_hash: text("record_hash").expect("a hash"),
            system_time: SystemTime::parse(&time).expect("a time").micros(),
            counts: ["asserted", "retracted", "unchanged", "duplicates"].map(number),
            schema_version: small("schema_version"),
            snapshot: text("snapshot"),
            replayed: result["replayed"].as_bool().expect("true or false"),
        }
    }

    /// The same put, as it was answered when it was new.
    #[must_use]
    pub fn first(&self) -> Self {
        Self { replayed: false, ..self.clone() }
    }
}

/// A put in every form.
struct Forms {
    options: PutOptions,
    columns: Vec<&'static str>,
    rows: Vec<Row>,
    batch: RecordBatch,
}

impl Doors {
    /// Puts an operation through a door; under a request id, where one is given.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn apply(
        &self,
        door: Putting,
        operation: &Operation<Key, u32>,
        id: Option<&str>,
    ) -> Result<Committed, Failure> {
        self.apply_expecting(door, operation, id, None).await
    }

    /// The same, refused if the newest commit to the context is another than is expected.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn apply_expecting(
        &self,
        door: Putting,
        operation: &Operation<Key, u32>,
        id: Option<&str>,
        expected_commit: Option<u64>,
    ) -> Result<Committed, Failure> {
        if let Operation::Withdraw { cutoff } = operation {
            return self.withdraw(door, *cutoff, id, expected_commit).await;
        }
        let mut forms = statement(operation);
        forms.options.request_id = request_id(id);
        forms.options.expected_commit = expected_commit;
        self.put(door, forms).await
    }

    /// Puts facts through a door.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn apply_events(
        &self,
        door: Putting,
        events: &EventsPut<Key, u32>,
        id: Option<&str>,
    ) -> Result<Committed, Failure> {
        let mut forms = facts(events);
        forms.options.request_id = request_id(id);
        self.put(door, forms).await
    }

    async fn withdraw(
        &self,
        door: Putting,
        cutoff: i64,
        id: Option<&str>,
        expected_commit: Option<u64>,
    ) -> Result<Committed, Failure> {
        let withdrawal = Withdrawal {
            request_id: request_id(id),
            expected_commit,
            ..Withdrawal::of(CONTEXT, ValidTime::from_micros(cutoff))
        };
        match door {
            Putting::Rows | Putting::Arrow => Ok(self.client.withdraw(&withdrawal).await?.into()),
            Putting::Many => self.one_of_many(Deed::Withdraw(withdrawal)).await,
            Putting::Flight => {
                let mut body = json!({"context": CONTEXT, "cutoff": instant(cutoff)});
                if let Some(id) = id {
                    body["idempotency_key"] = json!(id);
                }
                Ok(Committed::from_json(&self.act("withdraw_cutoff", &body).await?))
            }
        }
    }

    async fn put(&self, door: Putting, forms: Forms) -> Result<Committed, Failure> {
        let Forms { options, columns, rows, batch } = forms;
        match door {
            Putting::Rows => Ok(self.client.put_rows(&options, &columns, &rows).await?.into()),
            Putting::Arrow => Ok(self.client.put_arrow(&options, batch.schema(), &[batch]).await?.into()),
            Putting::Many => {
                let schema = batch.schema();
                self.one_of_many(Deed::Put { options: Box::new(options), schema, batches: vec![batch] }).await
            }
            Putting::Flight => self.put_flight(&descriptor(&options), batch).await,
        }
    }

    async fn one_of_many(&self, deed: Deed) -> Result<Committed, Failure> {
        let mut answers = self.client.put_many(vec![deed]).await?;
        assert_eq!(answers.len(), 1, "one deed, one answer");
        Ok(answers.remove(0)?.into())
    }

    /// Puts a batch over Flight.
    ///
    /// # Errors
    /// As the server answers.
    ///
    /// # Panics
    /// If the answer is not what the interface says.
    pub async fn put_flight(&self, descriptor: &Json, batch: RecordBatch) -> Result<Committed, Failure> {
        let stream = FlightDataEncoderBuilder::new()
            .with_flight_descriptor(Some(FlightDescriptor::new_cmd(descriptor.to_string())))
            .with_schema(batch.schema())
            .build(stream::iter([Ok(batch)]).boxed());
        let results: Vec<PutResult> = self.flight().do_put(stream).await?.try_collect().await?;
        assert_eq!(results.len(), 1, "a put is answered once");
        let result = serde_json::from_slice(&results[0].app_metadata).expect("a put answers JSON");
        Ok(Committed::from_json(&result))
    }
}

fn request_id(id: Option<&str>) -> RequestId {
    id.map_or(RequestId::None, RequestId::from)
}

/// A statement in every form.
fn statement(operation: &Operation<Key, u32>) -> Forms {
    let cutoff = ValidTime::from_micros(operation.cutoff());
    let (is_full, replace, rows): (bool, bool, Vec<(Key, Option<u32>)>) = match operation {
        Operation::Full { rows, .. } => (true, false, rows.iter().map(|(k, v)| (*k, Some(*v))).collect()),
        Operation::ReplaceFull { rows, .. } => {
            (true, true, rows.iter().map(|(k, v)| (*k, Some(*v))).collect())
        }
        Operation::Delta { rows, .. } => (false, false, rows.iter().map(|(k, v)| (*k, *v)).collect()),
        Operation::ReplaceDelta { rows, .. } => (false, true, rows.iter().map(|(k, v)| (*k, *v)).collect()),
        Operation::Withdraw { .. } => unreachable!("a withdrawal is no put"),
    };
    let named = if is_full { PutOptions::full(CONTEXT, cutoff) } else { PutOptions::delta(CONTEXT, cutoff) };
    let options = PutOptions { replace, expected_rows: is_full.then_some(rows.len() as u64), ..named };
    let columns = if is_full { vec!["k", "v"] } else { vec!["k", "v", "_op"] };
    let rows = rows.into_iter().map(|(key, value)| {
        let mut row = vec![Value::Int(key.0.into()), value.into()];
        if !is_full {
            row.push(op(value));
        }
        Row(row)
    });
    let rows = rows.collect();
    Forms { options, columns, rows, batch: statement_batch(operation, "v") }
}

/// A put of facts in every form.
fn facts(events: &EventsPut<Key, u32>) -> Forms {
    let valid_to = match events.open_end {
        None => ClientEnd::Refused,
        Some(OpenEnd::Open) => ClientEnd::Open,
        Some(OpenEnd::UntilNext) => ClientEnd::UntilNext,
    };
    let at = |micros: i64| Value::Timestamp(Instant::from_micros(micros));
    let rows = events.rows.iter().map(|row| {
        let ends = row.valid_to.map_or(Value::Null, at);
        Row(vec![Value::Int(row.key.0.into()), row.value.into(), op(row.value), at(row.valid_from), ends])
    });
    Forms {
        options: PutOptions { valid_to, ..PutOptions::facts(CONTEXT) },
        columns: vec!["k", "v", "_op", "_valid_from", "_valid_to"],
        rows: rows.collect(),
        batch: events_batch(events, "v"),
    }
}

fn op(value: Option<u32>) -> Value {
    Value::from(if value.is_some() { "assert" } else { "retract" })
}

/// The descriptor that says the same as a client's options.
fn descriptor(options: &PutOptions) -> Json {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Json| drop(fields.insert(name.to_owned(), value));
    set("context", json!(options.context));
    let kind = match options.kind {
        PutKind::Facts => "facts",
        PutKind::Full => "full",
        PutKind::Delta => "delta",
    };
    set("kind", json!(kind));
    if let Some(cutoff) = options.cutoff {
        set("cutoff", instant(cutoff.micros()));
    }
    match options.valid_to {
        ClientEnd::Refused => {}
        ClientEnd::Open => set("valid_to", json!("open")),
        ClientEnd::UntilNext => set("valid_to", json!("until_next")),
    }
    if let RequestId::Is(id) = &options.request_id {
        set("idempotency_key", json!(id));
    }
    if options.replace {
        set("replace", json!(true));
    }
    if let Some(rows) = options.expected_rows {
        set("expected_rows", json!(rows));
    }
    if let Some(commit) = options.expected_commit {
        set("expected_commit", json!(commit));
    }
    Json::Object(fields)
}
