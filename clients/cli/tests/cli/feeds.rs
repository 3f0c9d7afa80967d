//! Feeds: broken extracts, strictness, interruption.

use std::fs;
use std::process::Stdio;

use super::desk::Desk;

const FEED: &str = r#"
name = "test"
[index]
file = "index.csv"
cutoff_format = "%Y%m%d"
cutoff_time = "00:00:00Z"
[change.A]
put = "full"
[change.M]
put = "full"
reason = "corrected"
[change.D]
put = "withdraw"
[context.shops]
key = ["id"]
delimiters = [",", ";"]
rename = { old = "v" }
[context.shops.columns]
id = "string"
v = "int64"
w = "int64"
"#;

const INDEX: &str = "\
context,cutoff,recorded_at,change,file
shops,20200101,2020-01-01T10:00:00Z,A,a.csv
shops,20200102,2020-01-01T10:00:00Z,A,b.csv
shops,20200103,2020-01-03T10:00:00Z,A,broken.csv
shops,20200101,2020-01-04T10:00:00Z,M,c.csv
shops,20200102,2020-01-05T10:00:00Z,D,
";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("feed/feed.toml", FEED);
    desk.write("feed/index.csv", INDEX);
    desk.write("feed/a.csv", "id,old\n1,10\n2,20\n");
    desk.write("feed/b.csv", "id;v\n1;11\n2;20\n");
    desk.write("feed/broken.csv", "id,v\n1,12\n2,many\n");
    desk.write("feed/c.csv", "id,v,w\n1,15,1\n2,20,2\n");
    desk
}

const IMPORT: [&str; 3] = ["import", "--feed", "feed/feed.toml"];

#[test]
fn a_broken_extract_is_reported_and_the_next_one_goes_on() {
    let desk = desk();
    let answer = desk.ok(&[IMPORT.as_slice(), &["--report", "refused.ndjson"]].concat());
    assert_eq!((answer.column("taken"), answer.column("refused")), (vec!["4".into()], vec!["1".into()]));
    for text in ["broken.csv", "column v", "\"many\"", "4 committed, 0 committed before, 1 refused"] {
        assert!(answer.err.contains(text), "{text} in {}", answer.err);
    }
    let report: serde_json::Value = serde_json::from_slice(&desk.read("refused.ndjson")).unwrap();
    assert_eq!(
        (&report["file"], &report["row"], &report["column"]),
        (&"broken.csv".into(), &"2".into(), &"v".into())
    );
    assert_eq!(report["line"], "4");

    let at = |valid: &str, known: &str| {
        desk.ok(&["as-of", "shops", "--valid-at", valid, "--known-at", known]).column("v")
    };
    assert_eq!(at("2020-01-02T00:00:00Z", "2020-01-01T10:00:00.000001Z"), ["11", "20"]);
    assert_eq!(
        at("2020-01-02T00:00:00Z", "2020-01-01T10:00:00Z"),
        ["10", "20"],
        "equal times stand in line order"
    );
    assert_eq!(at("2020-01-02T00:00:00Z", "2020-01-05T10:00:00Z"), ["15", "20"], "the cutoff is withdrawn");
    assert_eq!(desk.ok(&["context", "list"]).column("schema_version"), ["2"], "a column came later");
}

#[test]
fn a_strict_import_stops_and_goes_on_when_mended() {
    let desk = desk();
    let strict = [IMPORT.as_slice(), &["--strict"]].concat();
    desk.fails(&strict, 3, &["line 4", "broken.csv", "next: mend the extract"]);
    assert_eq!(desk.ok(&["context", "list"]).column("settled_to"), ["2020-01-01T10:00:00.000001Z"]);
    desk.write("feed/broken.csv", "id,v\n1,12\n2,13\n");
    let answer = desk.ok(&strict);
    assert!(answer.err.contains("3 committed, 2 committed before, 0 refused"), "{}", answer.err);
}

#[test]
fn an_index_that_cannot_be_understood_is_refused_before_anything_is_committed() {
    for (from, to, texts) in [
        ("shops,20200102", "shop,20200102", ["line 3", "shops"]),
        ("20200103,", "20200199,", ["line 4", "%Y%m%d"]),
        ("2020-01-04T10:00:00Z", "2020-01-04", ["line 5", "date alone"]),
        (",D,", ",X,", ["line 6", "A, D, M"]),
        ("change,file", "what,file", ["change", "it has"]),
    ] {
        let desk = desk();
        desk.write("feed/index.csv", INDEX.replace(from, to));
        desk.fails(&IMPORT, 3, &texts);
    }
    let desk = desk();
    desk.write("feed/index.csv", INDEX.replace("b.csv", "../april.csv"));
    assert!(desk.ok(&IMPORT).err.contains("leads out of the feed's folder"));
    desk.write("feed/feed.toml", FEED.replace("key = [\"id\"]", "key = [\"nr\"]"));
    desk.fails(&IMPORT, 3, &["context.shops.columns", "\"nr\""]);
    desk.write("feed/feed.toml", "name = 1");
    desk.fails(&IMPORT, 3, &["feed.toml does not describe a feed"]);
}

#[test]
fn an_import_that_was_killed_goes_on() {
    let desk = Desk::new();
    desk.write("feed/feed.toml", FEED);
    let mut index = "context,cutoff,recorded_at,change,file\n".to_owned();
    for day in 0..400 {
        let date = format!("2020{:02}{:02}", day / 28 % 12 + 1, day % 28 + 1);
        index.push_str(&["shops,", &date, ",2020-01-01T10:00:00Z,A,", &day.to_string(), ".csv\n"].concat());
        desk.write(&format!("feed/{day}.csv"), format!("id,v\n1,{day}\n2,{}\n", day / 2));
    }
    desk.write("feed/index.csv", index);

    let mut child = desk.command(&IMPORT).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = desk.store().join("log");
    let records = || fs::read_dir(&log).map_or(0, Iterator::count);
    while records() < 4 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    assert_eq!(desk.ok(&IMPORT).column("taken"), ["400"]);
    let again = desk.ok(&IMPORT);
    assert!(again.err.contains("0 committed, 400 committed before, 0 refused"), "{}", again.err);
    let whole = ["--store", "whole"];
    desk.ok(&[IMPORT.as_slice(), &whole].concat());
    let history = ["history", "shops", "1", "--columns", "id,v", "--format", "csv"];
    let facts = |answer: super::desk::Answer| {
        // Without the last column: the kill decides which lines share a commit.
        let cut = |line: &str| line.rsplit_once(',').unwrap().0.to_owned();
        answer.out.lines().map(cut).collect::<Vec<_>>()
    };
    assert_eq!(facts(desk.ok(&history)), facts(desk.ok(&[history.as_slice(), &whole].concat())));
    desk.ok(&["verify", "--level", "4"]);
}
