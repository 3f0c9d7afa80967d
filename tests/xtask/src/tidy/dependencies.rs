//! What the dependencies may be: their licences, and which of them may come in two versions.

use std::collections::BTreeSet;

use super::Problem;
use super::licence;
use super::metadata::Package;

/// Crates that a second version of would do harm beyond build time, and the harm. `object_store` is not among them:
/// DataFusion brings an older one for tables over files, which no statement here can reach.
const SINGLE: [(&str, &str); 2] = [
    ("arrow-array", "a batch of one version is a foreign type to the other"),
    ("redb", "two versions would each have a say in the format of one file"),
];

pub(super) fn check_licences(packages: &[Package]) -> Vec<Problem> {
    let refused =
        packages.iter().filter(|package| !package.licence.as_deref().is_some_and(licence::is_allowed));
    refused
        .map(|package| {
            let licence = package.licence.as_deref().unwrap_or("none");
            let message = format!("its licence, {licence}, is not among the allowed (tidy/licence.rs)");
            Problem::new(format!("{} {}", package.name, package.version), message)
        })
        .collect()
}

pub(super) fn check_single(packages: &[Package]) -> Vec<Problem> {
    let second = second_versions(packages);
    let harmful = SINGLE.iter().filter(|(name, _)| second.contains(name));
    harmful.map(|(name, harm)| Problem::new(*name, format!("comes in two versions: {harm}"))).collect()
}

/// The names that come in more than one version, in order.
pub(super) fn second_versions(packages: &[Package]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let again: BTreeSet<&str> =
        packages.iter().map(|package| package.name.as_str()).filter(|name| !seen.insert(*name)).collect();
    again.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, licence: Option<&str>) -> Package {
        Package { name: name.to_owned(), licence: licence.map(str::to_owned), ..Package::default() }
    }

    #[test]
    fn a_foreign_licence_and_a_missing_one_are_problems() {
        let packages = [package("a", Some("MIT")), package("b", Some("AGPL-3.0-only")), package("c", None)];
        assert_eq!(check_licences(&packages).len(), 2);
    }

    #[test]
    fn a_second_version_is_counted_and_of_some_crates_a_problem() {
        let packages = ["syn", "redb", "syn", "syn"].map(|name| package(name, None));
        assert_eq!(second_versions(&packages), ["syn"]);
        assert_eq!(check_single(&packages), []);
        let packages = ["syn", "redb", "syn", "redb"].map(|name| package(name, None));
        assert_eq!(check_single(&packages)[0].place, "redb");
    }
}
