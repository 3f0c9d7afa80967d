//! A refusal as programs read it: one stable word for each, and the variables of its message.

use super::{DuplicateKey, Refusal};
use crate::variables::{Variables, variable};

/// How many duplicate keys are named among the variables.
const DUPLICATES_NAMED: usize = 3;

macro_rules! variables {
    ($($name:ident),* $(,)?) => { vec![$(variable(stringify!($name), $name)),*] };
}

impl Refusal {
    /// One word for what was refused, in capitals, at most 63 bytes; it never changes its meaning.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoContext(_) => "NO_CONTEXT",
            Self::ContextExists { .. } => "CONTEXT_EXISTS",
            Self::Mode { .. } => "MODE",
            Self::Schema(_) => "SCHEMA",
            Self::NoSchema(_) => "NO_SCHEMA",
            Self::UnknownColumn { .. } => "UNKNOWN_COLUMN",
            Self::MissingColumn { .. } => "MISSING_COLUMN",
            Self::ColumnType { .. } => "COLUMN_TYPE",
            Self::Wider { .. } => "COLUMN_WIDER",
            Self::TypeNotKept { .. } => "TYPE_NOT_KEPT",
            Self::ColumnName(_) => "COLUMN_NAME",
            Self::ColumnTwice(_) => "COLUMN_TWICE",
            Self::TooFine { .. } => "INSTANT_TOO_FINE",
            Self::InstantText { .. } => "INSTANT_TEXT",
            Self::InstantRange { .. } => "INSTANT_OUT_OF_RANGE",
            Self::Null { .. } => "NULL_VALUE",
            Self::DuplicateKeys { .. } => "DUPLICATE_KEYS",
            Self::KeyLength { .. } => "KEY_TOO_LONG",
            Self::RowLength { .. } => "ROW_TOO_LONG",
            Self::TooLarge { .. } => "PUT_TOO_LARGE",
            Self::Op { .. } => "UNKNOWN_OP",
            Self::Period { .. } => "EMPTY_PERIOD",
            Self::NoValidTo { .. } => "NO_VALID_TO",
            Self::Option { .. } => "OPTION_OF_ANOTHER_KIND",
            Self::NoCutoff(_) => "NO_CUTOFF",
            Self::UnknownCutoff { .. } => "UNKNOWN_CUTOFF",
            Self::EmptyFull => "EMPTY_FULL",
            Self::ExpectedRows { .. } => "EXPECTED_ROWS",
            Self::Total { .. } => "TOTAL",
            Self::NoTotal(_) => "NO_TOTAL",
            Self::MaxRetracted { .. } => "MAX_RETRACTED",
            Self::NoRecordedAt(_) => "NO_RECORDED_AT",
            Self::RecordedAt(_) => "RECORDED_AT_REFUSED",
            Self::RecordedAtFuture { .. } => "RECORDED_AT_IN_FUTURE",
            Self::RecordedAtOrder { .. } => "RECORDED_AT_ORDER",
            Self::NotImporting(_) => "NOT_IMPORTING",
            Self::IdempotencyKeyReused { .. } => "IDEMPOTENCY_KEY_REUSED",
            Self::ExpectedCommit { .. } => "EXPECTED_COMMIT",
            Self::NoSchemaVersion { .. } => "NO_SCHEMA_VERSION",
            Self::ColumnExists(_) => "COLUMN_EXISTS",
            Self::NothingToAlter => "NOTHING_TO_ALTER",
            Self::Field { .. } => "FIELD",
        }
    }

    /// The variables of the message, each with its name.
    pub fn variables(&self) -> Variables {
        match self {
            Self::NoContext(context)
            | Self::NoSchema(context)
            | Self::NoRecordedAt(context)
            | Self::RecordedAt(context)
            | Self::NotImporting(context) => variables![context],
            Self::ContextExists { context, what } => variables![context, what],
            Self::Mode { context, expected, found } => variables![context, expected, found],
            Self::Schema(what) => variables![what],
            Self::UnknownColumn { context, column } => variables![context, column],
            Self::MissingColumn { context, column, hint } => variables![context, column, hint],
            Self::ColumnType { column, expected, found } | Self::Total { column, expected, found } => {
                variables![column, expected, found]
            }
            Self::Wider { column, expected, found } => variables![column, expected, found],
            Self::TypeNotKept { column, found, hint } => variables![column, found, hint],
            Self::ColumnName(column) | Self::ColumnTwice(column) | Self::NoTotal(column) => {
                variables![column]
            }
            Self::ColumnExists(column) => variables![column],
            Self::TooFine { row, column } | Self::InstantRange { row, column } => variables![row, column],
            Self::InstantText { row, column, why } => variables![row, column, why],
            Self::Null { row, column, hint } => variables![row, column, hint],
            Self::DuplicateKeys { count, examples } => duplicates(*count, examples),
            Self::KeyLength { row, found } => {
                let limit = crate::key::KEY_BYTES_MAX;
                variables![row, found, limit]
            }
            Self::RowLength { row, found } => {
                let limit = crate::row_group::ROW_BYTES_MAX;
                variables![row, found, limit]
            }
            Self::TooLarge { what, found, limit } => variables![what, found, limit],
            Self::Op { row, found } => variables![row, found],
            Self::Period { row, from, to } => variables![row, from, to],
            Self::NoValidTo { row } => variables![row],
            Self::Option { option, kind } => variables![option, kind],
            Self::NoCutoff(kind) => variables![kind],
            Self::UnknownCutoff { context, cutoff } => variables![context, cutoff],
            Self::EmptyFull | Self::NothingToAlter => Variables::new(),
            Self::ExpectedRows { expected, found } => variables![expected, found],
            Self::MaxRetracted { retracted, known } => variables![retracted, known],
            Self::RecordedAtFuture { found, now } => variables![found, now],
            Self::RecordedAtOrder { context, found, newest } => variables![context, found, newest],
            Self::IdempotencyKeyReused { key, commit } => variables![key, commit],
            Self::ExpectedCommit { context, expected, found } => variables![context, expected, found],
            Self::NoSchemaVersion { context, version } => variables![context, version],
            Self::Field { field, expected } => variables![field, expected],
        }
    }
}

/// The count, and the first keys each with its rows.
fn duplicates(count: u64, examples: &[DuplicateKey]) -> Variables {
    const NAMES: [(&str, &str); DUPLICATES_NAMED] =
        [("key_1", "rows_1"), ("key_2", "rows_2"), ("key_3", "rows_3")];
    let mut variables = variables![count];
    for (example, (key, rows)) in examples.iter().zip(NAMES) {
        let numbers: Vec<_> = example.rows.iter().map(u64::to_string).collect();
        variables.push(variable(key, &example.key));
        variables.push(variable(rows, numbers.join(",")));
    }
    variables
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::error::Error;
    use crate::identity::Sequence;
    use crate::name::ContextName;
    use crate::record::Mode;
    use crate::refusal::ModeTakes;
    use crate::time::{ParseInstantError, SystemTime, ValidTime};
    use crate::variables::VALUE_BYTES_MAX;

    fn loans() -> ContextName {
        ContextName::parse("loans").unwrap()
    }

    fn samples() -> Vec<Refusal> {
        let valid = |text| ValidTime::parse(text).unwrap();
        let system = |text| SystemTime::parse(text).unwrap();
        vec![
            Refusal::NoContext(loans()),
            Refusal::ContextExists { context: loans(), what: "key" },
            Refusal::Mode { context: loans(), expected: ModeTakes(Mode::State), found: "facts" },
            Refusal::UnknownColumn { context: loans(), column: "a".into() },
            Refusal::MissingColumn { context: loans(), column: "a".into(), hint: "put it" },
            Refusal::ColumnType { column: "a".into(), expected: "int64".into(), found: "string".into() },
            Refusal::ColumnTwice("a".into()),
            Refusal::TooFine { row: 3, column: "a".into() },
            Refusal::InstantText {
                row: 3,
                column: "a".into(),
                why: ParseInstantError::NoZone("2026-01-01T00:00:00".into()),
            },
            Refusal::DuplicateKeys {
                count: 12,
                examples: (1..=10)
                    .map(|n| DuplicateKey { key: format!("K{n}"), rows: vec![n, n + 1] })
                    .collect(),
            },
            Refusal::KeyLength { row: 3, found: 9999 },
            Refusal::RowLength { row: 3, found: 99_999_999 },
            Refusal::TooLarge { what: "rows", found: 11, limit: 10 },
            Refusal::Period {
                row: 3,
                from: valid("2026-01-02T00:00:00Z"),
                to: valid("2026-01-01T00:00:00Z"),
            },
            Refusal::UnknownCutoff { context: loans(), cutoff: valid("2026-01-02T00:00:00Z") },
            Refusal::ExpectedRows { expected: 3, found: 4 },
            Refusal::Total { column: "a".into(), expected: "1.00".into(), found: "2.00".into() },
            Refusal::MaxRetracted { retracted: 7, known: 8 },
            Refusal::RecordedAtFuture {
                found: system("2027-01-01T00:00:00Z"),
                now: system("2026-01-01T00:00:00Z"),
            },
            Refusal::ExpectedCommit { context: loans(), expected: Sequence::new(3), found: Sequence::new(4) },
        ]
    }

    #[test]
    fn every_variable_stands_in_the_message() {
        for refusal in samples() {
            let message = refusal.to_string();
            let variables = refusal.variables();
            assert!(!variables.is_empty(), "{message}");
            for (name, value) in variables {
                let parts: Vec<_> =
                    if name.starts_with("rows_") { value.split(',').collect() } else { vec![&*value] };
                for part in parts {
                    assert!(message.contains(part), "{name} {part:?} is not in: {message}");
                }
            }
        }
    }

    #[test]
    fn no_value_grows_with_what_was_handed_over() {
        let refusal = Refusal::Op { row: 1, found: "x".repeat(1 << 20) };
        assert!(refusal.variables().iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
        let examples = (0..10).map(|_| DuplicateKey { key: "x".repeat(9999), rows: vec![1; 9999] }).collect();
        let refusal = Refusal::DuplicateKeys { count: 10, examples };
        assert_eq!(refusal.variables().len(), 1 + 2 * DUPLICATES_NAMED);
        assert!(refusal.variables().iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
    }

    #[test]
    fn an_error_that_wraps_a_refusal_gives_its_reason() {
        let error = Error::from(Refusal::NoContext(loans()));
        assert_eq!(error.reason(), "NO_CONTEXT");
        assert_eq!(error.variables(), [("context", "loans".to_owned())]);
    }

    #[test]
    fn each_reason_is_one_word_of_its_own() {
        let source = [include_str!("reason.rs"), include_str!("../error/reason.rs")].concat();
        let arm = |line: &str| {
            let (pattern, word) = line.trim().strip_suffix("\",")?.split_once(" => \"")?;
            pattern.starts_with("Self::").then(|| word.to_owned())
        };
        let words: Vec<_> = source.lines().filter_map(arm).collect();
        assert!(words.len() > 55, "{}", words.len());
        let is_legal = |word: &String| {
            word.len() <= 63 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        assert!(words.iter().all(is_legal), "{words:?}");
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "{words:?}");
    }
}
