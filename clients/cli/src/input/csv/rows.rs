//! The rows of a CSV file, each checked for its number of fields and for valid text.
//!
//! The parser takes a quote that is never closed for closed at the end of the file, which would
//! turn a file cut short into a shorter one. So an end mark is appended to the stream: it comes
//! back as a row of its own only if no quote is open.

use std::io::{self, Read};
use std::ops::Range;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::super::encoding::TextEncoding;
use super::super::source::{Meter, Metered, Source};
use super::super::{InputError, Place, ROW_BYTES_MAX, ReadOptions};

/// The end mark: bytes that no valid text has.
const END: &[u8] = &[0xFF; 8];
/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The rows of a CSV file after its header. Blank lines are no rows.
pub(super) struct CsvRows<'a> {
    file: &'a str,
    encoding: TextEncoding,
    parser: Parser<'a>,
    header: Vec<String>,
    allow_trailing_comma: bool,
    trim: bool,
    row: u64,
}

impl<'a> CsvRows<'a> {
    /// Begins a pass over the file and reads its header.
    pub(super) fn open(
        source: &'a Source<'_>,
        encoding: TextEncoding,
        delimiter: u8,
        options: &ReadOptions,
        meter: &'a mut Meter<'_>,
    ) -> Result<Self, InputError> {
        refuse_delimiter(delimiter)?;
        let metered = Metered::new(source.reader()?, meter);
        let text = encoding.decode(metered).map_err(|error| source.read_error(error))?;
        let end = io::Cursor::new(b"\n").chain(END);
        let mut rows = Self {
            file: source.name(),
            encoding,
            parser: Parser::new(Box::new(text.chain(end)), delimiter),
            header: Vec::new(),
            allow_trailing_comma: options.allow_trailing_comma,
            trim: options.trim,
            row: 0,
        };
        rows.header = rows.read_header()?;
        Ok(rows)
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Reads the next row; false after the last.
    pub(super) fn advance(&mut self) -> Result<bool, InputError> {
        self.row += 1;
        if !self.read_record()? {
            return Ok(false);
        }
        let (found, expected) = (self.parser.fields, self.header.len());
        let trailing = || (expected..found).all(|field| self.cell(field).is_empty());
        if found != expected && !(found > expected && self.allow_trailing_comma && trailing()) {
            return Err(InputError::Ragged { place: self.place(), found, expected });
        }
        Ok(true)
    }

    /// The cell of a column in the row read last.
    pub(super) fn cell(&self, column: usize) -> &[u8] {
        let cell = self.parser.field(column);
        if self.trim { cell.trim_ascii() } else { cell }
    }

    /// The line in which the row read last begins.
    pub(super) fn line(&self) -> u64 {
        self.parser.line
    }

    /// How many bytes the cells of the row read last have.
    pub(super) fn len_bytes(&self) -> usize {
        self.parser.text().len()
    }

    fn place(&self) -> Place {
        Place { file: self.file.to_owned(), row: self.row, line: Some(self.line()) }
    }

    fn read_header(&mut self) -> Result<Vec<String>, InputError> {
        if !self.read_record()? {
            return Err(InputError::Empty { file: self.file.to_owned() });
        }
        let name = |field| String::from_utf8_lossy(self.cell(field)).into_owned();
        let mut names: Vec<_> = (0..self.parser.fields).map(name).collect();
        while self.allow_trailing_comma && names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        match names.iter().position(String::is_empty) {
            None => Ok(names),
            Some(index) => Err(InputError::UnnamedColumn { file: self.file.to_owned(), position: index + 1 }),
        }
    }

    /// Reads a record and checks its text; false at the end mark.
    fn read_record(&mut self) -> Result<bool, InputError> {
        let read = self.parser.advance();
        let ended = read.and_then(|whole| Ok((whole, self.parser.at_end()?)));
        let (whole, at_end) =
            ended.map_err(|source| InputError::Read { file: self.file.to_owned(), source })?;
        if !whole {
            return Err(InputError::RowTooLong { place: self.place(), bytes_max: ROW_BYTES_MAX });
        }
        let text = self.parser.text();
        if at_end && text == END {
            return Ok(false);
        }
        if at_end {
            return Err(InputError::OpenQuote { place: self.place() });
        }
        let valid = |field| str::from_utf8(self.parser.field(field)).is_ok();
        if text.is_ascii() || (0..self.parser.fields).all(valid) {
            return Ok(true);
        }
        Err(InputError::InvalidBytes { place: self.place(), encoding: self.encoding.name() })
    }
}

/// A delimiter must not be mistaken for a quote, a line break or part of a value.
fn refuse_delimiter(delimiter: u8) -> Result<(), InputError> {
    let usable = delimiter.is_ascii_punctuation() || matches!(delimiter, b'\t' | b' ' | 0x1F);
    if usable && delimiter != b'"' {
        Ok(())
    } else {
        Err(InputError::BadDelimiter { delimiter: char::from(delimiter) })
    }
}

/// Cuts a stream into records. (The reader of the crate `csv` does the same, but does not say in
/// which line a record begins if lines end with CR LF or are blank.)
struct Parser<'a> {
    core: Reader,
    stream: Box<dyn Read + 'a>,
    chunk: Vec<u8>,
    /// The part of the chunk that is not parsed yet.
    rest: Range<usize>,
    text: Vec<u8>,
    /// Where each field ends in the text.
    ends: Vec<usize>,
    text_len: usize,
    fields: usize,
    line: u64,
}

impl<'a> Parser<'a> {
    fn new(stream: Box<dyn Read + 'a>, delimiter: u8) -> Self {
        Self {
            core: ReaderBuilder::new().delimiter(delimiter).build(),
            stream,
            chunk: vec![0; CHUNK_BYTES],
            rest: 0..0,
            text: vec![0; CHUNK_BYTES],
            ends: vec![0; 64],
            text_len: 0,
            fields: 0,
            line: 0,
        }
    }

    /// The fields of the record, one after the other.
    fn text(&self) -> &[u8] {
        &self.text[..self.text_len]
    }

    fn field(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// Reads a record, empty at the end of the stream; false if it is too long.
    fn advance(&mut self) -> io::Result<bool> {
        let line_before = self.core.line();
        let mut last = 0;
        (self.text_len, self.fields) = (0, 0);
        loop {
            self.fill()?;
            let (result, read, wrote, ended) = self.core.read_record(
                &self.chunk[self.rest.clone()],
                &mut self.text[self.text_len..],
                &mut self.ends[self.fields..],
            );
            if read > 0 {
                last = self.chunk[self.rest.start + read - 1];
            }
            self.rest.start += read;
            self.text_len += wrote;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull
                    if self.text.len().max(self.ends.len()) >= ROW_BYTES_MAX =>
                {
                    self.line = self.line_of_record(line_before, 0);
                    return Ok(false);
                }
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        self.line = self.line_of_record(line_before, last);
        Ok(true)
    }

    /// The line in which the record begins, from the line in which it ends, which the parser
    /// counts in line feeds, the line feeds inside it, and the last byte taken: of CR LF, the
    /// parser leaves the LF to the next record.
    fn line_of_record(&self, line_before: u64, last: u8) -> u64 {
        let line = self.core.line();
        if last == b'\n' && line == line_before + 1 {
            return line_before;
        }
        let inside = self.text().split(|byte| *byte == b'\n').count() as u64 - 1;
        line - inside - u64::from(last == b'\n')
    }

    /// Whether all is parsed.
    fn at_end(&mut self) -> io::Result<bool> {
        self.fill()?;
        Ok(self.rest.is_empty())
    }

    /// Reads the next chunk if there is nothing left of the last.
    fn fill(&mut self) -> io::Result<()> {
        while self.rest.is_empty() {
            match self.stream.read(&mut self.chunk) {
                Ok(count) => {
                    self.rest = 0..count;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
