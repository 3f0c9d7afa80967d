//! Settings of a server: shown with their origins, listed, checked.

use super::desk::Desk;

#[test]
fn every_setting_is_shown_with_where_it_comes_from() {
    let desk = Desk::new();
    desk.write("calotype.toml", "[limits]\nputs_max = 3\nkeys_max = 5\n");
    let show = ["config", "show", "--config", "calotype.toml", "--set", "limits.keys_max=7"];
    let mut command = desk.command(&show);
    let output = command.env("CALOTYPE_LIMITS_PAGE_SIZE_MAX", "11").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let origin = |name: &str| {
        let line = text.lines().find(|line| line.contains(&format!("\"{name}\""))).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        ["value", "origin"].map(|column| line[column].as_str().unwrap().to_owned())
    };
    assert_eq!(origin("limits.puts_max"), ["3", "calotype.toml:2"]);
    assert_eq!(origin("limits.keys_max"), ["7", "the command line (limits.keys_max)"]);
    assert_eq!(origin("limits.page_size_max"), ["11", "CALOTYPE_LIMITS_PAGE_SIZE_MAX"]);
    assert_eq!(origin("store.location")[1], "CALOTYPE_STORE");
    assert_eq!(origin("server.listen")[1], "default");
    let table = desk.ok(&["config", "show", "--format", "table"]).out;
    assert!(table.contains("limits.query_time_max"), "{table}");
}

#[test]
fn the_default_file_is_understood_and_others_are_refused_by_place() {
    let desk = Desk::new();
    desk.write("default.toml", desk.ok(&["config", "default"]).out);
    desk.ok(&["config", "check", "default.toml"]);
    desk.write("bad.toml", "[limits]\nputs_maks = 3\n");
    desk.fails(&["config", "check", "bad.toml"], 3, &["bad.toml:2", "did you mean", "puts_max"]);
    desk.fails(&["config", "check", "none.toml"], 4, &["none.toml"]);
    desk.fails(&["config", "show", "--set", "limits.puts_max=many"], 3, &["limits.puts_max"]);
    desk.fails(&["serve", "--config", "bad.toml"], 3, &["bad.toml:2"]);
    desk.fails(&["serve", "--listen", "0.0.0.0:0"], 3, &["not authenticated"]);
}
