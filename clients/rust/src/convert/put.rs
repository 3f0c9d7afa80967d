//! Puts, withdrawals, receipts.

use calotype_proto::v1;

use super::{Present, text};
use crate::error::Broken;
use crate::put::{CutoffSemantics, OnDuplicate, OpenEnd, PutKind, PutOptions, Receipt, Withdrawal};

impl From<PutKind> for v1::PutKind {
    fn from(kind: PutKind) -> Self {
        match kind {
            PutKind::Facts => Self::Facts,
            PutKind::Full => Self::Full,
            PutKind::Delta => Self::Delta,
        }
    }
}

impl From<OpenEnd> for v1::OpenEnd {
    fn from(end: OpenEnd) -> Self {
        match end {
            OpenEnd::Refused => Self::Unspecified,
            OpenEnd::Open => Self::Open,
            OpenEnd::UntilNext => Self::UntilNext,
        }
    }
}

impl From<OnDuplicate> for v1::OnDuplicate {
    fn from(on_duplicate: OnDuplicate) -> Self {
        match on_duplicate {
            OnDuplicate::Refuse => Self::Refuse,
            OnDuplicate::First => Self::First,
            OnDuplicate::Last => Self::Last,
        }
    }
}

impl From<CutoffSemantics> for v1::CutoffSemantics {
    fn from(semantics: CutoffSemantics) -> Self {
        match semantics {
            CutoffSemantics::EventTime => Self::EventTime,
            CutoffSemantics::ProcessingTime => Self::ProcessingTime,
            CutoffSemantics::BusinessEffective => Self::BusinessEffective,
            CutoffSemantics::Offset => Self::Offset,
        }
    }
}

/// All but the request id. What is the default is left out, so that it may be sent where it has no meaning.
impl From<&PutOptions> for v1::PutHeader {
    fn from(options: &PutOptions) -> Self {
        let on_duplicate = Some(options.on_duplicate).filter(|found| *found != OnDuplicate::default());
        let semantics = Some(options.semantics).filter(|found| *found != CutoffSemantics::default());
        Self {
            context: options.context.clone(),
            kind: v1::PutKind::from(options.kind).into(),
            cutoff: options.cutoff.map(Into::into),
            recorded_at: options.recorded_at.map(Into::into),
            valid_to: v1::OpenEnd::from(options.valid_to).into(),
            request_id: String::new(),
            reason: options.reason.clone().unwrap_or_default(),
            positions: options.positions.iter().map(Into::into).collect(),
            watermark: options.watermark.map(Into::into),
            evolve: options.evolve,
            replace: options.replace,
            on_duplicate: on_duplicate.map_or(v1::OnDuplicate::Unspecified, Into::into).into(),
            expected_rows: options.expected_rows,
            totals: options.totals.clone().into_iter().collect(),
            expected_commit: options.expected_commit,
            parent: options.parent.clone().unwrap_or_default(),
            semantics: semantics.map_or(v1::CutoffSemantics::Unspecified, Into::into).into(),
        }
    }
}

/// All but the request id.
impl From<&Withdrawal> for v1::WithdrawCutoffRequest {
    fn from(withdrawal: &Withdrawal) -> Self {
        Self {
            context: withdrawal.context.clone(),
            cutoff: Some(withdrawal.cutoff.into()),
            recorded_at: withdrawal.recorded_at.map(Into::into),
            request_id: String::new(),
            reason: withdrawal.reason.clone().unwrap_or_default(),
            expected_commit: withdrawal.expected_commit,
        }
    }
}

impl TryFrom<v1::Receipt> for Receipt {
    type Error = Broken;

    fn try_from(receipt: v1::Receipt) -> Result<Self, Broken> {
        Ok(Self {
            commit: receipt.commit,
            entry: receipt.entry,
            record_hash: receipt.record_hash,
            system_time: receipt.system_time.present("receipt.system_time")?.try_into()?,
            rows: receipt.rows,
            asserted: receipt.asserted,
            retracted: receipt.retracted,
            unchanged: receipt.unchanged,
            duplicates: receipt.duplicates,
            schema_version: receipt.schema_version,
            snapshot: text(receipt.snapshot),
            replayed: receipt.replayed,
        })
    }
}
