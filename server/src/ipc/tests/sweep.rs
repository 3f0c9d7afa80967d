//! Every byte of valid messages changed, every length cut short.

use super::*;
use crate::ipc::Decoder;

const CODECS: [Option<CompressionType>; 3] =
    [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)];

const BYTES: [u8; 13] = [0, 1, 2, 3, 4, 8, 0x10, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

const WORDS: [i64; 12] =
    [0, -1, 1, 7, 1 << 20, 64 << 20, (1 << 31) - 1, 1 << 31, 10 << 30, 1 << 40, i64::MAX, i64::MIN];

/// Every copy with one byte changed to each of 14 values.
fn with_one_byte_changed(bytes: &[u8], mut check: impl FnMut(&[u8])) {
    let mut mutant = bytes.to_vec();
    for (at, original) in bytes.iter().enumerate() {
        for value in BYTES.into_iter().chain([original ^ 1]) {
            mutant[at] = value;
            check(&mutant);
        }
        mutant[at] = *original;
    }
}

/// Every copy with one aligned number changed.
fn with_one_number_changed(bytes: &[u8], mut check: impl FnMut(&[u8])) {
    let mut mutant = bytes.to_vec();
    for width in [4, 8] {
        for at in (0..(bytes.len() + 1).saturating_sub(width)).step_by(4) {
            for word in WORDS {
                mutant[at..at + width].copy_from_slice(&word.to_le_bytes()[..width]);
                check(&mutant);
            }
            mutant[at..at + width].copy_from_slice(&bytes[at..at + width]);
        }
    }
}

#[test]
fn valid_streams_are_read_with_plain_columns() {
    let (_, batches) = schema_and_batches();
    for codec in CODECS {
        let (schema, found) = decode::stream(&valid_stream(codec).into(), &lenient()).unwrap();
        assert_eq!(schema.field(5).data_type(), &arrow_schema::DataType::Utf8);
        for (found, sent) in found.iter().zip(&batches) {
            for place in [0, 1, 2, 3, 4, 6] {
                assert_eq!(found.column(place), sent.column(place));
            }
            let kinds = StringArray::from(vec![Some("x"), Some("y"), None, Some("x")]);
            let kinds: ArrayRef = Arc::new(kinds.slice(0, sent.num_rows()));
            assert_eq!(found.column(5), &kinds);
        }
        assert_eq!(found.len(), batches.len());
    }
}

#[test]
fn a_changed_stream_is_refused_or_read_as_valid_rows() {
    let limits = lenient();
    for codec in CODECS {
        let stream = valid_stream(codec);
        let mut tally = Tally::default();
        with_one_byte_changed(&stream, |mutant| tally.count(mutant.len(), || read(mutant, &limits)));
        with_one_number_changed(&stream, |mutant| tally.count(mutant.len(), || read(mutant, &limits)));
        println!("stream of {} bytes, {codec:?}: {tally:?}", stream.len());
        assert_eq!(tally.panicked, 0);
        assert!(tally.read > 0 && tally.refused > 0);
    }
}

#[test]
fn a_changed_message_is_refused_or_read_as_valid_rows() {
    let limits = lenient();
    for codec in CODECS {
        let messages = messages(&valid_stream(codec));
        let mut tally = Tally::default();
        for (index, (header, body)) in messages.iter().enumerate() {
            let decode = |header: &[u8], body: &[u8]| {
                let mut decoder = Decoder::new(&limits);
                let (header, body) = (Bytes::copy_from_slice(header), Bytes::copy_from_slice(body));
                if index == 0 {
                    decoder.schema(&header)?;
                }
                let before = messages[..index].iter().enumerate();
                for (index, (header, body)) in before {
                    if index == 0 {
                        drop(decoder.schema(header)?);
                    } else {
                        drop(decoder.message(header, body)?);
                    }
                }
                decoder.message(&header, &body).map(|batch| batch.into_iter().collect())
            };
            with_one_byte_changed(header, |mutant| tally.count(mutant.len(), || decode(mutant, body)));
            with_one_byte_changed(body, |mutant| tally.count(mutant.len(), || decode(header, mutant)));
        }
        println!("{} messages, {codec:?}: {tally:?}", messages.len());
        assert_eq!(tally.panicked, 0);
    }
}

#[test]
fn a_stream_cut_short_is_refused_unless_it_ends_between_messages() {
    let limits = lenient();
    for codec in CODECS {
        let stream = valid_stream(codec);
        let mut ends = vec![stream.len()];
        let mut at = 0;
        for (header, body) in messages(&stream) {
            at += 8 + header.len() + body.len();
            ends.push(at);
        }
        for length in 0..=stream.len() {
            let outcome = read(&stream[..length], &limits);
            assert_eq!(outcome.is_ok(), ends.contains(&length), "{length}: {outcome:?}");
        }
        let mut longer = stream.clone();
        longer.push(0);
        assert!(read(&longer, &limits).is_err());
    }
}

#[test]
fn random_bytes_are_refused() {
    let (limits, mut state) = (lenient(), 1_u64);
    let mut tally = Tally::default();
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    for codec in CODECS {
        let stream = valid_stream(codec);
        for _ in 0..20_000 {
            let mut mutant = stream.clone();
            for _ in 0..=next() % 8 {
                let at = usize::try_from(next()).unwrap() % mutant.len();
                mutant[at] = next().to_le_bytes()[0];
            }
            tally.count(mutant.len(), || read(&mutant, &limits));
        }
    }
    println!("random: {tally:?}");
    assert_eq!(tally.panicked, 0);
}
