//! NDJSON: one JSON object a line. A first pass finds the columns, in the order of their first
//! mention, and the types that are not declared; a second reads the values. Numbers stay text
//! until they are parsed as what their column is, so none is rounded on the way.

use std::collections::BTreeMap;

use arrow_schema::DataType;

use super::assemble::Assembly;
use super::encoding::{AUTO, TextEncoding};
use super::error::{self, BadCell, CellFault};
use super::infer::Shape;
use super::plan::Plan;
use super::source::{Meter, Source};
use super::{Extract, InputError, ReadOptions};

mod line;
mod value;

use line::Lines;
use value::Value;

/// Reads an NDJSON file.
pub(super) fn read(
    source: &Source<'_>,
    options: &ReadOptions,
    meter: &mut Meter<'_>,
) -> Result<Extract, InputError> {
    let looks = u64::from(options.encoding.eq_ignore_ascii_case(AUTO));
    meter.begin_pass(looks + 2);
    let encoding = TextEncoding::choose(&options.encoding, source, meter)?;
    meter.begin_pass(2);
    let columns = Columns::find(&mut Lines::open(source, encoding, meter)?, options)?;
    meter.begin_pass(1);
    parse(&mut Lines::open(source, encoding, meter)?, &columns)
}

/// The columns of a file, as its first pass finds them.
struct Columns {
    /// By position: the name in the file, what becomes of it, and its shape so far.
    found: Vec<(String, Option<Plan>, Option<Shape>)>,
    positions: BTreeMap<String, usize>,
}

impl Columns {
    fn find(lines: &mut Lines<'_>, options: &ReadOptions) -> Result<Self, InputError> {
        let mut columns = Self { found: Vec::new(), positions: BTreeMap::new() };
        let mut empty = true;
        while lines.advance()? {
            empty = false;
            for (index, (name, raw)) in lines.object()?.into_iter().enumerate() {
                let at = columns.position(index, &name);
                let at = match at {
                    Some(at) => at,
                    None => columns.add(&name, options, lines.file())?,
                };
                columns.see(at, Value::of(raw), lines)?;
            }
        }
        if empty { Err(InputError::Empty { file: lines.file().to_owned() }) } else { Ok(columns) }
    }

    /// The position of a name, which in most files is that of the line before.
    fn position(&self, likely: usize, name: &str) -> Option<usize> {
        if self.found.get(likely).is_some_and(|(found, ..)| found == name) {
            return Some(likely);
        }
        self.positions.get(name).copied()
    }

    fn add(&mut self, name: &str, options: &ReadOptions, file: &str) -> Result<usize, InputError> {
        let at = self.found.len();
        let plan = Plan::of(name, options);
        let same =
            |other: &Option<Plan>| other.as_ref().zip(plan.as_ref()).is_some_and(|(a, b)| a.name == b.name);
        if let Some(first) = self.found.iter().position(|(_, other, _)| same(other)) {
            return Err(InputError::DuplicateColumn {
                file: file.to_owned(),
                column: plan.map(|plan| plan.name).unwrap_or_default(),
                first: first + 1,
                second: at + 1,
            });
        }
        self.found.push((name.to_owned(), plan, None));
        self.positions.insert(name.to_owned(), at);
        Ok(at)
    }

    /// Takes a value into account where a type is to be inferred.
    fn see(&mut self, at: usize, value: Value<'_>, lines: &Lines<'_>) -> Result<(), InputError> {
        let (_, Some(plan), shape) = &mut self.found[at] else {
            return Ok(());
        };
        if plan.data_type.is_some() || value == Value::Null {
            return Ok(());
        }
        let refuse = |text: &str, expected: &str, fault| {
            Err(InputError::Cell(Box::new(BadCell {
                place: lines.place(),
                column: plan.name.clone(),
                found: error::shown(text.as_bytes()),
                expected: expected.to_owned(),
                fault,
            })))
        };
        let seen = match value {
            Value::Number(text) => match Shape::of_number(text.as_bytes()) {
                Some(shape) => shape,
                None => return refuse(text, "a number of 38 digits", CellFault::OutOfRange),
            },
            Value::Boolean(_) => Shape::Boolean,
            Value::String(_) | Value::Null => Shape::Text,
            Value::Nested(text, found) => {
                return refuse(text, "a plain value", CellFault::JsonKind { found });
            }
        };
        let before = shape.unwrap_or(seen);
        let Some(both) = before.and(seen) else {
            return Err(InputError::MixedKinds {
                place: lines.place(),
                column: plan.name.clone(),
                before: before.kind(),
                found: seen.kind(),
            });
        };
        *shape = Some(both);
        Ok(())
    }

    /// The plans with all types known, and for each column of the file its place among them.
    fn settle(&self) -> (Vec<Plan>, Vec<Option<usize>>) {
        let mut plans = Vec::new();
        let mut targets = Vec::new();
        for (_, plan, shape) in &self.found {
            targets.push(plan.as_ref().map(|_| plans.len()));
            plans.extend(plan.clone().map(|plan| {
                let inferred = shape.map_or(DataType::Utf8, Shape::data_type);
                Plan { data_type: Some(plan.data_type.unwrap_or(inferred)), ..plan }
            }));
        }
        (plans, targets)
    }
}

/// Reads all rows as the types that are known by now.
fn parse(lines: &mut Lines<'_>, columns: &Columns) -> Result<Extract, InputError> {
    let (plans, targets) = columns.settle();
    let mut filled = vec![0_u64; plans.len()];
    let mut assembly = Assembly::new(lines.file(), plans)?;
    let mut row = 0;
    while lines.advance()? {
        row += 1;
        for (index, (name, raw)) in lines.object()?.into_iter().enumerate() {
            let at = columns
                .position(index, &name)
                .ok_or_else(|| InputError::Changed { file: lines.file().to_owned() })?;
            let Some(column) = targets[at] else { continue };
            if filled[column] == row {
                let (place, column) = (lines.place(), name.into_owned());
                return Err(InputError::DuplicateField { place, column });
            }
            filled[column] = row;
            append(&mut assembly, column, raw, lines.line())?;
        }
        for (column, filled) in filled.iter().enumerate() {
            if *filled != row {
                assembly.append_null(column);
            }
        }
        assembly.end_row(lines.line(), lines.len_bytes())?;
    }
    assembly.finish()
}

/// Adds a JSON value to a column, if the column reads values of its kind: numbers and the strings
/// that stand for them as numbers, true and false as bool, strings as all but bool.
fn append(assembly: &mut Assembly, column: usize, raw: &str, line: u64) -> Result<(), InputError> {
    let value = Value::of(raw);
    let data_type = assembly.data_type(column);
    let number = data_type.is_numeric();
    let boolean = *data_type == DataType::Boolean;
    match value {
        Value::Null => {
            assembly.append_null(column);
            Ok(())
        }
        Value::Number(text) if number => assembly.append(column, text.as_bytes(), line),
        Value::Boolean(text) if boolean => assembly.append(column, text.as_bytes(), line),
        Value::String(text) if !boolean => match value::unquoted(text) {
            Some(text) => assembly.append(column, text.as_bytes(), line),
            None => Err(assembly.bad_cell(column, raw.as_bytes(), line, CellFault::Malformed)),
        },
        Value::Number(_) | Value::Boolean(_) | Value::String(_) | Value::Nested(..) => {
            let fault = CellFault::JsonKind { found: value.kind() };
            Err(assembly.bad_cell(column, raw.as_bytes(), line, fault))
        }
    }
}
