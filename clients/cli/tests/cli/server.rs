//! The same commands against a server and against its store: the same bytes come out.

use super::desk::{Answer, Desk};
use super::serving::Serving;

/// Questions that answer the same for ever.
const QUESTIONS: &[&[&str]] = &[
    &["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--claim"],
    &["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--format", "table"],
    &[
        "as-of",
        "loans",
        "--valid-at",
        "2026-04-15T00:00:00Z",
        "--format",
        "csv",
        "--columns",
        "status,loan_id",
    ],
    &["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--system-columns", "--key", "loan_id=2"],
    &["as-of", "loans", "--valid-at", "2020-01-01T00:00:00Z", "--claim"],
    &["get", "loans", "3", "--valid-at", "2026-04-15T00:00:00Z", "--claim"],
    &["get", "loans", "3", "--valid-at", "2026-04-15T00:00:00Z", "--format", "table"],
    &["get", "loans", "9", "--valid-at", "2026-04-15T00:00:00Z", "--format", "table"],
    &["history", "loans", "3"],
    &["history", "loans", "3", "--form", "rectangles", "--known-from", "2026-01-01T00:00:00Z"],
    &["history", "loans", "3", "--draw", "--columns", "balance,status"],
    &["diff", "loans", "--from-valid", "2026-04-15T00:00:00Z", "--to-valid", "2026-05-15T00:00:00Z"],
    &[
        "diff",
        "loans",
        "--from-valid",
        "2026-04-15T00:00:00Z",
        "--to-valid",
        "2026-05-15T00:00:00Z",
        "--format",
        "table",
    ],
    &["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--where", "balance > 15.00", "--claim"],
    &["sql", "SELECT * FROM loans ORDER BY 1", "--valid-at", "2026-04-15T00:00:00Z", "--claim"],
    &["sql", "SELECT count(*) AS n FROM loans", "--valid-at", "2026-04-15T00:00:00Z", "--format", "table"],
    &["explain", "SELECT * FROM loans WHERE loan_id = 3", "--valid-at", "2026-04-15T00:00:00Z"],
    &["sql", "SELECT * FROM loans FOR VALID_TIME AS 1"],
    &["snapshot", "list", "loans"],
    &["snapshot", "list", "loans", "--cutoff", "2026-05-01T00:00:00Z"],
    &["context", "list"],
    &["context", "show", "loans"],
    &["context", "show", "loans", "--format", "table"],
    &["log"],
    &["log", "--context", "loans", "--from", "1", "--limit", "1"],
    &["verify", "--level", "4", "--format", "table"],
    // What is refused is refused in the same words.
    &["as-of", "payments"],
    &["log", "--context", "payments"],
    &["as-of", "loans", "--columns", "x", "--valid-at", "2026-04-15T00:00:00Z"],
    &["as-of", "loans", "--known-at", "2999-01-01T00:00:00Z"],
    &["get", "loans", "a", "b"],
    &["as-of", "loans", "--key", "x"],
    &["history", "loans", "3", "--valid-from", "2026-04-01T00:00:00Z", "--valid-to", "2026-04-01T00:00:00Z"],
    &["snapshot", "show", "0000000000000000000000000000000000000000000000000000000000000000"],
    &["withdraw", "loans", "--cutoff", "2026-05-01T00:00:01Z"],
    &["context", "create", "loans", "--key", "id"],
    &["context", "go-live", "loans"],
];

#[test]
fn a_server_answers_byte_for_byte_as_its_store_does() {
    let desk = Desk::with_loans();
    let server = Serving::start(&desk);
    let mut questions: Vec<Vec<&str>> = QUESTIONS.iter().map(|question| question.to_vec()).collect();
    let snapshots = desk.ok(&["snapshot", "list", "loans"]).column("snapshot");
    questions.push(vec!["snapshot", "show", &snapshots[0]]);
    questions.push(vec!["snapshot", "show", &snapshots[0], "--rows", "--claim"]);
    for question in questions {
        let from_server = server.run(&desk, &question);
        let from_store = desk.run(&question);
        let seen = |answer: &Answer| (answer.code, answer.out.clone(), clockless(&answer.err));
        assert_eq!(seen(&from_server), seen(&from_store), "{question:?}");
    }
    for format in ["arrow", "parquet"] {
        let ask = ["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--format", format, "--output"];
        server.run(&desk, &[ask.as_slice(), &["of_server"]].concat());
        desk.ok(&[ask.as_slice(), &["of_store"]].concat());
        assert_eq!(desk.read("of_server"), desk.read("of_store"), "{format}");
    }
    let status = |answer: Answer| {
        let lines = answer.lines();
        let lines = lines.iter().filter(|line| line["property"] != "index").cloned();
        lines.collect::<Vec<_>>()
    };
    assert_eq!(status(server.run(&desk, &["status"])), status(desk.ok(&["status"])));
}

/// Without the clock that a refusal may name.
fn clockless(text: &str) -> String {
    text.split_inclusive(' ').filter(|word| !word.contains("2999") && !word.starts_with("20")).collect()
}

#[test]
fn a_store_is_made_and_filled_through_a_server() {
    let desk = Desk::new();
    let server = Serving::start(&desk);
    server.ok(&desk, &["context", "create", "loans", "--key", "loan_id"]);
    desk.write("april.csv", "loan_id,balance,status\n1,10.00,open\n2,20.00,open\n3,30.00,late\n");
    let put = ["put", "loans", "april.csv", "--kind", "full", "--cutoff", "2026-04-01T00:00:00Z"];
    let first = server.ok(&desk, &[put.as_slice(), &["--idempotency-key", "april"]].concat());
    assert_eq!(
        (first.column("asserted"), first.column("replayed")),
        (vec!["3".into()], vec!["false".into()])
    );
    let again = server.ok(&desk, &[put.as_slice(), &["--idempotency-key", "april"]].concat());
    assert_eq!(
        (again.column("commit"), again.column("replayed")),
        (first.column("commit"), vec!["true".into()])
    );
    desk.write("fix.ndjson", "{\"loan_id\":2,\"balance\":null,\"status\":null,\"_op\":\"retract\"}\n");
    let fix = ["put", "loans", "fix.ndjson", "--kind", "delta", "--cutoff", "2026-04-01T00:00:00Z"];
    let fixed = server.ok(&desk, &[fix.as_slice(), &["--reason", "ticket", "--principal", "ada"]].concat());
    assert_eq!(fixed.column("retracted"), ["1"]);
    let log = server.ok(&desk, &["log", "--limit", "1"]);
    assert_eq!((log.column("principal"), log.column("reason")), (vec!["ada".into()], vec!["ticket".into()]));
    server.ok(&desk, &["materialise", "loans"]);
    server.ok(&desk, &["context", "alter", "loans", "--rename", "status=state", "--max-retracted", "0.4"]);
    let withdraw = ["withdraw", "loans", "--cutoff", "2026-04-01T00:00:00Z"];
    let wrong = [withdraw.as_slice(), &["--expected-commit", "0"]].concat();
    server.fails(&desk, &wrong, 6, &["next: `calotype log"]);
    server.ok(&desk, &withdraw);
    assert_eq!(server.ok(&desk, &["as-of", "loans"]).out, "");
    drop(server);
    assert_eq!(desk.ok(&["context", "list"]).column("entries"), ["6"]);
    desk.ok(&["verify", "--level", "4"]);
}

#[test]
fn what_a_server_refuses_ends_as_it_does_without_one() {
    let desk = Desk::with_loans();
    let server = Serving::start(&desk);
    let full = ["--kind", "full", "--cutoff", "2026-06-01T00:00:00Z"];
    desk.write("twice.csv", "loan_id,balance,status\n1,1.00,a\n1,2.00,b\n");
    let twice = [["put", "loans", "twice.csv"].as_slice(), &full].concat();
    let texts =
        ["twice.csv was refused, nothing of it was committed", "loan_id=1 in rows 1, 2", "--on-duplicate"];
    server.fails(&desk, &twice, 3, &texts);
    desk.write("few.csv", "loan_id,balance,status\n1,1.00,a\n");
    let few = [["put", "loans", "few.csv", "--expected-rows", "2"].as_slice(), &full].concat();
    server.fails(&desk, &few, 3, &["few.csv was refused", "1 rows came"]);
    desk.write("facts.csv", "loan_id,_valid_from\n1,2026-01-01T00:00:00Z\n");
    server.fails(&desk, &["put", "loans", "facts.csv", "--kind", "facts"], 6, &["takes statements"]);
    server.fails(
        &desk,
        &["as-of", "payments"],
        4,
        &["no context 'payments'", "next: `calotype context list`"],
    );
    server.fails(&desk, &["rebuild-index"], 2, &["--store"]);
    assert_eq!(desk.ok(&["log", "--limit", "99"]).lines().len(), 3, "nothing was committed");
}

#[test]
fn a_server_that_is_down_is_unavailable() {
    let desk = Desk::new();
    let server = Serving::start(&desk);
    server.ok(&desk, &["health"]);
    let address = server.address.clone();
    drop(server);
    for command in [["status"].as_slice(), &["context", "list"], &["health"]] {
        desk.fails(&[command, &["--server", &address]].concat(), 9, &[&address, "next: "]);
    }
    desk.fails(&["status", "--server", &address, "--store", "store"], 2, &["cannot be used with"]);
    desk.fails(&["status", "--server", "nonsense"], 3, &["nonsense", "HOST:PORT"]);
}

#[test]
fn a_server_that_is_told_to_stop_ends_what_it_began() {
    let desk = Desk::with_loans();
    let mut server = Serving::start(&desk);
    server.ok(&desk, &["status"]);
    let log = server.stop();
    for text in ["store", "pyarrow", "--server"] {
        assert!(log.contains(text), "{text} in {log}");
    }
}

#[test]
fn a_watch_prints_what_was_committed_and_what_comes() {
    use std::io::BufRead;
    use std::process::Stdio;
    let desk = Desk::with_loans();
    let server = Serving::start(&desk);
    let watch = ["watch", "loans", "--after", "0", "--server", &server.address];
    let mut child = desk.command(&watch).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || {
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        line["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!([next(), next()], ["full", "full"]);
    server.ok(&desk, &["withdraw", "loans", "--cutoff", "2026-05-01T00:00:00Z"]);
    assert_eq!(next(), "withdraw");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_feed_goes_through_a_server_in_its_order() {
    let desk = Desk::new();
    let server = Serving::start(&desk);
    let feed = "name = \"test\"\n[index]\nfile = \"index.csv\"\ncutoff_format = \"%Y%m%d\"\n\
                cutoff_time = \"00:00:00Z\"\n[change.A]\nput = \"full\"\n[context.shops]\nkey = [\"id\"]\n\
                delimiters = [\",\"]\n[context.shops.columns]\nid = \"string\"\nv = \"int64\"\n";
    desk.write("feed/feed.toml", feed);
    let mut index = "context,cutoff,recorded_at,change,file\n".to_owned();
    for day in 0..200 {
        let date = format!("2020{:02}{:02}", day / 28 % 12 + 1, day % 28 + 1);
        index.push_str(&["shops,", &date, ",2020-01-01T10:00:00Z,A,", &day.to_string(), ".csv\n"].concat());
        let broken = if day == 99 { "x" } else { "" };
        desk.write(&format!("feed/{day}.csv"), format!("id,v\n1,{day}{broken}\n2,{}\n", day / 2));
    }
    desk.write("feed/index.csv", index);
    let import = ["import", "--feed", "feed/feed.toml", "--report", "refused.ndjson"];
    let answer = server.ok(&desk, &import);
    assert!(answer.err.contains("199 committed, 0 committed before, 1 refused"), "{}", answer.err);
    let again = server.ok(&desk, &import);
    assert!(again.err.contains("0 committed, 199 committed before, 1 refused"), "{}", again.err);
    let values = server.ok(&desk, &["history", "shops", "1", "--columns", "id,v"]).column("v");
    let expected: Vec<_> = (0..200).filter(|day| *day != 99).map(|day| day.to_string()).collect();
    assert_eq!(values, expected);
}
