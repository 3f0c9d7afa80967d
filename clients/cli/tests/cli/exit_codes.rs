//! Every exit code that `calotype exit-codes` lists.

use super::desk::Desk;

#[test]
fn the_list_is_printed() {
    let desk = Desk::new();
    let list = desk.ok(&["exit-codes"]).out;
    for line in ["   0  done", "   3  refused", "  10  damaged"] {
        assert!(list.contains(line), "{list}");
    }
    assert!(desk.ok(&["--help"]).out.contains("Exit codes:"));
}

#[test]
fn a_wrong_command_line_is_2() {
    let desk = Desk::new();
    desk.fails(&["frobnicate"], 2, &[]);
    desk.fails(&["as-of", "loans", "--valid-at", "2026-04-01"], 2, &["date alone"]);
    desk.fails(&["as-of", "loans", "--valid-at", "2026-04-01T00:00:00"], 2, &["no zone"]);
    desk.fails(&["as-of", "loans", "--known-at", "2026-04-01T00:00:00.1234567Z"], 2, &["finer"]);
    desk.fails(&["withdraw", "loans", "--cutoff", "2026-04-01"], 2, &["date alone"]);
    let mut command = desk.command(&["status"]);
    let output = command.env_remove("CALOTYPE_STORE").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains("no store was named") && err.contains("next: pass --store"), "{err}");
}

#[test]
fn every_other_code_has_its_case() {
    let desk = Desk::with_loans();
    desk.write("bad.csv", "loan_id,balance,status\nx,1.00,open\n");
    let put = ["put", "loans", "bad.csv", "--kind", "full", "--cutoff", "2026-06-01T00:00:00Z"];
    desk.fails(&put, 3, &["bad.csv, row 1"]);
    desk.fails(&["as-of", "payments"], 4, &["no context 'payments'", "next: `calotype context list`"]);
    desk.fails(&["--store", "nowhere", "status"], 4, &["no store at nowhere"]);
    let missing = ["put", "loans", "none.csv", "--kind", "full", "--cutoff", "2026-06-01T00:00:00Z"];
    desk.fails(&missing, 4, &["none.csv"]);
    desk.fails(&["context", "create", "loans", "--key", "id"], 5, &["another key"]);
    desk.write("facts.csv", "loan_id,_valid_from\n1,2026-01-01T00:00:00Z\n");
    desk.fails(&["put", "loans", "facts.csv", "--kind", "facts"], 6, &["takes statements"]);
    desk.fails(&["as-of", "loans", "--known-at", "2999-01-01T00:00:00Z"], 7, &["in the future"]);
}

#[test]
fn a_message_holds_no_control_characters() {
    let desk = Desk::with_loans();
    let answer = desk.fails(&["get", "loans", "a=\u{1b}[2J", "b"], 3, &["\\u{1b}"]);
    assert!(!answer.err.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;
    let desk = Desk::with_loans();
    let mut child = desk.command(&["completions", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
