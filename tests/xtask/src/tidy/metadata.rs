//! What `cargo metadata` says about our crates and their dependencies.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::Workspace;

/// Every crate in Cargo.lock that some platform uses.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
}

/// One version of one crate.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) licence: Option<String>,
    pub(super) manifest_path: String,
    /// Whether the crate belongs to this workspace.
    pub(super) is_member: bool,
    /// The crates its manifest names, for building, testing and running alike.
    pub(super) dependencies: Vec<String>,
}

impl Metadata {
    /// Asks cargo, for all features and all platforms.
    pub(super) fn load(workspace: &Workspace) -> Result<Self> {
        let mut command = workspace.cargo();
        command.args(["metadata", "--format-version=1", "--all-features", "--locked"]);
        let output = command.output().context("could not start cargo metadata")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata =
            serde_json::from_slice(&output.stdout).context("cargo metadata did not answer in JSON")?;
        Self::parse(&metadata).context("cargo metadata answered in a shape unknown here")
    }

    fn parse(metadata: &Value) -> Option<Self> {
        let members = metadata["workspace_members"].as_array()?;
        let parse_package = |package: &Value| {
            let text = |field: &str| package[field].as_str().map(str::to_owned);
            let dependencies = package["dependencies"].as_array()?.iter();
            Some(Package {
                name: text("name")?,
                version: text("version")?,
                licence: text("license"),
                manifest_path: text("manifest_path")?,
                is_member: members.contains(&package["id"]),
                dependencies: dependencies
                    .map(|dependency| dependency["name"].as_str().map(str::to_owned))
                    .collect::<Option<_>>()?,
            })
        };
        let packages = metadata["packages"].as_array()?.iter().map(parse_package);
        Some(Self { packages: packages.collect::<Option<_>>()? })
    }

    /// The crates of this workspace.
    pub(super) fn members(&self) -> impl Iterator<Item = &Package> + Clone {
        self.packages.iter().filter(|package| package.is_member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_told_from_dependencies() {
        let metadata = serde_json::json!({
            "workspace_members": ["path+file:///x#ours@0.1.0"],
            "packages": [
                { "id": "path+file:///x#ours@0.1.0", "name": "ours", "version": "0.1.0", "license": "Apache-2.0",
                  "manifest_path": "/x/Cargo.toml", "dependencies": [{ "name": "theirs" }] },
                { "id": "registry#theirs@2.0.0", "name": "theirs", "version": "2.0.0", "license": null,
                  "manifest_path": "/y/Cargo.toml", "dependencies": [] },
            ],
        });
        let metadata = Metadata::parse(&metadata).unwrap();
        let members: Vec<_> = metadata.members().collect();
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].dependencies, ["theirs"]);
        assert_eq!(metadata.packages[1].licence, None);
    }
}
