//! The claim behind an answer, for people and for programs.

use std::fmt::Write as _;
use std::path::PathBuf;

use calotype_client::{AnswerEnd, Claim, Completeness, StatementClaim};
use clap::Args;
use serde::Serialize;

use crate::error::CliError;
use crate::output::{Format, OutputError, escaped};
use crate::session::{Session, create};

/// Where the claim goes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ClaimArgs {
    /// Print the claim behind the answer as JSON on standard error
    #[arg(long)]
    pub(crate) claim: bool,
    /// Write the claim behind the answer as JSON to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) claim_file: Option<PathBuf>,
}

/// What an answer rests on, whatever was asked.
pub(crate) trait Told: Clone + Serialize {
    /// The claim as JSON.
    fn to_json(&self) -> String;

    /// The claim in a few readable lines, each handed over as a name and a value.
    fn lines(&self, line: &mut dyn FnMut(&str, String));
}

/// A claim with what closes its answer, as JSON.
#[derive(Serialize)]
struct ClaimJson<'a, C> {
    claim: &'a C,
    end: EndJson<'a>,
}

#[derive(Serialize)]
struct EndJson<'a> {
    rows: u64,
    result_hash: &'a str,
}

impl ClaimArgs {
    /// Tells the claim of an answer that was read to its end.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn tell(
        &self,
        session: &Session,
        format: Format,
        claim: &impl Told,
        end: &AnswerEnd,
    ) -> Result<(), CliError> {
        if let Some(path) = &self.claim_file {
            let mut file = create(path)?;
            let json = json(claim, end);
            writeln!(file, "{json}").and_then(|()| file.flush()).map_err(OutputError::Write)?;
        }
        if self.claim {
            eprintln!("{}", json(claim, end));
        } else if format == Format::Table {
            session.note(text(claim, end).trim_end());
        }
        Ok(())
    }
}

/// The claim and the end as one JSON object.
pub(crate) fn json(claim: &impl Told, end: &AnswerEnd) -> String {
    let json = ClaimJson { claim, end: EndJson { rows: end.rows, result_hash: &end.result_hash } };
    // Every field has a JSON form.
    serde_json::to_string(&json).unwrap_or_default()
}

/// The claim in a few readable lines.
pub(crate) fn text(claim: &impl Told, end: &AnswerEnd) -> String {
    let mut text = String::from("This answer rests on:\n");
    let mut line = |name: &str, value: String| {
        // Writing to a String returns no error.
        writeln!(text, "  {name:<12}{}", escaped(&value)).unwrap_or_default();
    };
    claim.lines(&mut line);
    let hash = &end.result_hash;
    let rows = if end.rows == 1 { "row" } else { "rows" };
    line("result", format!("{} {rows}, hash {}…", end.rows, hash.get(..16).unwrap_or(hash)));
    text
}

impl Told for Claim {
    fn to_json(&self) -> String {
        self.to_json()
    }

    fn lines(&self, line: &mut dyn FnMut(&str, String)) {
        lines(self, line);
    }
}

impl Told for StatementClaim {
    fn to_json(&self) -> String {
        self.to_json()
    }

    fn lines(&self, line: &mut dyn FnMut(&str, String)) {
        if self.reads.is_empty() {
            line("nothing", "it reads no context".to_owned());
        }
        for read in &self.reads {
            line("context", read.context.clone());
            lines(read, &mut |name, value| line(&format!("  {name}"), value));
        }
        if self.reads_more > 0 {
            line("and", format!("{} more readings", self.reads_more));
        }
        match (&self.settled_to, self.settled) {
            (_, true) => line("in all", "settled: it stays the same for ever".to_owned()),
            (Some(to), false) => line("in all", format!("not settled: commits after {to} may change it")),
            (None, false) => line("in all", "not settled".to_owned()),
        }
    }
}

fn lines(claim: &Claim, line: &mut dyn FnMut(&str, String)) {
    line("true on", format!("{}  (valid time)", claim.valid_at));
    let settled = match (&claim.settled_to, claim.settled) {
        (_, true) => "settled: it stays the same for ever".to_owned(),
        (Some(to), false) => format!("not settled: commits after {to} may change it"),
        (None, false) => "nothing was committed yet".to_owned(),
    };
    line("known on", format!("{}  ({settled})", claim.known_at));
    if claim.not_yet_known {
        line("", "nothing was known of this context by then".to_owned());
    }
    if let Some(record) = &claim.record {
        let hash = record.hash.get(..16).unwrap_or(&record.hash);
        line("commit", format!("{}.{}, record hash {hash}…", record.commit, record.entry));
    }
    if let Some(snapshot) = &claim.snapshot {
        let id = snapshot.id.get(..16).unwrap_or(&snapshot.id);
        line(
            "snapshot",
            format!("{id}…, {} at cutoff {}, revision {}", snapshot.kind, snapshot.cutoff, snapshot.revision),
        );
    }
    for position in &claim.positions {
        line(
            "position",
            format!(
                "{}/{} epoch {} up to {}",
                position.source, position.partition, position.epoch, position.to
            ),
        );
    }
    line("complete", completeness(&claim.completeness));
    if let Some(version) = claim.schema_version {
        line("schema", format!("version {version}"));
    }
    if let Some(offsets) = &claim.offsets {
        let count = offsets.facts_without_position;
        line("left out", format!("{count} facts without a position"));
    }
}

fn completeness(claim: &Completeness) -> String {
    match (claim.status.as_str(), claim.reason.as_deref()) {
        ("partial", Some("unchecked")) => {
            "partial: unchecked (its producer gave no row count or total to check against)".into()
        }
        ("partial", Some("no full")) => "partial: no full extract is known by then".into(),
        ("partial", Some("no watermark")) => "partial: no producer promised that all facts are here".into(),
        ("complete", _) => "yes, counted and checked".into(),
        (status, Some(reason)) => format!("{status}: {reason}"),
        (status, None) => status.into(),
    }
}
