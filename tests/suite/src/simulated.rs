//! A database on the simulated store: directory syncs through the switchboard, and
//! calls that give way to each other, so that several writers meet.

use std::fmt;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use calotype_simulation::SimStore;
use calotype_storage::backend::{Backend, DirectorySync};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The simulated store as a local disk: what a `Backend` holds.
pub fn disk(store: &SimStore) -> Backend {
    let directories = Arc::new(Directories(store.clone()));
    Backend::new(Arc::new(GivingWay(store.clone())), Some(directories), "simulated disk")
}

/// The simulated store as one beyond a network: no directories, and answers that may be wrong.
pub fn bucket(store: &SimStore) -> Backend {
    Backend::new(Arc::new(GivingWay(store.clone())), None, "simulated bucket")
}

#[derive(Debug)]
struct Directories(SimStore);

impl DirectorySync for Directories {
    fn sync(&self, directory: &Path) -> std::result::Result<(), String> {
        self.0.sync_directory(directory).map_err(|error| error.to_string())
    }
}

/// Lets every other task run once before each put.
#[derive(Debug)]
struct GivingWay(SimStore);

async fn give_way() {
    let mut gave = false;
    poll_fn(|task| {
        if std::mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl fmt::Display for GivingWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for GivingWay {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        give_way().await;
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
