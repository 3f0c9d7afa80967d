//! What each message may hold, taken from the descriptors once, and the comparison of a message's bytes with it.
//!
//! Invariant: numbers, wire types and lengths are read by prost's own functions, so that both see the same fields.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use prost::Message as _;
use prost::encoding::{WireType, decode_key, decode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet, MessageOptions};

use super::{Unfit, Why};
use crate::DESCRIPTORS;

/// Entries of one map: more than a key has columns, or a put totals.
const ENTRIES_MAX: usize = 65_536;
/// How deep messages nest, as prost has it.
const DEPTH_MAX: usize = 100;
/// What a set of seen fields has room for.
const SLOTS_MAX: usize = 64;

/// The shapes of all messages.
pub(super) static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::of(DESCRIPTORS));

/// The shapes of all messages.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    /// Messages that clients send, by full name.
    requests: BTreeMap<String, usize>,
}

/// What a message may hold.
#[derive(Debug)]
pub(super) struct Shape {
    name: String,
    /// By their numbers, which are small.
    fields: Vec<Option<Field>>,
}

/// A field.
#[derive(Debug)]
struct Field {
    name: String,
    /// Its bit among those that come once; members of a oneof share one.
    once: Option<u32>,
    holds: Holds,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
enum Holds {
    /// Whatever prost takes.
    Any,
    /// A number of 32 bits with a sign, or of an enum.
    Signed,
    /// A number of 32 bits without.
    Unsigned,
    /// A message, by its place.
    Message(usize),
    /// An entry of a map.
    Entry(usize),
}

/// What keeps a message from being decoded.
#[derive(Debug)]
pub(super) enum Found {
    /// It is no message.
    Broken,
    /// A part of it would be lost.
    Unfit(Box<Unfit>),
}

impl Shapes {
    /// Reads the descriptors of this crate.
    fn of(descriptors: &[u8]) -> Self {
        let files = FileDescriptorSet::decode(descriptors).expect("the build script has encoded it");
        let mut messages = Vec::new();
        for file in &files.file {
            for message in &file.message_type {
                collect(&format!(".{}", file.package()), message, &mut messages);
            }
        }
        let places: BTreeMap<String, usize> =
            messages.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
        let shapes =
            messages.iter().map(|(name, message)| shape(name, message, &messages, &places)).collect();
        let services = files.file.iter().flat_map(|file| &file.service);
        let requests = services.flat_map(|service| &service.method).filter_map(|method| {
            let name = method.input_type();
            Some((name.strip_prefix('.')?.to_owned(), *places.get(name)?))
        });
        Self { requests: requests.collect(), shapes }
    }

    /// The shape of a message that clients send; `None` of all others.
    pub(super) fn request(&self, package: &str, name: &str) -> Option<&Shape> {
        let is_it = |full: &str| {
            full.strip_prefix(package)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| rest == name)
        };
        let (_, place) = self.requests.iter().find(|(full, _)| is_it(full))?;
        self.shapes.get(*place)
    }

    /// Compares a message with its shape.
    pub(super) fn check(&self, shape: &Shape, bytes: &[u8]) -> Result<(), Found> {
        self.check_at(shape, bytes, 0)
    }

    fn check_at(&self, shape: &Shape, bytes: &[u8], depth: usize) -> Result<(), Found> {
        if depth > DEPTH_MAX {
            return Err(Found::Broken);
        }
        let (mut rest, mut seen, mut entries) = (bytes, 0_u64, 0_usize);
        while !rest.is_empty() {
            let (number, wire_type) = decode_key(&mut rest).map_err(|_| Found::Broken)?;
            let Some(field) = shape.field(number) else {
                return Err(shape.unknown(number));
            };
            if let Some(bit) = field.once {
                let bit = 1 << bit;
                if seen & bit != 0 {
                    return Err(shape.unfit(number, field, Why::Twice));
                }
                seen |= bit;
            }
            match (field.holds, wire_type) {
                (Holds::Message(place), WireType::LengthDelimited) => {
                    self.within(field, place, delimited(&mut rest)?, depth)?;
                }
                (Holds::Entry(place), WireType::LengthDelimited) => {
                    entries += 1;
                    self.within(field, place, delimited(&mut rest)?, depth)?;
                }
                (Holds::Message(_) | Holds::Entry(_), _) => return Err(Found::Broken),
                (holds, WireType::Varint) => {
                    let value = decode_varint(&mut rest).map_err(|_| Found::Broken)?;
                    if !holds.fits(value) {
                        return Err(shape.unfit(number, field, Why::Wide(value)));
                    }
                }
                (_, wire_type) => {
                    value(wire_type, &mut rest)?;
                }
            }
        }
        if entries > 1 { shape.keys_differ(bytes, entries) } else { Ok(()) }
    }

    /// Compares a message within another.
    fn within(&self, field: &Field, place: usize, bytes: &[u8], depth: usize) -> Result<(), Found> {
        let shape = self.shapes.get(place).ok_or(Found::Broken)?;
        self.check_at(shape, bytes, depth + 1).map_err(|found| match found {
            Found::Broken => Found::Broken,
            Found::Unfit(mut unfit) => {
                unfit.field = format!("{}.{}", field.name, unfit.field);
                Found::Unfit(unfit)
            }
        })
    }
}

impl Holds {
    /// Whether prost reads this number as what it is.
    fn fits(self, value: u64) -> bool {
        match self {
            Self::Signed => i32::try_from(value.cast_signed()).is_ok(),
            Self::Unsigned => u32::try_from(value).is_ok(),
            Self::Any | Self::Message(_) | Self::Entry(_) => true,
        }
    }
}

impl Shape {
    fn field(&self, number: u32) -> Option<&Field> {
        self.fields.get(usize::try_from(number).ok()?)?.as_ref()
    }

    fn unknown(&self, number: u32) -> Found {
        let why = Why::Unknown { message: self.name.clone(), number, version: env!("CARGO_PKG_VERSION") };
        Found::Unfit(Box::new(Unfit { message: self.name.clone(), number, field: number.to_string(), why }))
    }

    fn unfit(&self, number: u32, field: &Field, why: Why) -> Found {
        let (message, field) = (self.name.clone(), field.name.clone());
        Found::Unfit(Box::new(Unfit { message, number, field, why }))
    }

    /// Whether all keys of each map differ; `entries` of them are in these bytes, which were gone over before.
    fn keys_differ(&self, bytes: &[u8], entries: usize) -> Result<(), Found> {
        let mut keys: Vec<(u32, &[u8])> = Vec::with_capacity(entries.min(ENTRIES_MAX));
        let mut rest = bytes;
        while !rest.is_empty() {
            let (number, wire_type) = decode_key(&mut rest).map_err(|_| Found::Broken)?;
            let value = value(wire_type, &mut rest)?;
            let Some(field) = self.field(number).filter(|field| matches!(field.holds, Holds::Entry(_)))
            else {
                continue;
            };
            if keys.len() == ENTRIES_MAX {
                return Err(self.unfit(number, field, Why::Entries(ENTRIES_MAX)));
            }
            keys.push((number, key(value)?));
        }
        keys.sort_unstable();
        let twice = keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].0);
        match twice.and_then(|number| Some((number, self.field(number)?))) {
            Some((number, field)) => Err(self.unfit(number, field, Why::KeyTwice)),
            None => Ok(()),
        }
    }
}

/// The key of a map's entry, its field 1; left out, it is empty. All keys are texts.
fn key(mut entry: &[u8]) -> Result<&[u8], Found> {
    while !entry.is_empty() {
        let (number, wire_type) = decode_key(&mut entry).map_err(|_| Found::Broken)?;
        let value = value(wire_type, &mut entry)?;
        if number == 1 {
            return Ok(value);
        }
    }
    Ok(&[])
}

/// Takes a value away; of one that has a length, what comes after that.
fn value<'a>(wire_type: WireType, rest: &mut &'a [u8]) -> Result<&'a [u8], Found> {
    let all = *rest;
    let bytes = match wire_type {
        WireType::LengthDelimited => return delimited(rest),
        WireType::Varint => {
            decode_varint(rest).map_err(|_| Found::Broken)?;
            all.len() - rest.len()
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::StartGroup | WireType::EndGroup => return Err(Found::Broken),
    };
    let (value, after) = all.split_at_checked(bytes).ok_or(Found::Broken)?;
    *rest = after;
    Ok(value)
}

/// Takes a length, and what has it, away.
fn delimited<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Found> {
    let length = decode_varint(rest).map_err(|_| Found::Broken)?;
    let length = usize::try_from(length).map_err(|_| Found::Broken)?;
    let (value, after) = rest.split_at_checked(length).ok_or(Found::Broken)?;
    *rest = after;
    Ok(value)
}

/// A message and those declared in it, by full name.
fn collect<'a>(within: &str, message: &'a DescriptorProto, all: &mut Vec<(String, &'a DescriptorProto)>) {
    let name = format!("{within}.{}", message.name());
    for inner in &message.nested_type {
        collect(&name, inner, all);
    }
    all.push((name, message));
}

fn shape(
    name: &str,
    message: &DescriptorProto,
    messages: &[(String, &DescriptorProto)],
    places: &BTreeMap<String, usize>,
) -> Shape {
    let slots = message.oneof_decl.len() + message.field.len();
    assert!(slots <= SLOTS_MAX, "{name} has more fields than a set of them has room for");
    let mut fields: Vec<Option<Field>> = Vec::new();
    for (slot, field) in (message.oneof_decl.len()..).zip(&message.field) {
        let slot = field.oneof_index.and_then(|index| usize::try_from(index).ok()).unwrap_or(slot);
        let once = (field.label() != Label::Repeated).then(|| u32::try_from(slot).ok()).flatten();
        let number = usize::try_from(field.number()).expect("numbers of fields are positive");
        if fields.len() <= number {
            fields.resize_with(number + 1, || None);
        }
        let holds = holds(field, messages, places);
        fields[number] = Some(Field { name: field.name().to_owned(), once, holds });
    }
    Shape { name: name.trim_start_matches('.').to_owned(), fields }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are taken as prost takes them")]
fn holds(
    field: &FieldDescriptorProto,
    messages: &[(String, &DescriptorProto)],
    places: &BTreeMap<String, usize>,
) -> Holds {
    match field.r#type() {
        Type::Message => {
            let place = *places.get(field.type_name()).expect("descriptors are complete");
            let options = messages[place].1.options.as_ref();
            let is_entry = options.is_some_and(MessageOptions::map_entry);
            if is_entry { Holds::Entry(place) } else { Holds::Message(place) }
        }
        Type::Int32 | Type::Enum => Holds::Signed,
        Type::Uint32 | Type::Sint32 => Holds::Unsigned,
        _ => Holds::Any,
    }
}
