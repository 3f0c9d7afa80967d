//! Tickets: read, written, refused.

use super::*;
use crate::test_mutants::mutants;

const VALID: [&str; 15] = [
    r#"{"as_of":{"context":"loans"}}"#,
    r#"{"as_of":{"context":"loans","valid_at":"2026-03-31T23:59:59.999999+02:00","known_at":null}}"#,
    r#"{"as_of":{"context":"loans","key":{"id":7}},"at_least":"17"}"#,
    r#"{"as_of":{"context":"loans","keys":[{"id":"7"},{"id":18446744073709551615}],"columns":["id"]}}"#,
    r#"{"as_of":{"context":"loans","system_columns":true,"schema_version":2,"compression":"zstd"}}"#,
    r#"{"as_of":{"context":"loans","part":{"from":null,"to":"gAE="}}}"#,
    r#"{"history":{"context":"loans","key":{"id":7},"known_at":"2026-03-31T00:00:00Z","form":"rectangles"}}"#,
    r#"{"history":{"context":"loans"}}"#,
    r#"{"as_of":{"context":"loans","where":"balance > 100 AND \"x\" = 'it''s'"}}"#,
    r#"{"sql":"SELECT 1"}"#,
    r#"{"sql":"SELECT $1","parameters":["a",7,null,true,{"decimal":"-12.30"},{"bytes":"AAE="}],"at_least":3}"#,
    r#"{"sql":"SELECT $a","parameters":{"a":18446744073709551615},"compression":"lz4"}"#,
    r#"{"sql":"SELECT 1","settings":{"calotype.valid_time":"2026-03-31T00:00:00Z"},"views":{"v":"SELECT 1"}}"#,
    r#"{"diff":{"context":"loans","from":{"valid_at":"2026-03-31T00:00:00Z"},"to":{}},"at_least":0}"#,
    r#"{"snapshot":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}"#,
];

fn check(text: &str, expected: &str) {
    match Ticket::parse(text.as_bytes(), 2) {
        Ok(ticket) => {
            assert_eq!(expected, "", "{text}");
            let written = ticket.to_json();
            assert_eq!(Ticket::parse(written.as_bytes(), 2), Ok(ticket), "{written}");
        }
        Err(error) => assert_eq!(error.to_string(), expected, "{text}"),
    }
}

#[test]
fn tickets_are_read_and_written() {
    for text in VALID {
        check(text, "");
    }
}

#[test]
fn mutants_are_refused_or_read_back_as_the_same() {
    let (mut read, mut refused) = (0, 0);
    for (seed, text) in (1..).zip(VALID) {
        mutants(text, seed, 4000, |mutant| match Ticket::parse(mutant, 2) {
            Ok(ticket) => {
                read += 1;
                let written = ticket.to_json();
                let again = Ticket::parse(written.as_bytes(), 2);
                // Fractions are read to within a unit in their last place; keys, where they stand, have none.
                if format!("{ticket:?}").contains("Fraction(") {
                    assert!(again.is_ok(), "{written}");
                } else {
                    assert_eq!(again, Ok(ticket), "{written}");
                }
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        });
    }
    assert!(read > 500 && refused > 20_000, "{read} read, {refused} refused");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: a line for each mistake")]
fn what_is_wrong_with_a_ticket_is_named() {
    let none = "ticket: expected one of as_of, history, diff, snapshot, sql";
    check("{}", none);
    check(r#"{"at_least":1}"#, none);
    check("[]", "ticket: expected an object, found a list");
    check(r#"{"as_off":{}}"#, "ticket: no field 'as_off'; did you mean 'as_of'?");
    check(
        r#"{"as_of":{"context":"a"},"snapshot":"b"}"#,
        "ticket: asks both as_of and snapshot; ask one question at a time",
    );
    check(r#"{"as_of":{}}"#, "as_of.context: is missing; expected a context's name");
    check(r#"{"as_of":{"context":7}}"#, "as_of.context: expected a string, found a number");
    check(r#"{"as_of":{"context":"a","valid":1}}"#, "as_of: no field 'valid'; did you mean 'valid_at'?");
    check(
        r#"{"as_of":{"context":"a","valid_at":"2026-03-31"}}"#,
        "as_of.valid_at: '2026-03-31' is a date alone; give an instant, for example 2026-03-31T00:00:00Z",
    );
    check(
        r#"{"as_of":{"context":"a","key":7}}"#,
        "as_of.key: expected an object of key columns and their values, found a number",
    );
    check(
        r#"{"as_of":{"context":"a","key":{"id":1},"keys":[]}}"#,
        "as_of.keys: given beside key; give one of both",
    );
    check(
        r#"{"as_of":{"context":"a","keys":[{},{},{}]}}"#,
        "as_of.keys: 3 keys; at most 2 (keys_max) are taken",
    );
    check(
        r#"{"as_of":{"context":"a","keys":[{},3]}}"#,
        "as_of.keys[1]: expected an object of key columns and their values, found a number",
    );
    check(
        r#"{"as_of":{"context":"a","columns":[]}}"#,
        "as_of.columns: expected at least one column; leave it out for all",
    );
    check(
        r#"{"as_of":{"context":"a","system_columns":"yes"}}"#,
        "as_of.system_columns: expected true or false, found a string",
    );
    check(
        r#"{"as_of":{"context":"a","schema_version":-1}}"#,
        "as_of.schema_version: expected the number of a schema version",
    );
    check(
        r#"{"as_of":{"context":"a","schema_version":1.5}}"#,
        "as_of.schema_version: expected the number of a schema version, found a number",
    );
    check(
        r#"{"as_of":{"context":"a","compression":"gzip"}}"#,
        "as_of.compression: expected one of none, lz4, zstd, found 'gzip'",
    );
    check(r#"{"as_of":{"context":"a","part":{"from":"?"}}}"#, "as_of.part.from: expected base64");
    check(
        r#"{"as_of":{"context":"a","key":{},"part":{}}}"#,
        "as_of.part: given beside keys; a part is a range of all keys",
    );
    check(r#"{"as_of":{"context":"a","where":7}}"#, "as_of.where: expected a string, found a number");
    check(r#"{"sql":7}"#, "sql: expected a string, found a number");
    check(
        r#"{"sql":"SELECT 1","parameters":7}"#,
        "parameters: expected a list of values for $1, $2, .. or an object by name, found a number",
    );
    let fraction = "parameters[1]: expected a decimal as {\"decimal\":\"12.30\"}, so that no digit is lost";
    check(r#"{"sql":"SELECT 1","parameters":[1,0.5]}"#, fraction);
    check(
        r#"{"sql":"SELECT 1","parameters":{"x":{"decimal":"1e3"}}}"#,
        "parameters['x'].decimal: expected a decimal such as \"12.30\" with at most 38 digits",
    );
    check(
        r#"{"sql":"SELECT 1","parameters":[{"date":"x"}]}"#,
        "parameters[0]: no field 'date'; known are decimal, bytes",
    );
    check(r#"{"sql":"SELECT 1","settings":{"a":1}}"#, "settings['a']: expected a string, found a number");
    check(
        r#"{"snapshot":"aa","parameters":[1]}"#,
        "snapshot: 'aa' is not a snapshot id: expected 64 lower-case hexadecimal digits",
    );
    check(
        r#"{"history":{"context":"a"},"settings":{}}"#,
        "settings: belongs to sql; the ticket asks history",
    );
    check(
        r#"{"diff":{"context":"a","from":{}}}"#,
        "diff.to: is missing; expected an object with valid_at and known_at, each of which may be left out",
    );
    check(
        r#"{"diff":{"context":"a","from":{"at":"x"},"to":{}}}"#,
        "diff.from: no field 'at'; known are valid_at, known_at",
    );
    check(
        r#"{"history":{"context":"a","form":"fact"}}"#,
        "history.form: expected one of facts, rectangles, found 'fact'",
    );
    check(
        r#"{"snapshot":"x"}"#,
        "snapshot: 'x' is not a snapshot id: expected 64 lower-case hexadecimal digits",
    );
    check(
        r#"{"snapshot":"x","snapshot":"y"}"#,
        "ticket: is not JSON as expected: field 'snapshot' is given twice at line 1 column 31",
    );
    check(
        r#"{"snapshot":"#,
        "ticket: is not JSON as expected: EOF while parsing a value at line 1 column 12",
    );
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let found = Ticket::parse(format!(r#"{{"snapshot":{deep}}}"#).as_bytes(), 2).unwrap_err().to_string();
    assert!(found.starts_with("ticket: is not JSON as expected: recursion limit exceeded"), "{found}");
    check(&" ".repeat(1 << 21), "ticket: 2097152 bytes; at most 1048576 are read");
}
