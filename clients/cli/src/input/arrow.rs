//! Arrow IPC, as a file or as a stream.
//!
//! A stream that stops between two batches looks whole to Arrow's reader; its end-of-stream marker
//! is therefore required, which every writer puts there when it is closed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;

use super::conform::Conform;
use super::source::{Meter, Metered, Source};
use super::{Extract, InputError, ReadOptions};

mod lengths;

/// What an IPC file begins with.
const FILE_MAGIC: &[u8] = b"ARROW1";
/// How many of its bytes a marker has.
const MARKER_BYTES: usize = 8;
/// The end-of-stream marker: a continuation, then length zero.
const END_OF_STREAM: [u8; MARKER_BYTES] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

/// Reads an Arrow IPC file or stream.
pub(super) fn read(
    source: &Source<'_>,
    options: &ReadOptions,
    meter: &mut Meter<'_>,
) -> Result<Extract, InputError> {
    let not_in_memory = || InputError::NotInMemory { file: source.name().to_owned(), format: "arrow" };
    let mut file = source.file()?.ok_or_else(not_in_memory)?;
    if source.len_bytes() == 0 {
        return Err(InputError::Empty { file: source.name().to_owned() });
    }
    let mut start = Vec::new();
    let is_file = file
        .by_ref()
        .take(FILE_MAGIC.len() as u64)
        .read_to_end(&mut start)
        .map(|_| start == FILE_MAGIC)
        .map_err(|error| source.read_error(error))?;
    let sound = if is_file { lengths::file_is_sound } else { lengths::stream_is_sound };
    let sound = sound(&mut file, source.len_bytes()).and_then(|sound| {
        file.rewind()?;
        Ok(sound)
    });
    if !sound.map_err(|error| source.read_error(error))? {
        return Err(InputError::Damaged { file: source.name().to_owned() });
    }
    meter.begin_pass(1);
    if is_file {
        read_file(source.name(), file, options, meter)
    } else {
        read_stream(source.name(), file, options, meter)
    }
}

fn read_file(
    name: &str,
    file: File,
    options: &ReadOptions,
    meter: &mut Meter<'_>,
) -> Result<Extract, InputError> {
    let arrow = |source: ArrowError| InputError::Arrow { file: name.to_owned(), source };
    let reader = FileReader::try_new_buffered(file, None).map_err(arrow)?;
    let batches = reader.num_batches() as u64;
    let mut conform = Conform::new(name, &reader.schema(), options)?;
    for (batch, done) in reader.zip(1..) {
        conform.push(&batch.map_err(arrow)?)?;
        meter.set_share(done, batches);
    }
    Ok(conform.finish())
}

fn read_stream(
    name: &str,
    file: File,
    options: &ReadOptions,
    meter: &mut Meter<'_>,
) -> Result<Extract, InputError> {
    let arrow = |source: ArrowError| InputError::Arrow { file: name.to_owned(), source };
    let tail = Tail { inner: BufReader::new(Metered::new(file, meter)), last: [0; MARKER_BYTES] };
    let mut reader = StreamReader::try_new(tail, None).map_err(arrow)?;
    let mut conform = Conform::new(name, &reader.schema(), options)?;
    for batch in reader.by_ref() {
        conform.push(&batch.map_err(arrow)?)?;
    }
    // Before format 0.15 the marker was four zero bytes, which padding may be as well.
    if reader.get_ref().last == END_OF_STREAM {
        Ok(conform.finish())
    } else {
        Err(InputError::NoEndOfStream { file: name.to_owned() })
    }
}

/// A reader that remembers the bytes read last.
struct Tail<R> {
    inner: R,
    last: [u8; MARKER_BYTES],
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let new = &buffer[count.saturating_sub(MARKER_BYTES)..count];
        self.last.rotate_left(new.len());
        self.last[MARKER_BYTES - new.len()..].copy_from_slice(new);
        Ok(count)
    }
}
