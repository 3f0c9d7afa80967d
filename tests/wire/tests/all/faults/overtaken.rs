//! A store on which somebody else is always faster.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use calotype_oracle::{Key, Operation};
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_suite::replay::apply_async;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How many slots a commit loses before it gives up.
const LOST_SLOTS_MAX: u32 = 40;

/// A store on which a rival takes each slot just before it is tried, while it is armed.
#[derive(Clone, Debug)]
pub(super) struct Overtaken {
    objects: Arc<InMemory>,
    rival: Database,
    armed: Arc<AtomicBool>,
}

fn options() -> OpenOptions {
    let options = OpenOptions::new(Access::Create, StateFolder::Memory);
    OpenOptions { lost_slots_max: LOST_SLOTS_MAX, makes_keyframes: false, ..options }
}

impl Overtaken {
    pub(super) async fn new() -> Self {
        let objects = Arc::new(InMemory::new());
        let backend = Backend::new(Arc::clone(&objects) as _, None, "memory");
        let rival = Database::open(backend, options()).await.unwrap();
        Self { objects, rival, armed: Arc::default() }
    }

    /// Opens the store behind the rival.
    pub(super) async fn open(&self) -> Database {
        let backend = Backend::new(Arc::new(self.clone()), None, "overtaken");
        Database::open(backend, options()).await.unwrap()
    }

    /// Lets the rival begin or stop.
    pub(super) async fn arm(&self, armed: bool) {
        self.rival.catch_up().await.unwrap();
        self.armed.store(armed, Ordering::SeqCst);
    }
}

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("overtaken")
    }
}

#[async_trait]
impl ObjectStore for Overtaken {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if self.armed.load(Ordering::SeqCst) && location.as_ref().starts_with("log/") {
            let operation = Operation::delta(50, [(Key(9), Some(9))]);
            apply_async(&self.rival, &operation).await.unwrap();
        }
        self.objects.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.objects.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}
