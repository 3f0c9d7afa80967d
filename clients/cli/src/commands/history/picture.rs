//! The history of an entity as a picture of both time axes.

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};

use crate::console;
use crate::error::CliError;
use crate::output::OutputError;
use crate::output::timeline::{self, Rectangle};

/// Draws rectangles as a history answers them; what they say is the text of the columns that are
/// neither key nor system columns.
///
/// # Errors
/// The batches are not those of rectangles.
pub(crate) fn draw(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    key: &[String],
    width: usize,
) -> Result<String, CliError> {
    let rectangles = rectangles(schema, batches, key)?;
    Ok(timeline::draw(&rectangles, width))
}

fn rectangles(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    key: &[String],
) -> Result<Vec<Rectangle>, CliError> {
    let shown: Vec<(usize, &String)> = schema
        .fields()
        .iter()
        .map(|field| field.name())
        .enumerate()
        .filter(|(_, name)| !name.starts_with('_') && !key.contains(name))
        .collect();
    let mut rectangles = Vec::new();
    for batch in batches {
        let texts = console::texts(std::slice::from_ref(batch))?;
        let [valid_from, valid_to, system_from, system_to] =
            ["_valid_from", "_valid_to", "_system_from", "_system_to"].map(|name| instants(batch, name));
        let (valid_from, valid_to) = (valid_from?, valid_to?);
        let (system_from, system_to) = (system_from?, system_to?);
        for (row, texts) in texts.iter().enumerate() {
            let said = |(place, name): &(usize, &String)| {
                let text = texts[*place].as_deref()?;
                Some(if shown.len() == 1 { text.to_owned() } else { format!("{name}={text}") })
            };
            let label: Vec<_> = shown.iter().filter_map(said).collect();
            rectangles.push(Rectangle {
                valid_from_us: valid_from[row].unwrap_or(i64::MIN),
                valid_to_us: valid_to[row],
                system_from_us: system_from[row].unwrap_or(i64::MIN),
                system_to_us: system_to[row],
                label: label.join(" "),
                retracted: false,
            });
        }
    }
    Ok(rectangles)
}

/// A column of instants.
fn instants(batch: &RecordBatch, name: &'static str) -> Result<Vec<Option<i64>>, CliError> {
    let column =
        batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let column = column.ok_or_else(|| OutputError::Arrow {
        format: "a picture",
        source: ArrowError::SchemaError(format!("there is no column {name} of instants")),
    })?;
    Ok((0..column.len()).map(|row| column.is_valid(row).then(|| column.value(row))).collect())
}
