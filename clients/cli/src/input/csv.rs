//! CSV (RFC 4180) and its relatives with other delimiters: a first pass for the types that are
//! not declared, if there are any, and a second for the values.

use super::assemble::Assembly;
use super::encoding::{AUTO, TextEncoding};
use super::infer::Guess;
use super::plan::{self, Plan};
use super::source::{Meter, Source};
use super::{Extract, InputError, ReadOptions};

mod rows;

use rows::CsvRows;

/// Reads a CSV file.
pub(super) fn read(
    source: &Source<'_>,
    delimiter: u8,
    options: &ReadOptions,
    meter: &mut Meter<'_>,
) -> Result<Extract, InputError> {
    let looks = u64::from(options.encoding.eq_ignore_ascii_case(AUTO));
    meter.begin_pass(looks + 2);
    let encoding = TextEncoding::choose(&options.encoding, source, meter)?;
    meter.begin_pass(2);
    let mut rows = CsvRows::open(source, encoding, delimiter, options, meter)?;
    let mut plans = plan::of_header(source.name(), rows.header(), options)?;
    infer(&mut rows, &mut plans, &options.null_values)?;
    drop(rows);
    meter.begin_pass(1);
    let mut rows = CsvRows::open(source, encoding, delimiter, options, meter)?;
    parse(source.name(), &mut rows, plans, &options.null_values)
}

/// Finds the types that are not declared; reads no row if all are.
fn infer(rows: &mut CsvRows<'_>, plans: &mut [Option<Plan>], nulls: &[String]) -> Result<(), InputError> {
    let unknown = |plan: &Option<Plan>| plan.as_ref().is_some_and(|plan| plan.data_type.is_none());
    let mut guesses: Vec<_> = (0..plans.len())
        .filter(|field| unknown(&plans[*field]))
        .map(|field| (field, Guess::default()))
        .collect();
    while !guesses.is_empty() && rows.advance()? {
        for (field, guess) in &mut guesses {
            let cell = rows.cell(*field);
            if !is_null(cell, nulls) {
                guess.see(cell);
            }
        }
    }
    for (field, guess) in guesses {
        if let Some(plan) = &mut plans[field] {
            plan.data_type = Some(guess.data_type());
        }
    }
    Ok(())
}

/// Reads all rows as the types that are known by now.
fn parse(
    file: &str,
    rows: &mut CsvRows<'_>,
    plans: Vec<Option<Plan>>,
    nulls: &[String],
) -> Result<Extract, InputError> {
    if rows.header().len() != plans.len() {
        return Err(InputError::Changed { file: file.to_owned() });
    }
    let fields: Vec<_> = (0..plans.len()).filter(|field| plans[*field].is_some()).collect();
    let mut assembly = Assembly::new(file, plans.into_iter().flatten().collect())?;
    while rows.advance()? {
        let line = rows.line();
        for (column, field) in fields.iter().enumerate() {
            let cell = rows.cell(*field);
            if is_null(cell, nulls) {
                assembly.append_null(column);
            } else {
                assembly.append(column, cell, line)?;
            }
        }
        assembly.end_row(line, rows.len_bytes())?;
    }
    assembly.finish()
}

fn is_null(cell: &[u8], nulls: &[String]) -> bool {
    nulls.iter().any(|null| null.as_bytes() == cell)
}
