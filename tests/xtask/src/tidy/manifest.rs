//! Every crate takes the lints of the workspace.

use super::Problem;

pub(super) fn check(name: &str, manifest: &str) -> Vec<Problem> {
    let mut table = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    let mut inside = table.by_ref().take_while(|line| !line.starts_with('['));
    if inside.any(|line| line.split_whitespace().eq(["workspace", "=", "true"])) {
        return Vec::new();
    }
    vec![Problem::new(name, "its Cargo.toml does not say `[lints]`, `workspace = true`")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_the_lints_of_the_workspace_is_a_problem() {
        assert_eq!(check("a", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"), []);
        assert_eq!(check("a", "[package]\nname = \"a\"\n").len(), 1);
        assert_eq!(check("a", "[lints]\n\n[dependencies]\nworkspace = true\n").len(), 1);
        assert_eq!(check("a", "[lints]\nworkspace = false\n").len(), 1);
    }
}
