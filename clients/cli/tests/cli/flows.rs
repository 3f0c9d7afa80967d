//! The life of a context, command by command.

use super::desk::Desk;

#[test]
fn a_correction_changes_what_is_known_and_not_what_was_known() {
    let desk = Desk::with_loans();
    let april = ["as-of", "loans", "--valid-at", "2026-04-15T00:00:00Z"];
    let before = desk.ok(&april);
    assert_eq!(before.column("balance"), ["10.00", "20.00", "30.00"]);
    let known = desk.ok(&["log", "--limit", "1"]).column("known_since").pop().unwrap();

    desk.write("fix.ndjson", "{\"loan_id\":2,\"balance\":\"25.00\",\"status\":\"late\"}\n");
    let put = desk.ok(&[
        "put",
        "loans",
        "fix.ndjson",
        "--kind",
        "delta",
        "--cutoff",
        "2026-04-01T00:00:00Z",
        "--reason",
        "ticket 4711",
        "--principal",
        "ada",
    ]);
    assert_eq!(put.column("asserted"), ["1"]);
    assert_eq!(desk.ok(&april).column("balance"), ["10.00", "25.00", "30.00"]);
    let past = [april.as_slice(), &["--known-at", &known]].concat();
    assert_eq!(desk.ok(&past).out, before.out);

    let diff = desk.ok(&["diff", "loans", "--valid-at", "2026-04-15T00:00:00Z", "--from-known", &known]);
    assert_eq!(diff.column("_change"), ["changed_from", "changed_to"]);
    assert_eq!(diff.column("balance"), ["20.00", "25.00"]);
    let log = desk.ok(&["log", "--context", "loans", "--limit", "1"]);
    assert_eq!(
        (log.column("reason")[0].as_str(), log.column("principal")[0].as_str()),
        ("ticket 4711", "ada")
    );
}

#[test]
fn a_cutoff_is_withdrawn_and_its_past_stays() {
    let desk = Desk::with_loans();
    let may = ["as-of", "loans", "--valid-at", "2026-05-15T00:00:00Z"];
    assert_eq!(desk.ok(&may).column("loan_id"), ["1", "2"]);
    desk.ok(&["withdraw", "loans", "--cutoff", "2026-05-01T00:00:00Z", "--reason", "sent by mistake"]);
    assert_eq!(desk.ok(&may).column("loan_id"), ["1", "2", "3"]);
    let withdraw = ["withdraw", "loans", "--cutoff", "2026-05-01T00:00:01Z"];
    desk.fails(&withdraw, 4, &["knows nothing at cutoff", "next: `calotype log"]);
}

#[test]
fn a_context_changes_as_its_owner_says() {
    let desk = Desk::with_loans();
    desk.ok(&["context", "alter", "loans", "--rename", "status=state", "--max-retracted", "0.4"]);
    let show = desk.ok(&["context", "show", "loans"]);
    assert!(show.column("column").contains(&"state".to_owned()), "{}", show.out);
    assert_eq!(desk.ok(&["context", "list"]).column("schema_version"), ["2"]);
    desk.write("june.csv", "loan_id,balance,state\n1,11.00,open\n");
    let june = ["put", "loans", "june.csv", "--kind", "full", "--cutoff", "2026-06-01T00:00:00Z"];
    desk.fails(&june, 3, &["june.csv was refused", "would retract 1 of 2", "--expected-rows"]);
    let announced = [june.as_slice(), &["--expected-rows", "1"]].concat();
    assert_eq!(desk.ok(&announced).column("retracted"), ["1"]);
}

#[test]
fn an_import_goes_live_once() {
    let desk = Desk::new();
    desk.ok(&["context", "create", "old", "--key", "id", "--import"]);
    desk.write("a.csv", "id,v\n1,x\n");
    let put = ["put", "old", "a.csv", "--kind", "full", "--cutoff", "2020-01-01T00:00:00Z"];
    desk.fails(&put, 6, &["recorded_at", "next: pass --recorded-at"]);
    desk.ok(&[put.as_slice(), &["--recorded-at", "2020-01-02T00:00:00Z"]].concat());
    assert_eq!(desk.ok(&["context", "list"]).column("settled_to"), ["2020-01-02T00:00:00.000000Z"]);
    desk.ok(&["context", "go-live", "old"]);
    desk.fails(&["context", "go-live", "old"], 6, &["live already"]);
    assert_eq!(desk.ok(&["context", "list"]).column("import"), ["ended"]);
}

#[test]
fn facts_have_periods_and_positions() {
    let desk = Desk::new();
    desk.ok(&[
        "context",
        "create",
        "prices",
        "--mode",
        "events",
        "--key",
        "item",
        "--column",
        "item:string",
        "--column",
        "price:decimal128(9, 2):required:financial",
    ]);
    desk.write("a.csv", "item,price,_valid_from,_partition,_offset\nX,1.00,2026-01-01T00:00:00Z,0,5\n");
    let put = ["put", "prices", "a.csv", "--kind", "facts", "--position", "shop/0/1/0/5"];
    desk.fails(&put, 3, &["_valid_to is null", "next: pass --valid-to"]);
    desk.ok(&[put.as_slice(), &["--valid-to", "open"]].concat());
    desk.write("b.csv", "item,price,_valid_from,_partition,_offset\nX,2.00,2026-02-01T00:00:00Z,0,9\n");
    desk.ok(&[
        "put",
        "prices",
        "b.csv",
        "--kind",
        "facts",
        "--valid-to",
        "open",
        "--position",
        "shop/0/1/5/9",
        "--watermark",
        "2026-02-28T00:00:00Z",
    ]);
    let as_of = ["as-of", "prices", "--valid-at", "2026-02-02T00:00:00Z"];
    assert_eq!(desk.ok(&as_of).column("price"), ["2.00"]);
    let below = [as_of.as_slice(), &["--offsets", "shop/0=1:8"]].concat();
    assert_eq!(desk.ok(&below).column("price"), ["1.00"]);
    let history = desk.ok(&["history", "prices", "X", "--form", "rectangles", "--columns", "price"]);
    assert_eq!(history.column("price"), ["1.00", "1.00", "2.00"]);
}

#[test]
fn the_same_put_again_is_answered_with_the_first_receipt() {
    let desk = Desk::with_loans();
    desk.write("june.csv", "loan_id,balance,status\n1,12.00,open\n");
    let put = |cutoff| {
        ["put", "loans", "june.csv", "--kind", "full", "--idempotency-key", "june", "--cutoff", cutoff]
    };
    let first = desk.ok(&put("2026-06-01T00:00:00Z"));
    let again = desk.ok(&put("2026-06-01T00:00:00Z"));
    assert_eq!(
        (again.column("commit"), again.column("replayed")),
        (first.column("commit"), vec!["true".into()])
    );
    desk.fails(&put("2026-06-02T00:00:00Z"), 5, &["was used for another put"]);
}
