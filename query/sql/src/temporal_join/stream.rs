//! Drives the sweep: fetches the batches it asks for, accounts for its memory, hands on its results.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::metrics::{BaselineMetrics, RecordOutput};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use super::Axes;
use super::output;
use super::reader::Reader;
use super::sweep::{Step, Sweep, Which};

/// An input and what reads it.
pub(super) struct Input {
    pub(super) stream: SendableRecordBatchStream,
    pub(super) reader: Reader,
}

/// A running join. Dropping it ends both inputs and gives its memory back.
pub(super) struct Driver {
    pub(super) sweep: Sweep,
    pub(super) left: Input,
    pub(super) right: Input,
    pub(super) axes: Axes,
    pub(super) schema: SchemaRef,
    pub(super) reservation: MemoryReservation,
    pub(super) metrics: BaselineMetrics,
}

impl Driver {
    /// The results as a stream that yields to the scheduler, ends at the first error, and works only when polled.
    pub(super) fn into_stream(self) -> SendableRecordBatchStream {
        let schema = self.schema.clone();
        let batches = stream::try_unfold(self, |mut driver| async move {
            Ok(driver.next_batch().await?.map(|batch| (batch, driver)))
        });
        Box::pin(cooperative(RecordBatchStreamAdapter::new(schema, Box::pin(batches))))
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let timer = self.metrics.elapsed_compute().timer();
            let step = self.sweep.run();
            timer.done();
            match step {
                Step::Read(side) => self.read(side).await?,
                Step::Flush => return self.flush().map(Some),
                Step::Pause => tokio::task::yield_now().await,
                Step::Done => {
                    self.metrics.done();
                    return Ok(None);
                }
            }
        }
    }

    async fn read(&mut self, side: Which) -> Result<()> {
        let input = match side {
            Which::Left => &mut self.left,
            Which::Right => &mut self.right,
        };
        let Some(batch) = input.stream.next().await.transpose()? else {
            self.sweep.end(side);
            return Ok(());
        };
        if batch.num_rows() > 0 {
            let _timer = self.metrics.elapsed_compute().timer();
            self.sweep.supply(side, input.reader.read(&batch)?)?;
            self.reservation.try_resize(self.sweep.size())?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<RecordBatch> {
        let _timer = self.metrics.elapsed_compute().timer();
        let batch = output::gather(&self.sweep, self.axes, &self.schema)?;
        self.sweep.flushed();
        Ok(batch.record_output(&self.metrics))
    }
}
