//! What answers look like to people, and the claims behind them.

use super::desk::Desk;

#[test]
fn a_table_comes_with_its_claim() {
    let desk = Desk::with_loans();
    let as_of = ["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--format", "table"];
    let answer = desk.ok(&as_of);
    assert!(answer.out.contains("│ loan_id ┆ balance ┆ status │"), "{}", answer.out);
    assert!(answer.out.ends_with("3 rows\n"), "{}", answer.out);
    for text in
        ["true on     2026-04-15T00:00:00.000000Z", "settled", "snapshot", "partial: unchecked", "3 rows"]
    {
        assert!(answer.err.contains(text), "{text} in {}", answer.err);
    }
    let quiet = desk.ok(&[as_of.as_slice(), &["--quiet"]].concat());
    assert_eq!(quiet.err, "");
}

#[test]
fn a_claim_is_written_as_json() {
    let desk = Desk::with_loans();
    let as_of = ["as-of", "loans", "--claim-file", "claim.json", "--claim"];
    let answer = desk.ok(&as_of);
    let file: serde_json::Value = serde_json::from_slice(&desk.read("claim.json")).unwrap();
    let printed: serde_json::Value = serde_json::from_str(&answer.err).unwrap();
    assert_eq!(file, printed);
    assert_eq!((&file["claim"]["settled"], &file["end"]["rows"]), (&true.into(), &2.into()));
    assert_eq!(file["end"]["result_hash"].as_str().unwrap().len(), 64);
}

#[test]
fn one_entity_stands_column_by_column() {
    let desk = Desk::with_loans();
    let get = ["get", "loans", "loan_id=3", "--valid-at", "2026-04-15T00:00:00Z"];
    let answer = desk.ok(&[get.as_slice(), &["--format", "table"]].concat());
    for text in ["balance", "30.00", "_valid_to", "2026-05-01T00:00:00.000000Z"] {
        assert!(answer.out.contains(text), "{text} in {}", answer.out);
    }
    assert_eq!(desk.ok(&get).column("status"), ["late"]);
    let gone = desk.ok(&["get", "loans", "3", "--valid-at", "2026-05-15T00:00:00Z", "--format", "table"]);
    assert!(gone.err.contains("Nothing holds"), "{}", gone.err);
    desk.fails(&["get", "loans", "loan_id=3", "x=1"], 3, &["loan_id=VALUE"]);
}

#[test]
fn a_history_is_told_and_drawn() {
    let desk = Desk::with_loans();
    let facts = desk.ok(&["history", "loans", "3"]);
    assert_eq!(facts.column("_op"), ["assert", "retract"]);
    let drawn = desk.ok(&["history", "loans", "3", "--draw", "--columns", "balance,status"]);
    for text in ["true on", "known on", "2026-04-01", "|AAA", "A  balance=30.00 status=late"] {
        assert!(drawn.out.contains(text), "{text} in {}", drawn.out);
    }
}

#[test]
fn a_diff_in_a_table_shows_what_differs() {
    let desk = Desk::with_loans();
    let diff =
        ["diff", "loans", "--from-valid", "2026-04-15T00:00:00Z", "--to-valid", "2026-05-15T00:00:00Z"];
    let all = desk.ok(&diff);
    assert_eq!(all.column("_change"), ["changed_from", "changed_to", "removed"]);
    let one = [diff.as_slice(), &["--key", "1", "--format", "table"]].concat();
    let table = desk.ok(&one).out;
    assert!(table.contains("balance") && !table.contains("status"), "{table}");
    let columns = desk.ok(&[diff.as_slice(), &["--columns", "status"]].concat());
    assert!(!columns.out.contains("balance"), "{}", columns.out);
}

#[test]
fn snapshots_are_listed_and_shown() {
    let desk = Desk::with_loans();
    let list = desk.ok(&["snapshot", "list", "loans"]);
    assert_eq!(list.column("rows"), ["3", "2"]);
    let ids = list.column("snapshot");
    let show = desk.ok(&["snapshot", "show", &ids[0]]);
    assert!(show.column("value").contains(&"partial: unchecked".to_owned()), "{}", show.out);
    assert_eq!(desk.ok(&["snapshot", "show", &ids[0], "--rows"]).column("loan_id"), ["1", "2", "3"]);
    desk.fails(&["snapshot", "show", &"0".repeat(64)], 4, &["no snapshot"]);
}

#[test]
fn the_past_is_read_in_the_columns_of_its_time() {
    let desk = Desk::with_loans();
    let known = desk.ok(&["log", "--limit", "1"]).column("known_since").pop().unwrap();
    desk.ok(&["context", "alter", "loans", "--rename", "status=state"]);
    let as_of = ["as-of", "loans", "--valid-at", "2026-05-15T00:00:00Z", "--columns"];
    desk.ok(&[as_of.as_slice(), &["state"]].concat());
    desk.ok(&[as_of.as_slice(), &["status", "--known-at", &known]].concat());
    desk.ok(&[as_of.as_slice(), &["status", "--schema-version", "1"]].concat());
    desk.fails(
        &[as_of.as_slice(), &["status"]].concat(),
        3,
        &["no column 'status'", "next: `calotype context show`"],
    );
}
