//! Each rule shown to fail once, on a made-up file, and to pass beside it.

use super::*;

const HEAD: &str = "//! A file.\n";

/// Compares the places of the problems in `path` holding `text`.
#[track_caller]
fn check_places(path: &str, text: &str, expected: &[&str]) {
    let places: Vec<String> = check(path, text).into_iter().map(|problem| problem.place).collect();
    assert_eq!(places, expected, "{text}");
}

#[test]
fn a_rust_file_begins_with_what_it_is_for() {
    check_places("storage/src/pack.rs", HEAD, &[]);
    check_places("storage/src/pack.rs", "use std::fmt;\n//! Late.\n", &["storage/src/pack.rs"]);
    check_places("storage/src/pack.rs", "", &["storage/src/pack.rs"]);
    check_places("tests/golden/read.py", "import sys\n", &[]);
}

#[test]
fn a_file_ends_at_a_thousand_lines_and_is_long_past_the_aim() {
    let of_lines = |lines: usize| "//!\n".repeat(lines);
    check_places("a.rs", &of_lines(LINES_MAX), &[]);
    check_places("a.rs", &of_lines(LINES_MAX + 1), &["a.rs"]);
    check_places("Cargo.lock", &of_lines(LINES_MAX + 1), &[]);
    assert!(!is_long("a.rs", &of_lines(LINES_AIM)));
    assert!(is_long("a.rs", &of_lines(LINES_AIM + 1)));
}

#[test]
fn a_name_says_what_is_inside() {
    for path in ["a/src/mod.rs", "a/src/utils.rs", "a/common/time.rs", "tests/helpers.py", "a/util.test.rs"] {
        check_places(path, HEAD, &[path]);
    }
    check_places("a/src/commons.rs", HEAD, &[]);
    check_places("tests/data/common/README.md", "", &[]);
}

#[test]
fn code_holds_no_open_ends() {
    for (word, _) in FORBIDDEN {
        check_places("a.rs", &format!("{HEAD}fn f() {{}}\n    {word}(x)] // and\n"), &["a.rs:3"]);
        check_places("notes.md", word, &[]);
    }
    check_places("run", &format!("#!/usr/bin/env bash\n# {}\n", FORBIDDEN[0].0), &["run:2"]);
    check_places("a.rs", &format!("{HEAD}const MAS{}S: u8 = 1;\n", FORBIDDEN[0].0), &[]);
}

#[test]
fn tests_do_not_wait_for_time() {
    let wait = format!("thread::{}second);\n", WAITS[0]);
    let whole = format!("{HEAD}{wait}");
    check_places("storage/src/retry.rs", &whole, &[]);
    check_places("storage/src/retry/tests.rs", &whole, &["storage/src/retry/tests.rs:2"]);
    check_places("tests/suite/src/lib.rs", &whole, &["tests/suite/src/lib.rs:2"]);
    check_places("clients/cli/tests/ask.rs", &whole, &["clients/cli/tests/ask.rs:2"]);
    let inside = format!("{HEAD}{wait}#[cfg(test)]\nmod tests {{\n{wait}}}\n");
    check_places("storage/src/retry.rs", &inside, &["storage/src/retry.rs:5"]);
    check_places("tests/a.rs", &format!("{HEAD}no_{wait}"), &["tests/a.rs:2"]);
}

#[test]
fn no_text_names_a_folder_of_one_machine() {
    for folder in MACHINE_FOLDERS {
        check_places("docs/a.md", &format!("see\n`{folder}x`"), &["docs/a.md:2"]);
        check_places("docs/a.md", &format!("file://{folder}x"), &["docs/a.md:1"]);
        check_places("docs/a.md", &format!("src{folder}x, https://example.org{folder}, ~{folder}"), &[]);
    }
}
