//! The demo: what it tells a newcomer, and that it leaves other stores alone.

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
}

#[test]
fn the_demo_leaves_another_store_alone() {
    let desk = Desk::with_loans();
    let before = desk.ok(&["status"]).out;
    desk.fails(&["demo"], 5, &["was not made by the demo", "next: name another folder"]);
    assert_eq!(desk.ok(&["status"]).out, before);
}
