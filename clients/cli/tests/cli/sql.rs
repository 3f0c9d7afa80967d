//! Statements of SQL from the command line.

use std::io::Write;
use std::process::Stdio;

use super::desk::Desk;

const APRIL: &str = "2026-04-15T00:00:00Z";

#[test]
fn a_statement_is_answered_in_every_format() {
    let desk = Desk::with_loans();
    let text = "SELECT status, sum(balance) AS total FROM loans GROUP BY status ORDER BY status";
    let answer = desk.ok(&["sql", text, "--valid-at", APRIL, "--claim"]);
    assert_eq!(
        (answer.column("status"), answer.column("total")),
        (texts(["late", "open"]), texts(["30.00", "30.00"]))
    );
    let claim: serde_json::Value = serde_json::from_str(&answer.err).unwrap();
    assert_eq!(claim["claim"]["reads"][0]["context"], "loans");
    assert_eq!((&claim["claim"]["settled"], &claim["end"]["rows"]), (&true.into(), &2.into()));
    let csv = desk.ok(&["sql", text, "--valid-at", APRIL, "--format", "csv"]);
    assert_eq!(csv.out, "status,total\nlate,30.00\nopen,30.00\n");
    let table = desk.ok(&["sql", text, "--valid-at", APRIL, "--format", "table"]);
    assert!(table.out.ends_with("2 rows\n"), "{}", table.out);
    for text in ["context     loans", "true on", "settled: it stays the same for ever"] {
        assert!(table.err.contains(text), "{text} in {}", table.err);
    }
    for format in ["arrow", "parquet", "json"] {
        desk.ok(&["sql", text, "--format", format, "--output", &format!("answer.{format}")]);
        assert!(!desk.read(&format!("answer.{format}")).is_empty());
    }
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

#[test]
fn texts_come_from_arguments_files_and_pipes() {
    let desk = Desk::with_loans();
    desk.write("report.sql", "SELECT loan_id FROM late WHERE balance >= $least\n  AND status = $1;\n");
    desk.write("late.sql", "SELECT * FROM loans");
    let arguments =
        ["--file", "report.sql", "--view", "late=late.sql", "--param", "least=20.00", "--param", "open"];
    let file = desk.ok(&[["sql"].as_slice(), &arguments].concat());
    assert_eq!(file.column("loan_id"), ["2"]);

    let mut child = desk.command(&["sql", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 1 AS one").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "{\"one\":\"1\"}");

    let text = "SELECT loan_id FROM loans ORDER BY loan_id";
    let snapshots = desk.ok(&["snapshot", "list", "loans", "--cutoff", "2026-04-01T00:00:00Z"]);
    let id = snapshots.column("snapshot").remove(0);
    assert_eq!(desk.ok(&["sql", text, "--snapshot", &id]).column("loan_id"), ["1", "2", "3"]);
    let set = format!("calotype.valid_time={APRIL}");
    assert_eq!(desk.ok(&["sql", text, "--set", &set]).column("loan_id"), ["1", "2", "3"]);
    desk.fails(&["sql"], 2, &["<TEXT>"]);
    desk.fails(&["sql", "--file", "none.sql"], 4, &["none.sql"]);
}

#[test]
fn plans_are_printed() {
    let desk = Desk::with_loans();
    let text = "SELECT status FROM loans WHERE loan_id = 3";
    let plan = desk.ok(&["explain", text]);
    assert!(plan.out.contains("keys=1 named") && plan.out.lines().count() > 3, "{}", plan.out);
    assert!(desk.ok(&["sql", "--explain", text]).out.contains("keys=1 named"));
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let desk = Desk::with_loans();
    let text = "SELECT *\n  FROM loans FOR VALID_TIME AS 1";
    let shown = "\n    FROM loans FOR VALID_TIME AS 1\n                              ^";
    desk.fails(&["sql", text], 3, &["expected AS OF", shown]);
    desk.fails(&["sql", "SELECT 1 + )"], 3, &["cannot be read", "\n  SELECT 1 + )\n             ^\n"]);
    desk.fails(&["explain", "SELECT nought FROM loans"], 3, &["nought"]);
    desk.fails(&["sql", "DELETE FROM loans"], 3, &["only read"]);
    desk.fails(&["sql", "SELECT $x"], 3, &["$x"]);
    desk.fails(&["sql", "SELECT 1", "--param"], 2, &["--param"]);
    desk.fails(&["sql", "SELECT 1", "--valid-at", APRIL, "--snapshot", "aa"], 2, &["--snapshot"]);
}

#[test]
fn a_predicate_filters_a_state() {
    let desk = Desk::with_loans();
    let as_of = ["as-of", "loans", "--valid-at", APRIL, "--where"];
    let late = desk.ok(&[as_of.as_slice(), &["balance > 15.00 AND status <> 'late'"]].concat());
    assert_eq!(late.column("loan_id"), ["2"]);
    desk.fails(&[as_of.as_slice(), &["true; SELECT 1"]].concat(), 3, &["the end of the predicate"]);
}
