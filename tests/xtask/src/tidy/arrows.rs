//! Which of our crates may know which: dependencies point one way.

use super::Problem;
use super::metadata::Package;

/// Every crate of the workspace and the crates of ours it may name, for tests too. A new row or a
/// new arrow is a decision, with its reason in the commit.
const ARROWS: [(&str, &[&str]); 14] = [
    ("calotype-storage", &[]),
    ("calotype-query", &["calotype-storage"]),
    ("calotype-sql", &["calotype-oracle", "calotype-query", "calotype-storage"]),
    ("calotype-proto", &[]),
    ("calotype-server", &["calotype-proto", "calotype-query", "calotype-sql", "calotype-storage"]),
    ("calotype-client", &["calotype-proto"]),
    ("calotype-cli", &["calotype-client", "calotype-query", "calotype-server", "calotype-storage"]),
    // What answers are compared with shares no code with what gives them.
    ("calotype-oracle", &[]),
    ("calotype-simulation", &[]),
    (
        "calotype-suite",
        &["calotype-cli", "calotype-oracle", "calotype-query", "calotype-simulation", "calotype-storage"],
    ),
    (
        "calotype-wire",
        &[
            "calotype-client",
            "calotype-oracle",
            "calotype-proto",
            "calotype-query",
            "calotype-server",
            "calotype-simulation",
            "calotype-storage",
            "calotype-suite",
        ],
    ),
    ("calotype-temporal", &["calotype-client", "calotype-oracle", "calotype-server", "calotype-storage"]),
    (
        "calotype-bench",
        &[
            "calotype-cli",
            "calotype-client",
            "calotype-oracle",
            "calotype-proto",
            "calotype-query",
            "calotype-simulation",
            "calotype-storage",
            "calotype-temporal",
        ],
    ),
    ("xtask", &[]),
];

pub(super) fn check<'a>(members: impl Iterator<Item = &'a Package> + Clone) -> Vec<Problem> {
    let ours: Vec<&str> = members.clone().map(|member| member.name.as_str()).collect();
    let mut problems = Vec::new();
    for member in members {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
            problems.push(Problem::new(
                &member.name,
                "is not in the list of crates: add it to ARROWS, with its arrows",
            ));
            continue;
        };
        for dependency in &member.dependencies {
            if ours.contains(&dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                let message = format!("may not depend on {dependency}: dependencies point one way (ARROWS)");
                problems.push(Problem::new(&member.name, message));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_crates(crates: &[(&str, &[&str])], expected: &[&str]) {
        let members: Vec<Package> = crates
            .iter()
            .map(|(name, dependencies)| Package {
                name: (*name).to_owned(),
                dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
                ..Package::default()
            })
            .collect();
        let places: Vec<String> = check(members.iter()).into_iter().map(|problem| problem.place).collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn an_arrow_against_the_list_is_a_problem() {
        check_crates(&[("calotype-storage", &["redb"]), ("calotype-query", &["calotype-storage"])], &[]);
        check_crates(
            &[("calotype-storage", &["calotype-query"]), ("calotype-query", &["calotype-storage"])],
            &["calotype-storage"],
        );
        check_crates(
            &[("calotype-oracle", &["calotype-storage"]), ("calotype-storage", &[])],
            &["calotype-oracle"],
        );
    }

    #[test]
    fn a_crate_without_a_row_is_a_problem() {
        check_crates(&[("calotype-novelty", &[])], &["calotype-novelty"]);
    }
}
