//! Contexts and what changes them.

use calotype_proto::v1;

use super::{Present, each, maybe};
use crate::context::{Alteration, CaptureMode, Context, NewContext, SchemaVersion};
use crate::error::Broken;

impl From<CaptureMode> for v1::CaptureMode {
    fn from(mode: CaptureMode) -> Self {
        match mode {
            CaptureMode::State => Self::State,
            CaptureMode::Events => Self::Events,
        }
    }
}

fn mode(mode: i32) -> Result<CaptureMode, Broken> {
    match v1::CaptureMode::try_from(mode) {
        Ok(v1::CaptureMode::State) => Ok(CaptureMode::State),
        Ok(v1::CaptureMode::Events) => Ok(CaptureMode::Events),
        Ok(v1::CaptureMode::Unspecified) | Err(_) => Err(Broken(format!("context.mode {mode} is no mode"))),
    }
}

impl From<&NewContext> for v1::CreateContextRequest {
    fn from(new: &NewContext) -> Self {
        Self {
            name: new.name.clone(),
            key: new.key.clone(),
            mode: v1::CaptureMode::from(new.mode).into(),
            import: new.import,
            max_retracted_ppm: new.max_retracted_ppm,
            columns: new.columns.iter().map(Into::into).collect(),
            reason: new.reason.clone().unwrap_or_default(),
        }
    }
}

/// All but the request id.
impl From<&Alteration> for v1::AlterContextRequest {
    fn from(alteration: &Alteration) -> Self {
        let (rename_from, rename_to) = alteration.rename.clone().unwrap_or_default();
        Self {
            name: alteration.context.clone(),
            rename_from,
            rename_to,
            max_retracted_ppm: alteration.max_retracted_ppm,
            reason: alteration.reason.clone().unwrap_or_default(),
            request_id: String::new(),
        }
    }
}

impl TryFrom<v1::SchemaVersion> for SchemaVersion {
    type Error = Broken;

    fn try_from(schema: v1::SchemaVersion) -> Result<Self, Broken> {
        Ok(Self {
            version: schema.version,
            since: schema.since.present("schema_version.since")?.try_into()?,
            columns: each(schema.columns)?,
        })
    }
}

impl TryFrom<v1::Context> for Context {
    type Error = Broken;

    fn try_from(context: v1::Context) -> Result<Self, Broken> {
        Ok(Self {
            name: context.name,
            key: context.key,
            mode: mode(context.mode)?,
            import: context.import,
            importing: context.importing,
            max_retracted_ppm: context.max_retracted_ppm,
            schema_versions: each(context.schema_versions)?,
            settled_to: maybe(context.settled_to)?,
            entries: context.entries,
            puts: context.puts,
            withdrawals: context.withdrawals,
            cutoffs: context.cutoffs,
            keyframes: context.keyframes,
            newest_commit: context.newest_commit,
        })
    }
}
