//! All of a put but its rows, checked field by field.

use bytes::Bytes;
use calotype_proto::v1;
use calotype_storage::ValidTime;
use calotype_storage::identity::{Sequence, SnapshotId};
use calotype_storage::put::{OnDuplicate, OpenEnd, PutKind, PutOptions};
use calotype_storage::record::CutoffSemantics;
use tonic::Status;

use super::unread;
use crate::caller::Caller;
use crate::grpc::values;
use crate::intake::PutParts;
use crate::status::{Field, invalid};

/// Reads the header of a put.
///
/// # Errors
/// A field is missing, unknown or does not belong to the kind of put, named as the client named it.
pub(super) fn put_parts(caller: &Caller, header: &Bytes) -> Result<PutParts, Status> {
    let header = unread::header(header)?.ok_or_else(|| invalid(Field("put"), "is missing"))?;
    let context = values::context_name(Field("put.context"), &header.context)?;
    let kind = kind(&header)?;
    let time = |name, found| values::system_time_or_none(Field(name), found);
    let options = PutOptions {
        principal: caller.principal.clone(),
        idempotency_key: values::request_id(Field("put.request_id"), &header.request_id)?,
        reason: values::reason(Field("put.reason"), &header.reason)?,
        recorded_at: time("put.recorded_at", header.recorded_at.as_ref())?,
        semantics: semantics(header.semantics)?,
        positions: values::positions(header.positions),
        watermark: values::valid_time_or_none(Field("put.watermark"), header.watermark.as_ref())?,
        evolve: header.evolve,
        replace: header.replace,
        on_duplicate: on_duplicate(header.on_duplicate)?,
        expected_rows: header.expected_rows,
        totals: header.totals.into_iter().collect(),
        expected_commit: header.expected_commit.map(Sequence::new),
        parent: parent(&header.parent)?,
    };
    Ok(PutParts { context, kind, options })
}

fn kind(header: &v1::PutHeader) -> Result<PutKind, Status> {
    let valid_to = valid_to(header.valid_to)?;
    let kind = v1::PutKind::try_from(header.kind).map_err(|_| unknown("put.kind", header.kind))?;
    if kind != v1::PutKind::Facts && valid_to.is_some() {
        return Err(invalid(Field("put.valid_to"), "belongs to facts: a full or delta has a cutoff"));
    }
    match kind {
        v1::PutKind::Unspecified => {
            let what = "is missing: expected PUT_KIND_FACTS, PUT_KIND_FULL or PUT_KIND_DELTA";
            Err(invalid(Field("put.kind"), what))
        }
        v1::PutKind::Facts if header.cutoff.is_some() => {
            Err(invalid(Field("put.cutoff"), "belongs to a full or delta: facts have periods of their own"))
        }
        v1::PutKind::Facts => Ok(PutKind::Facts { valid_to }),
        v1::PutKind::Full => Ok(PutKind::Full { cutoff: cutoff(header)? }),
        v1::PutKind::Delta => Ok(PutKind::Delta { cutoff: cutoff(header)? }),
    }
}

fn cutoff(header: &v1::PutHeader) -> Result<ValidTime, Status> {
    let field = Field("put.cutoff");
    let cutoff = header.cutoff.as_ref();
    let cutoff = cutoff.ok_or_else(|| invalid(field, "is missing: a full or delta is about an instant"))?;
    values::valid_time(field, cutoff)
}

fn valid_to(number: i32) -> Result<Option<OpenEnd>, Status> {
    match v1::OpenEnd::try_from(number) {
        Ok(v1::OpenEnd::Unspecified) => Ok(None),
        Ok(v1::OpenEnd::Open) => Ok(Some(OpenEnd::Open)),
        Ok(v1::OpenEnd::UntilNext) => Ok(Some(OpenEnd::UntilNext)),
        Err(_) => Err(unknown("put.valid_to", number)),
    }
}

fn on_duplicate(number: i32) -> Result<OnDuplicate, Status> {
    match v1::OnDuplicate::try_from(number) {
        Ok(v1::OnDuplicate::Unspecified | v1::OnDuplicate::Refuse) => Ok(OnDuplicate::Refuse),
        Ok(v1::OnDuplicate::First) => Ok(OnDuplicate::First),
        Ok(v1::OnDuplicate::Last) => Ok(OnDuplicate::Last),
        Err(_) => Err(unknown("put.on_duplicate", number)),
    }
}

fn semantics(number: i32) -> Result<CutoffSemantics, Status> {
    match v1::CutoffSemantics::try_from(number) {
        Ok(v1::CutoffSemantics::Unspecified | v1::CutoffSemantics::EventTime) => {
            Ok(CutoffSemantics::EventTime)
        }
        Ok(v1::CutoffSemantics::ProcessingTime) => Ok(CutoffSemantics::ProcessingTime),
        Ok(v1::CutoffSemantics::BusinessEffective) => Ok(CutoffSemantics::BusinessEffective),
        Ok(v1::CutoffSemantics::Offset) => Ok(CutoffSemantics::Offset),
        Err(_) => Err(unknown("put.semantics", number)),
    }
}

fn parent(text: &str) -> Result<Option<SnapshotId>, Status> {
    let given = (!text.is_empty()).then(|| SnapshotId::parse(text));
    given.transpose().map_err(|error| invalid(Field("put.parent"), error))
}

/// A number of an enum that this server does not know: a newer client would otherwise be misunderstood.
fn unknown(field: &str, number: i32) -> Status {
    invalid(Field(field), format!("{number} is unknown to this server"))
}
