//! Puts and withdrawals.
//!
//! Invariant: a put whose source failed never closes its stream in order, so that nothing of it is committed.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use calotype_proto::v1;
use calotype_proto::v1::put_stream_request::Part;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use prost::Message;
use tokio::sync::oneshot;

use super::{Call, Client, method};
use crate::arrow;
use crate::convert::Present;
use crate::error::{Broken, ClientError};
use crate::put::{PutOptions, Receipt, Withdrawal};
use crate::retry::Repeat;
use crate::value::Row;

/// What messages of rows aim at, bytes.
const MESSAGE_BYTES: usize = 1 << 20;

type Parts = BoxStream<'static, Result<Part, ClientError>>;

impl Client {
    /// Puts rows under named columns. Answers when they are durable and can be read; a cancelled call may or may not
    /// have committed.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was committed but where the transport failed or the time was up, and then the same
    /// request id tells.
    pub async fn put_rows(
        &self,
        options: &PutOptions,
        columns: &[impl AsRef<str>],
        rows: &[Row],
    ) -> Result<Receipt, ClientError> {
        let columns: Vec<String> = columns.iter().map(|name| name.as_ref().to_owned()).collect();
        if let Some((at, row)) = rows.iter().enumerate().find(|(_, row)| row.0.len() != columns.len()) {
            let (found, expected) = (row.0.len(), columns.len());
            return Err(ClientError::Request(format!("row {at} has {found} values for {expected} columns")));
        }
        let mut batches = cut(&columns, rows);
        if batches.len() > 1 {
            let parts = move || stream::iter(batches.clone()).map(|rows| Ok(Part::Rows(rows))).boxed();
            return self.put_parts(options, parts).await;
        }
        let (put, repeat) = header(options)?;
        let rows = batches.pop().unwrap_or(v1::RowBatch { columns, rows: Vec::new() });
        let data = Some(v1::put_request::Data::Rows(rows));
        let message = v1::PutRequest { put: Some(put), data };
        let read = |reply: v1::PutResponse| receipt(reply.receipt);
        let receipt = self.call(repeat, message, method!(self.ingest_service(), put), read).await?;
        Ok(self.noted(receipt))
    }

    /// Puts record batches of a schema. As [`Self::put_rows`].
    ///
    /// # Errors
    /// As [`Self::put_rows`].
    pub async fn put_arrow(
        &self,
        options: &PutOptions,
        schema: SchemaRef,
        batches: &[RecordBatch],
    ) -> Result<Receipt, ClientError> {
        let batches = batches.to_vec();
        let parts = move || {
            let batches = stream::iter(batches.clone()).map(Ok).boxed();
            arrow::encode(SchemaRef::clone(&schema), batches).map(|message| message.map(Part::Arrow)).boxed()
        };
        self.put_parts(options, parts).await
    }

    /// Puts record batches as they come, as fast as the server takes them. Never retried, because the batches are
    /// gone; repeat it under the same request id. If the source fails, nothing is committed.
    ///
    /// # Errors
    /// As [`Self::put_rows`]; [`ClientError::Source`] if a batch could not be had.
    pub async fn put_arrow_stream<E>(
        &self,
        options: &PutOptions,
        schema: SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch, E>> + Send + 'static,
    ) -> Result<Receipt, ClientError>
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (put, _) = header(options)?;
        let batches = batches.map(|batch| batch.map_err(|error| ClientError::Source(error.into()))).boxed();
        let parts = arrow::encode(schema, batches).map(|message| message.map(Part::Arrow)).boxed();
        let call = self.begin()?;
        self.within(&call, self.put_once(&call, put, parts)).await
    }

    /// Takes back all that was said at a cutoff.
    ///
    /// # Errors
    /// [`ClientError`]; `NOT_FOUND` where nothing is known at the cutoff.
    pub async fn withdraw(&self, withdrawal: &Withdrawal) -> Result<Receipt, ClientError> {
        let (request_id, repeat) = withdrawal.request_id.resolve()?;
        let message = v1::WithdrawCutoffRequest { request_id, ..withdrawal.into() };
        let read = |reply: v1::WithdrawCutoffResponse| receipt(reply.receipt);
        let receipt =
            self.call(repeat, message, method!(self.ingest_service(), withdraw_cutoff), read).await?;
        Ok(self.noted(receipt))
    }

    /// Puts parts that can be made again.
    async fn put_parts(
        &self,
        options: &PutOptions,
        parts: impl Fn() -> Parts,
    ) -> Result<Receipt, ClientError> {
        let (put, repeat) = header(options)?;
        let call = self.begin()?;
        self.attempts(&call, repeat, || self.put_once(&call, put.clone(), parts())).await
    }

    async fn put_once(&self, call: &Call, put: v1::PutHeader, parts: Parts) -> Result<Receipt, ClientError> {
        let (failure, failed) = oneshot::channel();
        let mut service = self.ingest_service();
        let reply = service.put_stream(self.request(call, messages(put, parts, failure)));
        // When the source has failed, dropping the call resets its stream: the server sees no half-close.
        let reply = tokio::select! {
            biased;
            Ok(error) = failed => return Err(error),
            reply = reply => reply,
        };
        let reply = reply.map_err(|status| self.failure(call, &status))?.into_inner();
        receipt(reply.receipt)
            .map_err(|broken| broken.of(&call.request_id))
            .map(|receipt| self.noted(receipt))
    }

    pub(super) fn noted(&self, receipt: Receipt) -> Receipt {
        self.inner.seen.note(receipt.commit);
        receipt
    }
}

/// The messages of a put: its header, then its parts. At a failure it says so and stays open.
fn messages(
    put: v1::PutHeader,
    parts: Parts,
    failure: oneshot::Sender<ClientError>,
) -> impl Stream<Item = v1::PutStreamRequest> + Send + 'static {
    let failure = Arc::new(Mutex::new(Some(failure)));
    let parts = parts.then(move |part| {
        let failure = Arc::clone(&failure);
        async move {
            match part {
                Ok(part) => part,
                Err(error) => {
                    let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                    // If nobody listens any more, the call is gone already.
                    drop(failure.map(|failure| failure.send(error)));
                    futures::future::pending().await
                }
            }
        }
    });
    stream::once(async move { Part::Put(put) })
        .chain(parts)
        .map(|part| v1::PutStreamRequest { part: Some(part) })
}

pub(super) fn header(options: &PutOptions) -> Result<(v1::PutHeader, Repeat), ClientError> {
    let (request_id, repeat) = options.request_id.resolve()?;
    Ok((v1::PutHeader { request_id, ..options.into() }, repeat))
}

fn receipt(receipt: Option<v1::Receipt>) -> Result<Receipt, Broken> {
    receipt.present("receipt")?.try_into()
}

/// Rows as batches of about [`MESSAGE_BYTES`].
fn cut(columns: &[String], rows: &[Row]) -> Vec<v1::RowBatch> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut bytes = 0;
    let full = |rows| v1::RowBatch { columns: columns.to_vec(), rows };
    for row in rows {
        let row = v1::Row::from(row);
        bytes += row.encoded_len();
        batch.push(row);
        if bytes >= MESSAGE_BYTES {
            batches.push(full(std::mem::take(&mut batch)));
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        batches.push(full(batch));
    }
    batches
}
