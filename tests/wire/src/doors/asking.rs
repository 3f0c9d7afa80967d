//! Questions through each door, answered in the oracle's form.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use arrow_flight::Ticket;
use arrow_flight::decode::DecodedPayload;
use calotype_client::{
    Answer, AsOfQuestion, DiffQuestion, Entity, EntityQuestion, HistoryQuestion, Key as ClientKey, Point,
    Row, SystemTime, ValidTime, Value,
};
use calotype_oracle::Key;
use futures::TryStreamExt;
use serde_json::{Value as Json, json};

use super::{CONTEXT, Doors, instant, rows_of};
use crate::failure::Failure;

/// The door that a question is asked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// gRPC, typed values.
    Values,
    /// gRPC, Arrow.
    Arrow,
    /// Arrow Flight.
    Flight,
}

impl Asking {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Values, Self::Arrow, Self::Flight];
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The claim, as JSON.
    pub claim: String,
    /// The batches; empty where rows came.
    pub batches: Vec<RecordBatch>,
    /// How many rows there were.
    pub rows: u64,
    /// Their hash.
    pub result_hash: String,
}

/// A point.
pub fn point(valid_at: i64, known_at: i64) -> Point {
    Point {
        valid_at: Some(ValidTime::from_micros(valid_at)),
        known_at: Some(SystemTime::from_micros(known_at)),
    }
}

impl Doors {
    /// The state at a point, and the hash of the answer.
    ///
    /// # Errors
    /// As the server answers.
    ///
    /// # Panics
    /// If the answer is not what the interface says.
    pub async fn state(
        &self,
        door: Asking,
        valid_at: i64,
        known_at: i64,
    ) -> Result<(BTreeMap<Key, u32>, String), Failure> {
        let question = AsOfQuestion::new(CONTEXT, point(valid_at, known_at));
        match door {
            Asking::Values => {
                let mut answer = self.client.as_of_rows(&question).await?;
                let rows = answer.read_all().await?;
                let end = answer.end().expect("an answer that was read has ended");
                assert_eq!(end.rows, rows.len() as u64);
                Ok((rows.iter().map(pair).collect(), end.result_hash.clone()))
            }
            Asking::Arrow => {
                let told = told(self.client.as_of(&question).await?).await?;
                Ok((state_of(&told.batches), told.result_hash))
            }
            Asking::Flight => {
                let ticket = json!({"as_of": {
                    "context": CONTEXT, "valid_at": instant(valid_at), "known_at": instant(known_at),
                }});
                let told = self.get(&ticket).await?;
                Ok((state_of(&told.batches), told.result_hash))
            }
        }
    }

    /// One entity at a point.
    ///
    /// # Errors
    /// As the server answers.
    ///
    /// # Panics
    /// If another entity is answered.
    pub async fn entity(&self, key: Key, valid_at: i64, known_at: i64) -> Result<Option<u32>, Failure> {
        let question = EntityQuestion {
            context: CONTEXT.into(),
            key: ClientKey::from([("k", Value::Int(key.0.into()))]),
            point: point(valid_at, known_at),
            ..EntityQuestion::default()
        };
        let Entity { row, end, .. } = self.client.entity(&question).await?;
        assert_eq!(end.rows, u64::from(row.is_some()));
        Ok(row.as_ref().map(|row| {
            let (found, value) = pair(row);
            assert_eq!(found, key, "the entity that was asked for");
            value
        }))
    }

    /// A history over gRPC as Arrow.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn history(&self, question: &HistoryQuestion) -> Result<Told, Failure> {
        told(self.client.history(question).await?).await
    }

    /// A difference over gRPC as Arrow.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn diff(&self, from: Point, to: Point) -> Result<Told, Failure> {
        let question = DiffQuestion { context: CONTEXT.into(), from, to, ..DiffQuestion::default() };
        told(self.client.diff(&question).await?).await
    }

    /// The answer to a ticket.
    ///
    /// # Errors
    /// As the server answers.
    ///
    /// # Panics
    /// If the answer is not what the interface says.
    pub async fn get(&self, ticket: &Json) -> Result<Told, Failure> {
        let mut stream = self.flight().do_get(Ticket::new(ticket.to_string())).await?.into_inner();
        let (mut claim, mut batches, mut end) = (None, Vec::new(), None);
        while let Some(data) = stream.try_next().await? {
            assert!(end.is_none(), "a message after the end");
            match data.payload {
                DecodedPayload::Schema(schema) => claim = schema.metadata().get("calotype.claim").cloned(),
                DecodedPayload::RecordBatch(batch) if data.inner.app_metadata.is_empty() => {
                    batches.push(without_claim(&batch));
                }
                DecodedPayload::RecordBatch(_) => {
                    let json: Json =
                        serde_json::from_slice(&data.inner.app_metadata).expect("the end is JSON");
                    end = Some(json["calotype.end"].clone());
                }
                DecodedPayload::None => unreachable!("a message without content"),
            }
        }
        let end = end.expect("an answer has its end");
        let rows = end["rows"].as_u64().expect("a number of rows");
        assert_eq!(rows, rows_of(&batches));
        let result_hash = end["result_hash"].as_str().expect("a hash").to_owned();
        Ok(Told { claim: claim.expect("an answer has a claim"), batches, rows, result_hash })
    }
}

/// Reads an answer to its end.
///
/// # Errors
/// As the server answers.
///
/// # Panics
/// If the answer has another number of rows than it says.
pub async fn told(mut answer: Answer) -> Result<Told, Failure> {
    let claim = answer.claim().to_json();
    let batches = answer.read_all().await?;
    let end = answer.end().expect("an answer that was read has ended").clone();
    assert_eq!(end.rows, rows_of(&batches));
    Ok(Told { claim, batches, rows: end.rows, result_hash: end.result_hash })
}

/// A batch whose schema carries no claim.
fn without_claim(batch: &RecordBatch) -> RecordBatch {
    let mut metadata = batch.schema().metadata().clone();
    metadata.remove("calotype.claim");
    let schema = batch.schema().as_ref().clone().with_metadata(metadata);
    RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec()).expect("the same columns")
}

fn pair(row: &Row) -> (Key, u32) {
    let [Value::Int(key), Value::UInt(value)] = row.values() else {
        unreachable!("a row of the oracle is a key and a value: {row:?}")
    };
    (Key(u32::try_from(*key).expect("small keys")), u32::try_from(*value).expect("small values"))
}

fn state_of(batches: &[RecordBatch]) -> BTreeMap<Key, u32> {
    let mut state = BTreeMap::new();
    for batch in batches {
        let keys = batch.column(0).as_primitive::<Int64Type>();
        let values = batch.column(1).as_primitive::<UInt32Type>();
        for row in 0..batch.num_rows() {
            assert!(values.is_valid(row), "the oracle has no nulls");
            let key = Key(u32::try_from(keys.value(row)).expect("small keys"));
            assert_eq!(state.insert(key, values.value(row)), None, "{key} was answered twice");
        }
    }
    state
}
