//! The handle: what a database holds as its object store, and a test as its switchboard.
//!
//! Invariant: every future and stream is ready at once, so that no runtime is needed, and no lock is
//! held when control returns to the caller.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, Extensions, GetOptions, GetRange, GetResult, GetResultPayload,
    ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};

use crate::disk::{Disk, Stat};
use crate::error::{Fault, STORE, generic};
use crate::fault::{FaultPlan, PlantedBugs};
use crate::local::{Publish, is_staging};
use crate::machine::Machine;
use crate::survivors::Survivors;
use crate::trace::{Step, StepKind};

/// A store on a simulated disk. Clones share the disk: keep one, give the database the other.
#[derive(Clone, Debug, Default)]
pub struct SimStore {
    machine: Arc<Mutex<Machine>>,
}

/// The switchboard. None of these takes a step, but for [`SimStore::sync_directory`].
impl SimStore {
    /// Starts with an empty disk, no limit and no faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the plan. Steps keep counting from the last restart.
    pub fn set_plan(&self, plan: FaultPlan) {
        self.lock().set_plan(plan);
    }

    /// Limits the bytes that files may take together, or lifts the limit. Restarts keep it. A write
    /// beyond it stores the sectors that fit and fails.
    pub fn set_space_bytes_max(&self, max: Option<u64>) {
        self.lock().disk.space_bytes_max = max;
    }

    /// Returns the bytes that files take together, with staging files that were left behind.
    pub fn used_bytes(&self) -> u64 {
        self.lock().disk.used_bytes()
    }

    /// Plants bugs in the store, or takes them out again. Restarts keep them.
    pub fn plant(&self, bugs: PlantedBugs) {
        self.lock().bugs = bugs;
    }

    /// Lets the machine die between two calls.
    pub fn crash(&self) {
        self.lock().crash();
    }

    /// Tells whether calls on this handle fail because the machine died or was restarted.
    pub fn is_crashed(&self) -> bool {
        self.lock().is_crashed()
    }

    /// Returns the machine as it boots again from what survives. It has no plan, and counts its
    /// steps from 0. If it was still running it dies first: every older handle stays dead, so that
    /// nobody from before can write to the new disk.
    ///
    /// One crash can be restarted from many times, each with other survivors.
    #[must_use]
    pub fn restart(&self, survivors: Survivors) -> Self {
        let mut machine = self.lock();
        machine.crash();
        Self { machine: Arc::new(Mutex::new(machine.restart(survivors))) }
    }

    /// Returns how many [`Survivors::Choice`] numbers have outcomes of their own if the machine died
    /// now: 2 to the number of unsynced things, and `u64::MAX` where that does not fit.
    pub fn survivor_choices(&self) -> u64 {
        let (_, unsynced) = self.lock().disk.after(Survivors::Choice(0));
        1_u64.checked_shl(unsynced).unwrap_or(u64::MAX)
    }

    /// Returns the number of steps since the last restart.
    pub fn step_count(&self) -> u64 {
        self.lock().step_count()
    }

    /// Returns the steps since the last restart.
    pub fn steps(&self) -> Vec<Step> {
        self.lock().trace.steps().to_vec()
    }

    /// Returns one line for each step, answer fault and restart of the whole life.
    pub fn trace(&self) -> Vec<String> {
        self.lock().trace.lines()
    }

    /// Returns a hash of [`SimStore::trace`] and of all bytes that puts tried to write.
    pub fn trace_hash(&self) -> u64 {
        self.lock().trace.hash()
    }

    /// Syncs a directory, as a process may do on a local disk beside the object store interface.
    /// The empty path is the root.
    ///
    /// # Errors
    /// When the machine crashed, the plan makes the step fail, or there is no such directory.
    pub fn sync_directory(&self, directory: &Path) -> Result<()> {
        let path = directory.as_ref();
        let answer = |fault: Fault| fault.into_answer(path);
        let mut machine = self.lock();
        machine.begin_call().map_err(answer)?;
        machine.sync_directory(path).map_err(answer)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Machine> {
        // A test that panicked elsewhere shall still be able to look at the disk.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one call of one step.
    fn call<T>(&self, kind: StepKind, path: &str, act: impl FnOnce(&mut Disk) -> io::Result<T>) -> Result<T> {
        let answer = |fault: Fault| fault.into_answer(path);
        let mut machine = self.lock();
        machine.begin_call().map_err(answer)?;
        machine.step(kind, path, act).map_err(answer)
    }

    fn list_all(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        let files = self.call(StepKind::List, prefix, |disk| Ok(disk.list(prefix)))?;
        files.iter().map(|(path, stat)| meta(Path::parse(path)?, *stat)).collect()
    }

    fn delete_one(&self, location: &Path) -> Result<()> {
        let path = checked(location)?;
        self.call(StepKind::Unlink, path, |disk| disk.unlink(path))
    }
}

impl fmt::Display for SimStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(STORE)
    }
}

#[async_trait]
impl ObjectStore for SimStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let publish = match opts.mode {
            PutMode::Create => Publish::Create,
            PutMode::Overwrite => Publish::Overwrite,
            PutMode::Update(_) => return Err(not_implemented("`put_opts` with `PutMode::Update`")),
        };
        if !opts.attributes.is_empty() {
            return Err(not_implemented("`put_opts` with attributes"));
        }
        let path = checked(location)?;
        let mut machine = self.lock();
        let begun = machine.begin_call();
        begun.map_err(|fault| fault.into_answer(path))?;
        let stat = machine.put_and_answer(path, &payload.into(), publish)?;
        Ok(PutResult { e_tag: Some(e_tag(stat)), version: None, extensions: Extensions::default() })
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(not_supported("multipart uploads"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let path = checked(location)?;
        let (stat, content) = if options.head {
            let stat = self.call(StepKind::Head, path, |disk| disk.stat(path))?;
            (stat, None)
        } else {
            let (stat, content) = self.call(StepKind::Read, path, |disk| disk.read(path))?;
            (stat, Some(content))
        };
        let meta = meta(location.clone(), stat)?;
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            Some(range) => range.as_range(meta.size).map_err(generic)?,
            None => 0..meta.size,
        };
        let body = content.map_or_else(|| Ok(Bytes::new()), |bytes| slice(&bytes, &range))?;
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter([Ok(body)]).boxed()),
            meta,
            range,
            attributes: Attributes::default(),
            extensions: Extensions::default(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let path = checked(location)?;
        let mut bodies = Vec::with_capacity(ranges.len());
        for range in ranges {
            let (stat, content) = self.call(StepKind::Read, path, |disk| disk.read(path))?;
            GetRange::Bounded(range.clone()).as_range(stat.size_bytes).map_err(generic)?;
            bodies.push(slice(&content, range)?);
        }
        Ok(bodies)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .map(move |location| {
                let location = location?;
                store.delete_one(&location)?;
                Ok(location)
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let prefix = prefix.map_or_else(String::new, Path::to_string);
        stream::once(async move { store.list_all(&prefix) })
            .map_ok(|objects| stream::iter(objects.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.map_or("", |prefix| prefix.as_ref());
        let (directories, files) = self.call(StepKind::List, prefix, |disk| Ok(disk.children(prefix)))?;
        let common_prefixes = directories.iter().map(|path| Ok(Path::parse(path)?)).collect::<Result<_>>()?;
        let objects =
            files.iter().map(|(path, stat)| meta(Path::parse(path)?, *stat)).collect::<Result<_>>()?;
        Ok(ListResult { common_prefixes, objects, extensions: Extensions::default() })
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(not_supported("copies"))
    }
}

/// Returns the path of an object, unless the local store could not hold it.
fn checked(location: &Path) -> Result<&str> {
    match location.filename() {
        Some(name) if !is_staging(name) => Ok(location.as_ref()),
        Some(_) | None => Err(generic(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{location:?} cannot be the name of an object"),
        ))),
    }
}

fn meta(location: Path, stat: Stat) -> Result<ObjectMeta> {
    let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(stat.modified));
    let modified = modified.ok_or_else(|| generic(io::Error::other("too many writes")))?;
    Ok(ObjectMeta {
        location,
        last_modified: modified.into(),
        size: stat.size_bytes,
        e_tag: Some(e_tag(stat)),
        version: None,
    })
}

fn e_tag(stat: Stat) -> String {
    let Stat { inode, modified, size_bytes } = stat;
    format!("\"{inode:x}-{modified:x}-{size_bytes:x}\"")
}

fn slice(content: &Bytes, range: &Range<u64>) -> Result<Bytes> {
    let from = usize::try_from(range.start).ok();
    let to = usize::try_from(range.end).ok();
    match (from, to) {
        (Some(from), Some(to)) if from <= to && to <= content.len() => Ok(content.slice(from..to)),
        _ => Err(generic(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("{range:?} is not within {} bytes", content.len()),
        ))),
    }
}

fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: STORE.to_owned() }
}

fn not_supported(what: &str) -> Error {
    Error::NotSupported { source: format!("{STORE} does not simulate {what}").into() }
}
