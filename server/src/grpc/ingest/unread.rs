//! What of a put will take when it is decoded, counted on its bytes: a null is two bytes on the wire and forty in
//! memory, so that a message within its limit could become hundreds of times a put's share.
//!
//! Invariant: nothing is decoded before it is counted.

use bytes::Bytes;
use calotype_proto::v1;
use prost::Message;
use prost::bytes::Buf as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;

use crate::intake::Intake;
use crate::status::{Field, invalid};

/// Positions, and totals, of one put.
const LIST_MAX: usize = 65_536;
/// What a list of so many may take while it grows to that: the old one, and the new one of twice its size.
const GROWING: usize = 3;
/// The least that a list has room for.
const ROOM_MIN: usize = 4;

/// Reads a header; `None` where there is none.
///
/// # Errors
/// It is none, or one of its lists is too long.
pub(super) fn header(bytes: &Bytes) -> Result<Option<v1::PutHeader>, Status> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (mut positions, mut totals) = (0, 0);
    fields(bytes, |tag, _| {
        positions += usize::from(tag == 8);
        totals += usize::from(tag == 14);
        Ok(())
    })?;
    for (name, found) in [("put.positions", positions), ("put.totals", totals)] {
        if found > LIST_MAX {
            return Err(invalid(Field(name), format_args!("are {found}; at most {LIST_MAX} are taken")));
        }
    }
    v1::PutHeader::decode(bytes.clone()).map(Some).map_err(|error| broken(&error))
}

/// Reads rows, whose memory is counted to the put as long as `read` works on them.
///
/// # Errors
/// They are none, the put takes too much memory, or that of `read`.
pub(super) fn rows<T>(
    bytes: &Bytes,
    intake: &mut Intake,
    read: impl FnOnce(v1::RowBatch) -> Result<T, Status>,
) -> Result<T, Status> {
    intake.reading(memory(bytes)?, || {
        read(v1::RowBatch::decode(bytes.clone()).map_err(|error| broken(&error))?)
    })
}

/// What rows take when they are decoded, bytes, at most.
fn memory(batch: &[u8]) -> Result<usize, Status> {
    // All texts together.
    let mut bytes = batch.len();
    fields(batch, |tag, field| {
        match tag {
            1 => bytes += GROWING * size_of::<String>(),
            2 => {
                let mut values: usize = 0;
                fields(field, |tag, _| {
                    values += usize::from(tag == 1);
                    Ok(())
                })?;
                let room = if values == 0 { 0 } else { values.next_power_of_two().max(ROOM_MIN) };
                bytes += GROWING * size_of::<v1::Row>() + room * size_of::<v1::Value>();
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(bytes)
}

/// Goes through the fields of a message that have a length.
fn fields(mut bytes: &[u8], mut each: impl FnMut(u32, &[u8]) -> Result<(), Status>) -> Result<(), Status> {
    while bytes.has_remaining() {
        let (tag, wire_type) = decode_key(&mut bytes).map_err(|error| broken(&error))?;
        if wire_type != WireType::LengthDelimited {
            let context = DecodeContext::default();
            skip_field(wire_type, tag, &mut bytes, context).map_err(|error| broken(&error))?;
            continue;
        }
        let length = decode_varint(&mut bytes).map_err(|error| broken(&error))?;
        let split = usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length));
        let (field, rest) = split.ok_or_else(|| {
            invalid(Field("message"), format_args!("field {tag} is longer than what holds it"))
        })?;
        bytes = rest;
        each(tag, field)?;
    }
    Ok(())
}

fn broken(error: &prost::DecodeError) -> Status {
    invalid(Field("message"), error)
}

#[cfg(test)]
mod tests {
    use calotype_proto::v1::value::Kind;

    use super::*;

    fn check(batch: &v1::RowBatch, at_least: usize, at_most: usize) {
        let found = memory(&batch.encode_to_vec()).unwrap();
        assert!((at_least..=at_most).contains(&found), "{found} is not within {at_least} and {at_most}");
    }

    #[test]
    fn what_is_small_on_the_wire_is_counted_as_it_lies_in_memory() {
        let nulls = v1::Row { values: vec![v1::Value::default(); 1000] };
        let of = |columns, rows| v1::RowBatch { columns, rows };
        let value = size_of::<v1::Value>();
        check(&of(vec![], vec![nulls]), 1000 * value, 1200 * value);
        check(&of(vec![], vec![v1::Row::default(); 1000]), 24_000, 100_000);
        check(&of(vec![String::new(); 1000], vec![]), 24_000, 100_000);
        let one = v1::Row { values: vec![v1::Value { kind: Some(Kind::IntValue(1)) }] };
        check(&of(vec![], vec![one]), ROOM_MIN * value, 10 * value);
        let text = v1::Value { kind: Some(Kind::StringValue("t".repeat(10_000))) };
        check(&of(vec![], vec![v1::Row { values: vec![text] }]), 10_000, 11_000);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in
            [&[255][..], &[18, 5, 0], &[18, 3, 10, 9, 0], &[18, 255, 255, 255, 255, 15], &[7], &[0, 0]]
        {
            assert_eq!(memory(bytes).unwrap_err().code(), tonic::Code::InvalidArgument, "{bytes:?}");
        }
    }

    #[test]
    fn lists_of_a_header_are_bounded() {
        let of = |count| v1::PutHeader {
            positions: vec![v1::Position::default(); count],
            ..v1::PutHeader::default()
        };
        let read = |count| header(&of(count).encode_to_vec().into());
        assert_eq!(read(3).unwrap().unwrap().positions.len(), 3);
        assert!(read(LIST_MAX + 1).unwrap_err().message().contains("put.positions: are 65537"));
        assert_eq!(header(&Bytes::new()).unwrap(), None);
    }
}
