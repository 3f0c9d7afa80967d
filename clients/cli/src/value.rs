//! Values of options that are more than a word: columns, types, positions, totals, shares.

use calotype_client::{Column, Position};
use calotype_storage::name::FieldName;
use calotype_storage::schema::{FieldClass, FieldType};

/// Why the value of an option cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    /// Another form than expected.
    #[error("expected {0}")]
    Form(&'static str),
    /// No such type.
    #[error(
        "{0:?} is not a type; use bool, int8 to int64, uint8 to uint64, float, double, \
         decimal128(P, S), date32, timestamp, string or binary"
    )]
    Type(String),
    /// No such class.
    #[error("{0:?} is not a class; use skeleton, financial, personal, secret or operational")]
    Class(String),
    /// No legal column name.
    #[error("{0:?} is not a column name: 1 to 128 bytes, not beginning with _")]
    Name(String),
}

/// A type by its name; `timestamp` stands for the one type of instants.
///
/// # Errors
/// There is no such type.
pub(crate) fn field_type(text: &str) -> Result<FieldType, ValueError> {
    let name = match text.trim() {
        "timestamp" => "timestamp[us, tz=UTC]",
        other => other,
    };
    FieldType::parse(name).ok_or_else(|| ValueError::Type(text.to_owned()))
}

/// A column as `name:type[:nullable|required][:class]`.
///
/// # Errors
/// It has another form.
pub(crate) fn column(text: &str) -> Result<Column, ValueError> {
    let mut parts = text.split(':');
    let (Some(name), Some(type_text)) = (parts.next(), parts.next()) else {
        return Err(ValueError::Form("name:type, such as amount:decimal128(18, 2)"));
    };
    FieldName::parse(name).map_err(|_| ValueError::Name(name.to_owned()))?;
    let mut field = Column::new(name, field_type(type_text)?.to_string());
    for part in parts {
        match part {
            "nullable" => field.nullable = true,
            "required" => field.nullable = false,
            class => {
                let class = FieldClass::parse(class).ok_or_else(|| ValueError::Class(class.to_owned()))?;
                field.class = Some(class.as_str().to_owned());
            }
        }
    }
    Ok(field)
}

/// A declared type as `name:type`.
///
/// # Errors
/// It has another form.
pub(crate) fn typed_name(text: &str) -> Result<(String, FieldType), ValueError> {
    let (name, type_text) = text.split_once(':').ok_or(ValueError::Form("name:type, such as code:string"))?;
    Ok((name.to_owned(), field_type(type_text)?))
}

/// Two texts as `a=b`.
///
/// # Errors
/// There is no `=`, or nothing before it.
pub(crate) fn pair(text: &str) -> Result<(String, String), ValueError> {
    match text.split_once('=') {
        Some((left, right)) if !left.is_empty() => Ok((left.to_owned(), right.to_owned())),
        _ => Err(ValueError::Form("two texts with = between them")),
    }
}

/// A source position as `source/partition/epoch/from/to`.
///
/// # Errors
/// It has another form.
pub(crate) fn position(text: &str) -> Result<Position, ValueError> {
    let form = || ValueError::Form("source/partition/epoch/from/to, such as kafka/0/1/99/250");
    let parts: Vec<_> = text.rsplitn(5, '/').collect();
    let [to, from, epoch, partition, source] = parts.as_slice() else {
        return Err(form());
    };
    Ok(Position {
        source: (*source).to_owned(),
        partition: (*partition).to_owned(),
        epoch: epoch.parse().map_err(|_| form())?,
        from: from.parse().map_err(|_| form())?,
        to: to.parse().map_err(|_| form())?,
    })
}

/// An offset bound as `source/partition=epoch:offset`.
///
/// # Errors
/// It has another form.
pub(crate) fn offset(text: &str) -> Result<Position, ValueError> {
    let form = || ValueError::Form("source/partition=epoch:offset, such as kafka/0=1:250");
    let (place, bound) = text.rsplit_once('=').ok_or_else(form)?;
    let (source, partition) = place.rsplit_once('/').ok_or_else(form)?;
    let (epoch, offset) = bound.split_once(':').ok_or_else(form)?;
    Ok(Position {
        source: source.to_owned(),
        partition: partition.to_owned(),
        epoch: epoch.parse().map_err(|_| form())?,
        from: 0,
        to: offset.parse().map_err(|_| form())?,
    })
}

/// A share from 0 to 1 with at most six fractional digits, in millionths.
///
/// # Errors
/// It is no such share.
pub(crate) fn share(text: &str) -> Result<u32, ValueError> {
    let form = || ValueError::Form("a share from 0 to 1, such as 0.2");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 6 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(form());
    }
    let whole: u32 = whole.parse().map_err(|_| form())?;
    let parts: u32 = format!("{fraction:0<6}").parse().map_err(|_| form())?;
    let millionths = whole.saturating_mul(1_000_000).saturating_add(parts);
    (millionths <= 1_000_000).then_some(millionths).ok_or_else(form)
}

/// One ASCII character that separates fields; `tab` and `\t` stand for a tab.
///
/// # Errors
/// It is not one ASCII character.
pub(crate) fn delimiter(text: &str) -> Result<u8, ValueError> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err(ValueError::Form("one ASCII character, or tab")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read() {
        let field = column("amount:decimal128(18, 2):required:financial").unwrap();
        assert_eq!(
            (field.name.as_str(), field.type_name.as_str(), field.nullable, field.class.as_deref()),
            ("amount", "decimal128(18, 2)", false, Some("financial"))
        );
        assert_eq!(column("at:timestamp").unwrap().type_name, "timestamp[us, tz=UTC]");
        for bad in ["amount", "amount:money", "amount:int64:maybe", "_x:int64", ":int64"] {
            assert!(column(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_exact() {
        for (text, expected) in [("0.2", 200_000), ("1", 1_000_000), ("0", 0), ("0.000001", 1)] {
            assert_eq!(share(text), Ok(expected));
        }
        for bad in ["1.1", "-0.1", "20%", "0.0000001", "", "0.2e1"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn positions_and_offsets_are_read_from_the_right() {
        let position = position("topic/a/0/1/99/250").unwrap();
        assert_eq!(
            (position.source.as_str(), position.partition.as_str(), position.to),
            ("topic/a", "0", 250)
        );
        let bound = offset("topic/a/0=1:250").unwrap();
        assert_eq!((bound.source.as_str(), bound.partition.as_str()), ("topic/a", "0"));
        assert_eq!((bound.epoch, bound.to), (1, 250));
        assert!(offset("topic=1:250").is_err());
    }
}
