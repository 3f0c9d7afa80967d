//! Schemas: fields with permanent ids, their types, the key, versions.
//!
//! Invariants: a field's id never changes and is never used again; its name is a
//! label; a key field is never nullable, a float or nested; versions count from 1.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef, TimeUnit};

use crate::name::FieldName;

/// Columns of the widest context.
pub const FIELDS_MAX: usize = 4096;
/// Fields of the longest key.
pub const KEY_FIELDS_MAX: usize = 32;

/// A field's permanent number within its context, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u32);

impl FieldId {
    /// Takes a field's number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A schema's number within its context, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaVersion(u32);

impl SchemaVersion {
    /// The version that a context starts with.
    pub const FIRST: Self = Self(1);

    /// Takes a version number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// True or false.
    Bool,
    /// A signed integer of 8, 16, 32 or 64 bits.
    Int(u8),
    /// An unsigned integer of 8, 16, 32 or 64 bits.
    UInt(u8),
    /// A binary float of 32 or 64 bits.
    Float(u8),
    /// An exact decimal: digits in all, digits after the point.
    Decimal(u8, i8),
    /// A day of the calendar.
    Date,
    /// An instant, microseconds, UTC.
    Timestamp,
    /// UTF-8 text.
    Utf8,
    /// Bytes.
    Binary,
}

impl FieldType {
    /// Reads a type as pyarrow prints it; `float64`, `float32`, `date32` and `utf8` are read too.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "bool" => Self::Bool,
            "int8" => Self::Int(8),
            "int16" => Self::Int(16),
            "int32" => Self::Int(32),
            "int64" => Self::Int(64),
            "uint8" => Self::UInt(8),
            "uint16" => Self::UInt(16),
            "uint32" => Self::UInt(32),
            "uint64" => Self::UInt(64),
            "float" | "float32" => Self::Float(32),
            "double" | "float64" => Self::Float(64),
            "date32[day]" | "date32" => Self::Date,
            "timestamp[us, tz=UTC]" => Self::Timestamp,
            "string" | "utf8" => Self::Utf8,
            "binary" => Self::Binary,
            _ => {
                let inner = text.strip_prefix("decimal128(")?.strip_suffix(')')?;
                let (precision, scale) = inner.split_once(',')?;
                Self::decimal(precision.trim().parse().ok()?, scale.trim().parse().ok()?)?
            }
        })
    }

    fn decimal(precision: u8, scale: i8) -> Option<Self> {
        let legal = (1..=38).contains(&precision) && (0..=precision.cast_signed()).contains(&scale);
        legal.then_some(Self::Decimal(precision, scale))
    }

    /// The type that an Arrow column has, if Calotype keeps such columns. Views, large and
    /// dictionary forms have been flattened before.
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all other Arrow types are not kept")]
        Some(match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 => Self::Int(8),
            DataType::Int16 => Self::Int(16),
            DataType::Int32 => Self::Int(32),
            DataType::Int64 => Self::Int(64),
            DataType::UInt8 => Self::UInt(8),
            DataType::UInt16 => Self::UInt(16),
            DataType::UInt32 => Self::UInt(32),
            DataType::UInt64 => Self::UInt(64),
            DataType::Float32 => Self::Float(32),
            DataType::Float64 => Self::Float(64),
            DataType::Decimal128(precision, scale) => Self::decimal(*precision, *scale)?,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if is_utc(zone) => Self::Timestamp,
            DataType::Utf8 => Self::Utf8,
            DataType::Binary => Self::Binary,
            _ => return None,
        })
    }

    /// The Arrow type in which the field is kept and answered.
    pub fn to_arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int(8) => DataType::Int8,
            Self::Int(16) => DataType::Int16,
            Self::Int(32) => DataType::Int32,
            Self::Int(_) => DataType::Int64,
            Self::UInt(8) => DataType::UInt8,
            Self::UInt(16) => DataType::UInt16,
            Self::UInt(32) => DataType::UInt32,
            Self::UInt(_) => DataType::UInt64,
            Self::Float(32) => DataType::Float32,
            Self::Float(_) => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            Self::Date => DataType::Date32,
            Self::Timestamp => timestamp_type(),
            Self::Utf8 => DataType::Utf8,
            Self::Binary => DataType::Binary,
        }
    }

    /// Whether every value of this type is a value of `other`, unchanged: the widenings of FORMAT.md.
    pub fn widens_to(self, other: Self) -> bool {
        match (self, other) {
            (Self::Int(from), Self::Int(to))
            | (Self::UInt(from), Self::UInt(to))
            | (Self::Float(from), Self::Float(to)) => from <= to,
            (Self::Decimal(from, scale), Self::Decimal(to, same)) => scale == same && from <= to,
            (from, to) => from == to,
        }
    }

    /// Whether a key may hold such a field.
    pub fn is_key_type(self) -> bool {
        !matches!(self, Self::Float(_))
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "utc" | "Z" | "+00:00" | "Etc/UTC")
}

/// The Arrow type of instants.
pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// As pyarrow prints it.
impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int(bits) => write!(f, "int{bits}"),
            Self::UInt(bits) => write!(f, "uint{bits}"),
            Self::Float(32) => f.write_str("float"),
            Self::Float(_) => f.write_str("double"),
            Self::Decimal(precision, scale) => write!(f, "decimal128({precision}, {scale})"),
            Self::Date => f.write_str("date32[day]"),
            Self::Timestamp => f.write_str("timestamp[us, tz=UTC]"),
            Self::Utf8 => f.write_str("string"),
            Self::Binary => f.write_str("binary"),
        }
    }
}

/// What a field's content is to those who guard it. Sealing of cells stands on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldClass {
    /// Keys, links, status: what holds a record together.
    Skeleton,
    /// Amounts and what they follow from.
    Financial,
    /// About a person.
    Personal,
    /// Not for most eyes.
    Secret,
    /// How the business runs.
    Operational,
}

impl FieldClass {
    /// Reads a class by its name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "skeleton" => Self::Skeleton,
            "financial" => Self::Financial,
            "personal" => Self::Personal,
            "secret" => Self::Secret,
            "operational" => Self::Operational,
            _ => return None,
        })
    }

    /// The class's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skeleton => "skeleton",
            Self::Financial => "financial",
            Self::Personal => "personal",
            Self::Secret => "secret",
            Self::Operational => "operational",
        }
    }
}

/// One column of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Permanent; what chunks are bound by.
    pub id: FieldId,
    /// The label in this version.
    pub name: FieldName,
    /// What it holds in this version.
    pub field_type: FieldType,
    /// Whether a row may lack it.
    pub nullable: bool,
    /// Who may see it, once governance asks.
    pub class: Option<FieldClass>,
}

/// Why a list of columns is not a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Two columns share a name. Rename one.
    #[error("column '{0}' is declared twice")]
    Duplicate(FieldName),
    /// The key names a column that is not there.
    #[error("key column '{0}' is not among the columns")]
    NoKeyColumn(String),
    /// The key is empty, too long, or names a column twice.
    #[error("a key names 1 to {KEY_FIELDS_MAX} different columns")]
    KeyShape,
    /// Floats cannot be keys, since equality of floats is not identity.
    #[error(
        "key column '{name}' is of type {found}; a key is bool, integer, decimal, date, timestamp, string or binary"
    )]
    KeyType {
        /// The column.
        name: FieldName,
        /// Its type.
        found: FieldType,
    },
    /// Too many columns.
    #[error("{0} columns; at most {FIELDS_MAX} are kept")]
    TooWide(usize),
}

/// The columns of a context in one version, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    version: SchemaVersion,
    fields: Vec<Field>,
    key: Vec<usize>,
}

impl Schema {
    /// Makes a schema; key columns become not nullable.
    ///
    /// # Errors
    /// [`SchemaError`] names the column that does not fit.
    pub fn new(version: SchemaVersion, mut fields: Vec<Field>, key: &[String]) -> Result<Self, SchemaError> {
        if fields.len() > FIELDS_MAX {
            return Err(SchemaError::TooWide(fields.len()));
        }
        for (place, field) in fields.iter().enumerate() {
            if fields[..place].iter().any(|other| other.name == field.name) {
                return Err(SchemaError::Duplicate(field.name.clone()));
            }
        }
        let mut places = Vec::with_capacity(key.len());
        for name in key {
            let place = fields
                .iter()
                .position(|field| field.name.as_str() == name)
                .ok_or_else(|| SchemaError::NoKeyColumn(name.chars().take(128).collect()))?;
            let field = &mut fields[place];
            if !field.field_type.is_key_type() {
                return Err(SchemaError::KeyType { name: field.name.clone(), found: field.field_type });
            }
            field.nullable = false;
            if places.contains(&place) {
                return Err(SchemaError::KeyShape);
            }
            places.push(place);
        }
        if places.is_empty() || places.len() > KEY_FIELDS_MAX {
            return Err(SchemaError::KeyShape);
        }
        Ok(Self { version, fields, key: places })
    }

    /// The version that this schema is.
    pub fn version(&self) -> SchemaVersion {
        self.version
    }

    /// The columns in declared order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Places of the key columns among the columns, in the key's order.
    pub fn key_places(&self) -> &[usize] {
        &self.key
    }

    /// The key columns in the key's order.
    pub fn key_fields(&self) -> impl ExactSizeIterator<Item = &Field> {
        self.key.iter().map(|&place| &self.fields[place])
    }

    /// Names of the key columns in the key's order.
    pub fn key_names(&self) -> Vec<String> {
        self.key_fields().map(|field| field.name.to_string()).collect()
    }

    /// Whether the column at a place belongs to the key.
    pub fn is_key(&self, place: usize) -> bool {
        self.key.contains(&place)
    }

    /// Finds a column by its label.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name.as_str() == name)
    }

    /// The columns as Arrow sees them.
    pub fn to_arrow(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(self.fields.iter().map(arrow_field).collect::<Vec<_>>()))
    }
}

/// One column as Arrow sees it.
pub fn arrow_field(field: &Field) -> ArrowField {
    ArrowField::new(field.name.as_str(), field.field_type.to_arrow(), field.nullable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(id: u32, name: &str, field_type: FieldType) -> Field {
        let name = FieldName::parse(name).unwrap();
        Field { id: FieldId::new(id), name, field_type, nullable: true, class: None }
    }

    #[test]
    fn types_read_back_as_printed() {
        for text in [
            "bool",
            "int8",
            "int64",
            "uint16",
            "float",
            "double",
            "decimal128(18, 2)",
            "date32[day]",
            "timestamp[us, tz=UTC]",
            "string",
            "binary",
        ] {
            let parsed = FieldType::parse(text).unwrap();
            assert_eq!(parsed.to_string(), text);
            assert_eq!(FieldType::from_arrow(&parsed.to_arrow()), Some(parsed));
        }
        for bad in ["int7", "decimal128(39, 2)", "decimal128(2, 3)", "timestamp[ns]", "list<int8>"] {
            assert_eq!(FieldType::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_checked() {
        let fields = || vec![field(1, "id", FieldType::Int(64)), field(2, "x", FieldType::Float(64))];
        let make = |key: &[&str]| {
            let key: Vec<_> = key.iter().map(ToString::to_string).collect();
            Schema::new(SchemaVersion::FIRST, fields(), &key).map_err(|e| e.to_string())
        };
        assert!(!make(&["id"]).unwrap().fields()[0].nullable);
        assert!(make(&["x"]).unwrap_err().contains("of type double"));
        assert!(make(&["y"]).unwrap_err().contains("'y' is not among"));
        assert!(make(&[]).is_err() && make(&["id", "id"]).is_err());
    }
}
