//! What a context is created as.

use calotype_proto::v1;
use calotype_storage::name::FieldName;
use calotype_storage::record::{ClassWire, CreateEntry, FieldWire, Listed, Mode, SchemaWire};
use calotype_storage::schema::{FIELDS_MAX, FieldClass, FieldType, SchemaVersion};
use tonic::Status;

use super::share;
use crate::status::{Field, invalid};

/// Reads the definition of a context.
///
/// # Errors
/// A field is none, named as the client named it.
pub(super) fn definition(request: v1::CreateContextRequest) -> Result<CreateEntry, Status> {
    let mode = match v1::CaptureMode::try_from(request.mode) {
        Ok(v1::CaptureMode::State) => Mode::State,
        Ok(v1::CaptureMode::Events) => Mode::Events,
        Ok(v1::CaptureMode::Unspecified) => {
            let what = "is missing: CAPTURE_MODE_STATE takes fulls and deltas, CAPTURE_MODE_EVENTS facts";
            return Err(invalid(Field("mode"), what));
        }
        Err(_) => return Err(invalid(Field("mode"), format!("{} is no capture mode", request.mode))),
    };
    let schema = schema(request.columns, &request.key)?;
    let max_retracted_ppm = share(request.max_retracted_ppm)?;
    Ok(CreateEntry { mode, key: request.key, import: request.import, max_retracted_ppm, schema })
}

/// The declared columns; those of the key are never null.
fn schema(columns: Vec<v1::Column>, key: &[String]) -> Result<Option<Listed<SchemaWire>>, Status> {
    if columns.is_empty() {
        return Ok(None);
    }
    if columns.len() > FIELDS_MAX {
        let what = format!("are {}; a context has at most {FIELDS_MAX}", columns.len());
        return Err(invalid(Field("columns"), what));
    }
    let mut fields = Vec::with_capacity(columns.len());
    for (id, column) in (1..).zip(columns) {
        fields.push(field(id, column, key)?);
    }
    let version = SchemaVersion::FIRST.get();
    Ok(Some(Listed::Inline(SchemaWire { version, key: key.to_vec(), fields })))
}

fn field(id: u32, column: v1::Column, key: &[String]) -> Result<FieldWire, Status> {
    let wrong = |part, what: String| invalid(Field(&format!("columns[{}].{part}", id - 1)), what);
    FieldName::parse(&column.name).map_err(|error| wrong("name", error.to_string()))?;
    if column.field_id != 0 {
        return Err(wrong("field_id", "is given by the server: leave it out".to_owned()));
    }
    let field_type = match column.r#type.as_str() {
        "timestamp" => Some(FieldType::Timestamp),
        text => FieldType::parse(text),
    };
    let field_type = field_type.ok_or_else(|| {
        let found: String = column.r#type.chars().take(60).flat_map(char::escape_debug).collect();
        let kept = "bool, int8 to int64, uint8 to uint64, float, double, decimal128(P, S), date32[day], \
                    timestamp[us, tz=UTC], string or binary";
        wrong("type", format!("'{found}' is no type that is kept; expected {kept}"))
    })?;
    let class = match column.class.as_str() {
        "" => None,
        text => {
            let class = FieldClass::parse(text).ok_or_else(|| {
                let found: String = text.chars().take(60).flat_map(char::escape_debug).collect();
                let known = "skeleton, financial, personal, secret or operational";
                wrong("class", format!("'{found}' is no class; expected {known}"))
            })?;
            Some(ClassWire::from(class))
        }
    };
    let is_key = key.contains(&column.name);
    if column.key && !is_key {
        return Err(wrong("key", format!("is set, but the key does not name '{}'", column.name)));
    }
    Ok(FieldWire {
        id,
        nullable: column.nullable && !is_key,
        name: column.name,
        r#type: field_type.to_string(),
        class,
    })
}
