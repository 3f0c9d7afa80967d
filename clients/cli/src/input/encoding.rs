//! Text encodings: whatever a file is written in, what follows reads UTF-8.
//!
//! Invalid bytes are never replaced by a question mark. A decoder writes [`MALFORMED`] in their
//! place, a byte that UTF-8 does not have, so that the check of each row finds the row they are in.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, Encoding, UTF_8, WINDOWS_1252};

use super::InputError;
use super::source::{Meter, Metered, Source};

/// Stands for bytes that the encoding does not have; never part of valid UTF-8.
const MALFORMED: u8 = 0xFF;
/// The label that asks to find out.
pub(super) const AUTO: &str = "auto";
/// How much is decoded at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// The byte order mark in UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The encoding of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// The encoding that a label names, or the one of the file for `auto`, which reads it once.
    pub(super) fn choose(
        label: &str,
        source: &Source<'_>,
        meter: &mut Meter<'_>,
    ) -> Result<Self, InputError> {
        if label.eq_ignore_ascii_case(AUTO) {
            return Self::detect(source, meter).map_err(|error| source.read_error(error))?;
        }
        // The standard knows `latin1`, but not the spelling that most people use.
        let known = if label.eq_ignore_ascii_case("latin-1") { "latin1" } else { label };
        Encoding::for_label(known.as_bytes())
            .map(Self)
            .ok_or_else(|| InputError::UnknownEncoding { label: label.to_owned() })
    }

    fn detect(source: &Source<'_>, meter: &mut Meter<'_>) -> io::Result<Result<Self, InputError>> {
        let reader = match source.reader() {
            Ok(reader) => reader,
            Err(error) => return Ok(Err(error)),
        };
        let (start, rest) = peek(reader)?;
        if let Some((encoding, _)) = Encoding::for_bom(&start) {
            return Ok(Ok(Self(encoding)));
        }
        let all = start.as_slice().chain(rest);
        let mut decoded = Decoded::new(Metered::new(all, meter), UTF_8);
        let mut sink = vec![0; CHUNK_BYTES];
        while decoded.read(&mut sink)? > 0 {
            if decoded.malformed {
                return Ok(Ok(Self(WINDOWS_1252)));
            }
        }
        Ok(Ok(Self(UTF_8)))
    }

    /// The name of the encoding.
    pub(super) fn name(self) -> &'static str {
        self.0.name()
    }

    /// The stream as UTF-8 without a byte order mark. A file that claims to be UTF-8 passes as it
    /// is: its rows are checked one by one.
    pub(super) fn decode<'a>(self, raw: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        if self.0 != UTF_8 {
            return Ok(Box::new(Decoded::new(raw, self.0)));
        }
        let (start, rest) = peek(raw)?;
        let start = if start == BOM { Vec::new() } else { start };
        Ok(Box::new(io::Cursor::new(start).chain(rest)))
    }
}

/// The first bytes of a stream, as many as a byte order mark has, and the rest.
fn peek<R: Read>(mut stream: R) -> io::Result<(Vec<u8>, R)> {
    let mut start = Vec::with_capacity(BOM.len());
    stream.by_ref().take(BOM.len() as u64).read_to_end(&mut start)?;
    Ok((start, stream))
}

/// Decodes a stream to UTF-8, with [`MALFORMED`] in place of what is invalid.
struct Decoded<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    encoded: Vec<u8>,
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
    malformed: bool,
}

impl<R: Read> Decoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            encoded: vec![0; CHUNK_BYTES],
            ready: Vec::new(),
            taken: 0,
            ended: false,
            malformed: false,
        }
    }

    /// Decodes the next chunk. A character cut by the chunk's end stays in the decoder.
    fn fill(&mut self) -> io::Result<()> {
        let count = self.inner.read(&mut self.encoded)?;
        self.ended = count == 0;
        self.ready.clear();
        self.taken = 0;
        let mut encoded = self.encoded.get(..count).unwrap_or_default();
        loop {
            let written = self.ready.len();
            let room = self.decoder.max_utf8_buffer_length_without_replacement(encoded.len());
            self.ready.resize(written + room.unwrap_or(CHUNK_BYTES), 0);
            let (result, read, wrote) = self.decoder.decode_to_utf8_without_replacement(
                encoded,
                &mut self.ready[written..],
                self.ended,
            );
            self.ready.truncate(written + wrote);
            encoded = &encoded[read..];
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.malformed = true;
                    self.ready.push(MALFORMED);
                }
            }
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !self.ended {
            self.fill()?;
        }
        let mut ready = &self.ready[self.taken..];
        let count = ready.read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(label: &str, bytes: &[u8], name: &str, expected: &[u8]) {
        let source = Source::memory("f", bytes);
        let mut report = |_, _| {};
        let mut meter = Meter::new(source.len_bytes(), &mut report);
        let encoding = TextEncoding::choose(label, &source, &mut meter).unwrap();
        let mut text = Vec::new();
        encoding.decode(source.reader().unwrap()).unwrap().read_to_end(&mut text).unwrap();
        assert_eq!((encoding.name(), text.as_slice()), (name, expected), "{label} {bytes:?}");
    }

    #[test]
    fn every_encoding_is_read_as_utf_8() {
        check("utf-8", b"", "UTF-8", b"");
        check("utf-8", b"a", "UTF-8", b"a");
        check("utf-8", b"\xEF\xBB\xBFa,b", "UTF-8", b"a,b");
        check("UTF-8", b"M\xC3\xBCller", "UTF-8", b"M\xC3\xBCller");
        check("utf-8", b"M\xFCller", "UTF-8", b"M\xFCller");
        check("latin-1", b"M\xFCller", "windows-1252", "Müller".as_bytes());
        check("ISO-8859-1", b"\x80 5", "windows-1252", "€ 5".as_bytes());
        check("iso-8859-15", b"\xA4 5", "ISO-8859-15", "€ 5".as_bytes());
        check("utf-16", b"\xFF\xFEa\0,\0\xFC\0", "UTF-16LE", "a,ü".as_bytes());
        check("shift_jis", b"a\x82", "Shift_JIS", b"a\xFF");
        check("utf-16le", b"a\0\0\xDCb\0", "UTF-16LE", b"a\xFFb");
    }

    #[test]
    fn auto_finds_the_encoding() {
        check("auto", b"plain", "UTF-8", b"plain");
        check("auto", "Müller".as_bytes(), "UTF-8", "Müller".as_bytes());
        check("auto", b"M\xFCller", "windows-1252", "Müller".as_bytes());
        check("auto", b"cut \xC3", "windows-1252", "cut Ã".as_bytes());
        check("Auto", b"\xEF\xBB\xBFa", "UTF-8", b"a");
        check("auto", b"\xFE\xFF\0a", "UTF-16BE", b"a");
    }

    #[test]
    fn characters_cut_by_a_chunk_stay_whole() {
        let bytes = [b"x".as_slice(), "é".repeat(CHUNK_BYTES).as_bytes()].concat();
        check("auto", &bytes, "UTF-8", &bytes);
    }

    #[test]
    fn an_unknown_label_is_refused() {
        let mut report = |_, _| {};
        let mut meter = Meter::new(0, &mut report);
        let error = TextEncoding::choose("latin-99", &Source::memory("f", b""), &mut meter);
        assert!(matches!(error, Err(InputError::UnknownEncoding { label }) if label == "latin-99"));
    }
}
