//! Where the bytes of an extract come from, so that they can be read more than once, and how far
//! the reading has come.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::InputError;

/// What a path of this name stands for: standard input.
const STANDARD_INPUT: &str = "-";

/// The bytes of an extract. Standard input and pipes are first copied to an unnamed temporary
/// file, because inference reads twice and Parquet reads from the end.
pub(super) struct Source<'a> {
    name: String,
    content: Content<'a>,
    len_bytes: u64,
}

enum Content<'a> {
    File(File),
    Memory(&'a [u8]),
}

impl<'a> Source<'a> {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> Result<Self, InputError> {
        let name = name_of(path);
        match Self::open_content(path) {
            Ok((file, len_bytes)) => Ok(Self { name, content: Content::File(file), len_bytes }),
            Err(source) => Err(InputError::Open { file: name, source }),
        }
    }

    fn open_content(path: &Path) -> io::Result<(File, u64)> {
        if path == Path::new(STANDARD_INPUT) {
            return spool(&mut io::stdin().lock());
        }
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() { Ok((file, metadata.len())) } else { spool(&mut file) }
    }

    /// Bytes in memory under a name for messages.
    pub(super) fn memory(name: &str, bytes: &'a [u8]) -> Self {
        let len_bytes = bytes.len() as u64;
        Self { name: name.to_owned(), content: Content::Memory(bytes), len_bytes }
    }

    /// The name that messages use.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes there are.
    pub(super) fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Reads from the first byte on. Readers of one source share its position: use one at a time.
    pub(super) fn reader(&self) -> Result<Box<dyn Read + '_>, InputError> {
        match &self.content {
            Content::File(file) => {
                let mut file = file;
                file.rewind().map_err(|source| self.read_error(source))?;
                Ok(Box::new(file))
            }
            Content::Memory(bytes) => Ok(Box::new(*bytes)),
        }
    }

    /// The file, rewound, for formats that read at any place; none in memory.
    pub(super) fn file(&self) -> Result<Option<File>, InputError> {
        match &self.content {
            Content::File(file) => {
                let mut file = file.try_clone().map_err(|source| self.read_error(source))?;
                file.rewind().map_err(|source| self.read_error(source))?;
                Ok(Some(file))
            }
            Content::Memory(_) => Ok(None),
        }
    }

    /// The error for a read that failed in the middle.
    pub(super) fn read_error(&self, source: io::Error) -> InputError {
        InputError::Read { file: self.name.clone(), source }
    }
}

/// What messages call the file at a path.
pub(super) fn name_of(path: &Path) -> String {
    if path == Path::new(STANDARD_INPUT) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Copies a stream to an unnamed temporary file.
fn spool(stream: &mut dyn Read) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile()?;
    let len_bytes = io::copy(stream, &mut file)?;
    Ok((file, len_bytes))
}

/// Tells a callback how much of the work is done, in bytes of the file, over all passes.
pub(super) struct Meter<'p> {
    report: &'p mut dyn FnMut(u64, u64),
    total_bytes: u64,
    /// Reported when the pass began.
    base_bytes: u64,
    /// What this pass may add to it.
    span_bytes: u64,
    /// Bytes read in this pass.
    pass_bytes: u64,
}

impl<'p> Meter<'p> {
    /// Reports to `report` with (bytes done, bytes in all).
    pub(super) fn new(total_bytes: u64, report: &'p mut dyn FnMut(u64, u64)) -> Self {
        Self { report, total_bytes, base_bytes: 0, span_bytes: total_bytes, pass_bytes: 0 }
    }

    /// Begins a pass over the file, `passes_left` counting this one.
    pub(super) fn begin_pass(&mut self, passes_left: u64) {
        self.base_bytes = self.done_bytes();
        self.span_bytes = (self.total_bytes - self.base_bytes) / passes_left.max(1);
        self.pass_bytes = 0;
    }

    /// Counts bytes read in this pass.
    pub(super) fn add(&mut self, bytes: u64) {
        self.pass_bytes = self.pass_bytes.saturating_add(bytes);
        let done_bytes = self.done_bytes();
        (self.report)(done_bytes, self.total_bytes);
    }

    /// Sets this pass to the share `part` of `whole`.
    pub(super) fn set_share(&mut self, part: u64, whole: u64) {
        let bytes = u128::from(self.total_bytes) * u128::from(part) / u128::from(whole.max(1));
        self.pass_bytes = u64::try_from(bytes).unwrap_or(self.total_bytes);
        let done_bytes = self.done_bytes();
        (self.report)(done_bytes, self.total_bytes);
    }

    /// Reports that all is done.
    pub(super) fn finish(&mut self) {
        (self.report)(self.total_bytes, self.total_bytes);
    }

    fn done_bytes(&self) -> u64 {
        let pass = u128::from(self.pass_bytes.min(self.total_bytes));
        let added = u128::from(self.span_bytes) * pass / u128::from(self.total_bytes.max(1));
        self.base_bytes + u64::try_from(added).unwrap_or(0)
    }
}

/// A reader whose bytes a [`Meter`] counts.
pub(super) struct Metered<'m, 'p, R> {
    inner: R,
    meter: &'m mut Meter<'p>,
}

impl<'m, 'p, R: Read> Metered<'m, 'p, R> {
    /// Counts what `inner` yields.
    pub(super) fn new(inner: R, meter: &'m mut Meter<'p>) -> Self {
        Self { inner, meter }
    }
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.meter.add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_share_the_bar_and_never_go_back() {
        let mut seen = Vec::new();
        let mut report = |done, total| seen.push((done, total));
        let mut meter = Meter::new(100, &mut report);
        meter.begin_pass(2);
        meter.add(60);
        meter.add(40);
        meter.begin_pass(1);
        meter.set_share(1, 2);
        meter.finish();
        assert_eq!(seen, [(30, 100), (50, 100), (75, 100), (100, 100)]);
    }

    #[test]
    fn a_source_is_read_again_from_its_beginning() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, b"abc").unwrap();
        for source in [Source::open(file.path()).unwrap(), Source::memory("m", b"abc")] {
            for _ in 0..2 {
                let mut text = String::new();
                source.reader().unwrap().read_to_string(&mut text).unwrap();
                assert_eq!((text.as_str(), source.len_bytes()), ("abc", 3));
            }
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Source::open(Path::new("/no/such/file.csv")).err().unwrap();
        assert_eq!(error.to_string(), "could not open /no/such/file.csv");
    }
}
