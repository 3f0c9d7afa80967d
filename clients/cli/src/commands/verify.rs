//! `verify`: whether the store is what it claims to be.

use calotype_client::VerifyReport;
use calotype_storage::database::Access;
use clap::Args;

use crate::error::CliError;
use crate::listing::{Cell, Kind, Listing};
use crate::output::Format;
use crate::output::progress::Progress;
use crate::session::Session;

const LEVELS: &str = "\
Levels, each does what those before it do:
  1  the chain of records and the Merkle root over them
  2  every pack of data is there, with its length
  3  every pack's bytes hash to its name
  4  every chunk decodes and hashes to its name, every full snapshot and keyframe is what the
     facts resolve to

Findings are printed as a table; the exit code is 10 where there are any. Nothing is repaired.
";

/// How much is verified.
#[derive(Debug, Args)]
#[command(after_help = LEVELS)]
pub(crate) struct VerifyArgs {
    /// From 1 (fast) to 4 (everything)
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=4))]
    level: u8,
}

/// Runs `verify`.
///
/// # Errors
/// [`CliError::Damage`] if something is not as it should be.
pub(crate) async fn run(session: &Session, args: &VerifyArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let progress = Progress::count("verifying", session.quiet());
    let mut operation = client.verify(args.level.into()).await?;
    while let Some(now) = operation.next().await? {
        progress.set(now.done, now.total);
    }
    progress.finish();
    let ended = operation.latest();
    match &ended.verify_report {
        Some(report) => print(session, args.level, report),
        None => Err(CliError::Verification(ended.error.clone().unwrap_or_else(|| "it was stopped".into()))),
    }
}

fn print(session: &Session, level: u8, report: &VerifyReport) -> Result<(), CliError> {
    let mut findings = Listing::new(&[("object", Kind::Text), ("finding", Kind::Text)]);
    for finding in &report.findings {
        findings.push(vec![Cell::text(&finding.object), Cell::text(&finding.what)]);
    }
    let is_table = session.format()? == Format::Table;
    if is_table {
        let mut summary = Listing::of_one();
        summary.say("level", level);
        summary.say("records", report.records);
        if !report.root.is_empty() {
            summary.say("Merkle root", &report.root);
        }
        for (name, count) in [
            ("packs", report.packs),
            ("bytes read", report.bytes),
            ("chunks decoded", report.chunks),
            ("snapshots resolved", report.snapshots),
            ("keyframes compared", report.keyframes),
        ] {
            if count > 0 {
                summary.say(name, count);
            }
        }
        summary.say(
            "result",
            match report.findings_total {
                0 => "everything is as it should be".to_owned(),
                count => format!("{count} findings"),
            },
        );
        summary.print(session)?;
    }
    if !report.findings.is_empty() || !is_table {
        findings.print(session)?;
    }
    match report.findings_total {
        0 => Ok(()),
        count => Err(CliError::Damage(count)),
    }
}
