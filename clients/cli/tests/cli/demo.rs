//! The demo: what it tells a newcomer, and that it leaves other stores alone.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::desk::Desk;

#[test]
fn the_demo_tells_its_story_and_can_be_asked_again() {
    let desk = Desk::new();
    let story = desk.ok(&["demo", "--store", "bulletins"]).out;
    for text in [
        "4014 taken, with 197437 rows; 8 refused",
        "1. The state of a day",
        "│ Lombardia             ┆        6781 ┆",
        "│ Lombardia             ┆       93431 ┆",
        "│ changed_to   ┆ Campania              ┆      456409 ┆",
        "2020-05-31T17:51:55.000000Z  |AAAAAAAAAAAAAAAA|CCCC",
        "settled: it stays the same for ever",
        "provinces/00157_20200625.csv",
        "Three things to try",
    ] {
        assert!(story.contains(text), "{text:?} in\n{story}");
    }
    let widest = story.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
    let again = desk.ok(&["demo", "--store", "bulletins"]).out;
    assert!(again.contains("They were here already."), "{again}");
    let campania = desk.ok(&[
        "diff",
        "regions",
        "--store",
        "bulletins",
        "--valid-at",
        "2021-09-30T00:00:00Z",
        "--from-known",
        "2021-09-30T17:00:00Z",
        "--to-known",
        "2021-09-30T19:00:00Z",
    ]);
    assert_eq!(campania.column("totale_casi"), ["453409", "456409"]);
    the_demo_serves_and_its_python_works(&desk);
}

/// Ends a process that goes on by itself.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn the_demo_serves_and_its_python_works(desk: &Desk) {
    let demo = ["demo", "--store", "bulletins", "--serve", "--listen", "127.0.0.1:0"];
    let mut child = Running(desk.command(&demo).stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let snippet: Vec<_> = lines
        .skip_while(|line| line != "# --- paste into python ---")
        .take_while(|line| line != "# --- to here ---")
        .collect();
    let address =
        snippet.iter().find_map(|line| line.split('"').find_map(|part| part.strip_prefix("grpc://")));
    let contexts = desk.ok(&["context", "list", "--server", address.unwrap()]);
    assert_eq!(contexts.column("context"), ["national", "provinces", "regions"]);
    let python = std::env::var("CALOTYPE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let run = |script: &str| Command::new(&python).args(["-c", script]).output();
    if !run("import pyarrow.flight").is_ok_and(|output| output.status.success()) {
        eprintln!("LEFT OUT: {python} has no pyarrow to run the demo's snippet with");
        return;
    }
    let output = run(&snippet.join("\n")).unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("21 rows, known on 2020-06-25T16:30:00"), "{out}{err}");
}

#[test]
fn the_demo_leaves_another_store_alone() {
    let desk = Desk::with_loans();
    let before = desk.ok(&["status"]).out;
    desk.fails(&["demo"], 5, &["was not made by the demo", "next: name another folder"]);
    assert_eq!(desk.ok(&["status"]).out, before);
}
