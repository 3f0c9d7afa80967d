//! Rules about one file, from its path and its text. What they forbid is spelled in two halves
//! here, so that this file keeps them too.

use super::Problem;

/// Past this a file should be split; a notice.
pub(super) const LINES_AIM: usize = 500;
const LINES_MAX: usize = 1000;

/// Names that say nothing of what is inside, for files and folders of code.
const EMPTY_NAMES: [&str; 5] = ["common", "helper", "helpers", "util", "utils"];

const CODE_EXTENSIONS: [&str; 4] = ["proto", "py", "rs", "sh"];

/// What code may not hold, and why.
const FORBIDDEN: [(&str, &str); 6] = [
    (concat!("TO", "DO"), "open work belongs in an issue"),
    (concat!("FIX", "ME"), "open work belongs in an issue"),
    (concat!("to", "do!"), "a path that panics is not finished"),
    (concat!("unimplem", "ented!"), "a path that panics is not finished"),
    (concat!("#[ig", "nore"), "a test that does not run shows nothing"),
    (concat!("#[should", "_panic"), "any panic would pass: compare the error"),
];

/// What the line before a wait says where something is asked until it is so.
const POLLS: &str = "polls: ";
/// What tests may not call: time makes them slow where it is long and flaky where it is short.
const WAITS: [&str; 3] = [concat!("sle", "ep("), concat!("sle", "ep_until("), concat!("sle", "ep_ms(")];

/// Folders that exist on one machine.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Every rule, for one file of the repository.
pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = check_machine_paths(path, text);
    if is_code(path, text) {
        problems.extend(check_name(path));
        problems.extend(check_head(path, text));
        problems.extend(check_size(path, text));
        problems.extend(check_words(path, text));
        problems.extend(check_waits(path, text));
    }
    problems
}

/// Whether the file is code that has grown past the aim.
pub(super) fn is_long(path: &str, text: &str) -> bool {
    is_code(path, text) && text.lines().count() > LINES_AIM
}

fn is_code(path: &str, text: &str) -> bool {
    CODE_EXTENSIONS.contains(&extension(path)) || text.starts_with("#!/")
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn check_name(path: &str) -> Option<Problem> {
    if path.rsplit('/').next() == Some("mod.rs") {
        return Some(Problem::new(path, "submodules are `foo.rs` beside `foo/`"));
    }
    let stems = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let empty = stems.into_iter().find(|stem| EMPTY_NAMES.contains(stem))?;
    Some(Problem::new(path, format!("`{empty}` does not say what is inside: name the concept")))
}

fn check_head(path: &str, text: &str) -> Option<Problem> {
    let headless = extension(path) == "rs" && !text.trim_start().starts_with("//!");
    headless.then(|| Problem::new(path, "does not begin with `//!`, saying what it is for"))
}

fn check_size(path: &str, text: &str) -> Option<Problem> {
    let lines = text.lines().count();
    (lines > LINES_MAX)
        .then(|| Problem::new(path, format!("has {lines} lines, more than {LINES_MAX}: split it")))
}

fn check_words(path: &str, text: &str) -> Vec<Problem> {
    let find = |line: &str| FORBIDDEN.into_iter().find(|(word, _)| has_word(line, word));
    let found = text.lines().enumerate().filter_map(|(index, line)| Some((index, find(line)?)));
    found.map(|(index, (word, reason))| at(path, index, format!("`{word}`: {reason}"))).collect()
}

/// Tests wait for events. Where another process has no event to give, it is asked again and again until a deadline; the
/// line before says so, beginning with `polls:`. Measurements are about time.
fn check_waits(path: &str, text: &str) -> Vec<Problem> {
    if path.starts_with("tests/bench/") {
        return Vec::new();
    }
    let whole_file = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
    let lines: Vec<&str> = text.lines().collect();
    let polls = |index: usize| index > 0 && lines[index - 1].contains(POLLS);
    let tests = lines.iter().enumerate().skip_while(|(_, line)| !whole_file && line.trim() != "#[cfg(test)]");
    let waiting =
        tests.filter(|(index, line)| WAITS.iter().any(|call| has_word(line, call)) && !polls(*index));
    waiting.map(|(index, _)| at(path, index, "a test waits for time: wait for the event instead")).collect()
}

fn check_machine_paths(path: &str, text: &str) -> Vec<Problem> {
    let find = |line: &str| MACHINE_FOLDERS.into_iter().find(|folder| has_absolute(line, folder));
    let found = text.lines().enumerate().filter_map(|(index, line)| Some((index, find(line)?)));
    found.map(|(index, folder)| at(path, index, format!("`{folder}` is a path of one machine"))).collect()
}

/// Whether `word` stands in `line` other than as part of a longer word.
fn has_word(line: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + word.len()..]);
        let goes_on_before = word.starts_with(in_word) && before.ends_with(in_word);
        let goes_on_after = word.ends_with(in_word) && after.starts_with(in_word);
        !goes_on_before && !goes_on_after
    })
}

/// Whether `folder` stands in `line` as the start of a path, not within a longer path or address.
fn has_absolute(line: &str, folder: &str) -> bool {
    let in_path = |c: char| c.is_alphanumeric() || "._-~*}".contains(c);
    line.match_indices(folder).any(|(start, _)| !line[..start].ends_with(in_path))
}

fn at(path: &str, index: usize, message: impl Into<String>) -> Problem {
    Problem::new(format!("{path}:{}", index + 1), message)
}

#[cfg(test)]
mod tests;
