//! Operations and what they found.

use calotype_proto::v1;

use super::{Present, maybe, text};
use crate::error::Broken;
use crate::operation::{Operation, OperationState, VerifyFinding, VerifyReport};

fn state(state: i32) -> Result<OperationState, Broken> {
    match v1::OperationState::try_from(state) {
        Ok(v1::OperationState::Running) => Ok(OperationState::Running),
        Ok(v1::OperationState::Done) => Ok(OperationState::Done),
        Ok(v1::OperationState::Failed) => Ok(OperationState::Failed),
        Ok(v1::OperationState::Cancelled) => Ok(OperationState::Cancelled),
        Ok(v1::OperationState::Unspecified) | Err(_) => {
            Err(Broken(format!("operation.state {state} is no state")))
        }
    }
}

impl TryFrom<v1::Operation> for Operation {
    type Error = Broken;

    fn try_from(operation: v1::Operation) -> Result<Self, Broken> {
        Ok(Self {
            id: operation.id,
            kind: operation.kind,
            state: state(operation.state)?,
            started_at: operation.started_at.present("operation.started_at")?.try_into()?,
            ended_at: maybe(operation.ended_at)?,
            step: operation.step,
            done: operation.done,
            total: operation.total,
            error: text(operation.error),
            verify_report: operation.verify_report.map(Into::into),
            principal: operation.principal,
        })
    }
}

impl From<v1::VerifyReport> for VerifyReport {
    fn from(report: v1::VerifyReport) -> Self {
        Self {
            level: report.level,
            records: report.records,
            root: report.root,
            packs: report.packs,
            bytes: report.bytes,
            chunks: report.chunks,
            snapshots: report.snapshots,
            keyframes: report.keyframes,
            findings: report.findings.into_iter().map(Into::into).collect(),
            findings_total: report.findings_total,
        }
    }
}

impl From<v1::VerifyFinding> for VerifyFinding {
    fn from(finding: v1::VerifyFinding) -> Self {
        let v1::VerifyFinding { object, what } = finding;
        Self { object, what }
    }
}
