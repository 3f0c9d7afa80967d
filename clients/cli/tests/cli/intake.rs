//! Input that is refused: file, row and field are named, and nothing of it is applied.

use super::desk::Desk;

const FULL: [&str; 4] = ["--kind", "full", "--cutoff", "2026-06-01T00:00:00Z"];

fn check(name: &str, content: impl AsRef<[u8]>, options: &[&str], texts: &[&str]) {
    let desk = Desk::with_loans();
    let before = desk.ok(&["status"]).out;
    desk.write(name, content);
    let put = [&["put", "loans", name], options].concat();
    desk.fails(&put, 3, texts);
    assert_eq!(desk.ok(&["status"]).out, before, "nothing was committed");
}

#[test]
fn bad_cells_and_rows() {
    let header = "loan_id,balance,status\n";
    check(
        "a.csv",
        format!("{header}1,10.00,open\n2,x,open\n"),
        &FULL,
        &["a.csv, row 2 (line 3), column balance"],
    );
    check("a.csv", format!("{header}1,10.001,open\n"), &FULL, &["row 1", "balance", "nothing is rounded"]);
    check("a.csv", format!("{header}1,10.00\n"), &FULL, &["row 1", "2 fields where the header has 3"]);
    check("a.csv", format!("{header}1,10.00,\"open\n"), &FULL, &["row 1", "never closed"]);
    check(
        "a.csv",
        format!("{header}1,1.00,a\n1,2.00,b\n"),
        &FULL,
        &["loan_id=1 in rows 1, 2", "--on-duplicate"],
    );
    check("a.csv", format!("{header},1.00,a\n"), &FULL, &["row 1", "loan_id", "null"]);
    check("a.csv", header, &FULL, &["no rows", "--expected-rows 0"]);
    check("a.csv", "", &FULL, &["a.csv is empty"]);
    check("a.csv", b"loan_id,balance,status\n1,1.00,M\xFCller\n", &FULL, &["row 1", "not valid UTF-8"]);
    check("a.ndjson", "{\"loan_id\":1,\n", &FULL, &["a.ndjson, row 1"]);
    check("a.parquet", "PAR1", &FULL, &["a.parquet"]);
    check("a.arrow", "x", &FULL, &["a.arrow"]);
}

#[test]
fn columns_that_do_not_fit() {
    check("a.csv", "loan_id,balance\n1,1.00\n", &FULL, &["'status'", "is missing", "--evolve"]);
    check("a.csv", "loan_id,balance,status,x\n1,1.00,a,b\n", &FULL, &["'x'", "--evolve"]);
    check("a.csv", "loan_id,balance,balance\n1,1.00,a\n", &FULL, &["columns 2 and 3", "balance"]);
}

#[test]
fn announcements_that_are_not_met() {
    let rows = "loan_id,balance,status\n1,1.00,a\n2,2.50,a\n";
    check("a.csv", rows, &[FULL.as_slice(), &["--expected-rows", "3"]].concat(), &["2 rows came", "3"]);
    check("a.csv", rows, &[FULL.as_slice(), &["--total", "balance=3.51"]].concat(), &["3.50", "3.51"]);
    check("a.csv", rows, &["--kind", "full"], &["needs a cutoff", "next: pass --cutoff"]);
}

#[test]
fn what_the_options_allow_is_taken() {
    let desk = Desk::with_loans();
    desk.write("a.txt", b"LoanID;balance;status;extra\n1; 1.00;M\xFCller;\n1;2.00;n/a;5\n");
    desk.ok(&[
        "put",
        "loans",
        "a.txt",
        "--kind",
        "full",
        "--cutoff",
        "2026-06-01T00:00:00Z",
        "--input-format",
        "csv",
        "--delimiter",
        ";",
        "--encoding",
        "latin-1",
        "--rename",
        "LoanID=loan_id",
        "--null",
        "n/a",
        "--trim",
        "--on-duplicate",
        "first",
        "--evolve",
        "--type",
        "extra:int64",
        "--expected-rows",
        "2",
    ]);
    let row = desk.ok(&["get", "loans", "1", "--valid-at", "2026-06-01T00:00:00Z"]);
    assert_eq!((row.column("status")[0].as_str(), row.column("extra")[0].as_str()), ("Müller", "-"));
}

#[test]
fn the_first_put_shows_the_columns_it_fixes() {
    let desk = Desk::new();
    desk.ok(&["context", "create", "loans", "--key", "loan_id"]);
    desk.write("a.csv", "loan_id,balance\n007,1.50\n");
    let put = ["put", "loans", "a.csv", "--kind", "full", "--cutoff", "2026-06-01T00:00:00Z"];
    let answer = desk.ok(&put);
    for text in ["has no columns yet", "loan_id", "string", "key", "decimal128(38, 2)"] {
        assert!(answer.err.contains(text), "{text} in {}", answer.err);
    }
    assert!(desk.ok(&put).err.is_empty(), "and only then");
}
