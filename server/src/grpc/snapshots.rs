//! Sealed snapshots: listed, named, read; and the start of a verification.

use calotype_proto::v1;
use calotype_proto::v1::snapshot_service_server::{SnapshotService, SnapshotServiceServer};
use calotype_query::snapshot;
use calotype_storage::ValidTime;
use calotype_storage::context::KnownEntry;
use calotype_storage::identity::{EntryId, Sequence, SnapshotId};
use calotype_storage::name::Principal;
use calotype_storage::snapshot::Reconciliation;
use calotype_storage::verify::Level;
use tonic::{Request, Response, Status};

use super::page::{Page, digested, fixed};
use super::query::{AnswerStream, row_format, stream};
use super::{claim, operations, values};
use crate::caller::Caller;
use crate::node::Node;
use crate::page_token::page_size;
use crate::status::{self, Field, invalid};

/// What tokens of lists are made for.
const PURPOSE: &str = "ListSnapshots";

/// The service over a node.
pub fn service(node: Node) -> SnapshotServiceServer<Snapshots> {
    let max = node.limits().control_message_bytes_max;
    SnapshotServiceServer::new(Snapshots { node }).max_decoding_message_size(max)
}

/// Shows snapshots.
#[derive(Debug)]
pub struct Snapshots {
    node: Node,
}

#[tonic::async_trait]
impl SnapshotService for Snapshots {
    type ReadSnapshotStream = AnswerStream<v1::ReadSnapshotResponse>;

    async fn list_snapshots(
        &self,
        request: Request<v1::ListSnapshotsRequest>,
    ) -> Result<Response<v1::ListSnapshotsResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.list(&caller, request.into_inner()).map(Response::new)
    }

    async fn get_snapshot(
        &self,
        request: Request<v1::GetSnapshotRequest>,
    ) -> Result<Response<v1::GetSnapshotResponse>, Status> {
        let caller = Caller::of(&request)?;
        let id = id(&request.get_ref().id)?;
        let (context, entry) = self.node.database().snapshot(id).map_err(|error| status::of_store(&error))?;
        let policy = self.node.policy();
        policy.may_read(&caller.principal, context.name()).map_err(|error| status::of_query(&error))?;
        let snapshot = answered(&entry);
        Ok(Response::new(v1::GetSnapshotResponse { snapshot }))
    }

    async fn read_snapshot(
        &self,
        request: Request<v1::ReadSnapshotRequest>,
    ) -> Result<Response<Self::ReadSnapshotStream>, Status> {
        let caller = Caller::of(&request)?;
        let format = row_format(request.get_ref().format)?;
        let id = id(&request.get_ref().id)?;
        let principal: Principal = caller.principal.clone();
        let ask = async move |node: Node| snapshot(node.database(), node.policy(), &principal, id).await;
        let wrap = |part| v1::ReadSnapshotResponse { part: Some(part) };
        stream(&self.node, &caller, format, ask, wrap).await.map(Response::new)
    }

    async fn verify_store(
        &self,
        request: Request<v1::VerifyStoreRequest>,
    ) -> Result<Response<v1::VerifyStoreResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref().level;
        let level = u8::try_from(asked).ok().and_then(Level::from_number);
        let level = level.ok_or_else(|| {
            invalid(
                Field("level"),
                format_args!(
                    "{asked} is no level: expected 1 for the chain, 2 for the packs, 3 for their bytes or 4 for \
                     all content"
                ),
            )
        })?;
        let started = self.node.operations().start_verify(&self.node, caller.principal, level)?;
        let operation = Some(operations::operation(&started));
        Ok(Response::new(v1::VerifyStoreResponse { operation }))
    }
}

impl Snapshots {
    fn list(
        &self,
        caller: &Caller,
        request: v1::ListSnapshotsRequest,
    ) -> Result<v1::ListSnapshotsResponse, Status> {
        let node = &self.node;
        let name = values::context_name(Field("context"), &request.context)?;
        node.policy().may_read(&caller.principal, &name).map_err(|error| status::of_query(&error))?;
        let cutoff = values::valid_time_or_none(Field("cutoff"), request.cutoff.as_ref())?;
        let mut page = Page::new(page_size(request.page_size, node.limits())?, node.limits());
        let token = request.page_token.clone();
        let digested =
            digested(&v1::ListSnapshotsRequest { page_size: 0, page_token: String::new(), ..request });
        let mut last = match token.as_str() {
            "" => None,
            token => Some(entry_id(fixed(&node.tokens().open(PURPOSE, &digested, token)?)?)),
        };
        let context = node.database().context(&name).map_err(|error| status::of_store(&error))?;
        let entries = context.entries();
        let first = entries.partition_point(|entry| Some(entry.id) <= last);
        let mut next_page_token = String::new();
        for entry in &entries[first..] {
            if cutoff.is_some() && entry.put().and_then(|put| put.cutoff) != cutoff {
                continue;
            }
            let Some(snapshot) = answered(entry) else { continue };
            if page.is_full() {
                let position = last.map(entry_bytes).unwrap_or_default();
                next_page_token = node.tokens().seal(PURPOSE, &digested, &position);
                break;
            }
            page.push(snapshot);
            last = Some(entry.id);
        }
        Ok(v1::ListSnapshotsResponse { snapshots: page.into_items(), next_page_token })
    }
}

/// An entry's place as tokens hold it.
pub(super) fn entry_bytes(id: EntryId) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&id.record.get().to_le_bytes());
    bytes[8..].copy_from_slice(&id.place.to_le_bytes());
    bytes
}

/// An entry's place from a token.
pub(super) fn entry_id(bytes: [u8; 12]) -> EntryId {
    let (mut record, mut place) = ([0; 8], [0; 4]);
    record.copy_from_slice(&bytes[..8]);
    place.copy_from_slice(&bytes[8..]);
    EntryId { record: Sequence::new(u64::from_le_bytes(record)), place: u32::from_le_bytes(place) }
}

fn id(text: &str) -> Result<SnapshotId, Status> {
    SnapshotId::parse(text).map_err(|error| invalid(Field("id"), error))
}

/// The snapshot that an entry sealed.
fn answered(entry: &KnownEntry) -> Option<v1::Snapshot> {
    let header = entry.put()?.snapshot.as_ref()?;
    let said = &entry.entry;
    Some(v1::Snapshot {
        id: entry.snapshot?.to_string(),
        context: header.context.clone(),
        kind: header.kind.as_str().to_owned(),
        cutoff: ValidTime::from_micros(header.cutoff).map(values::timestamp),
        semantics: claim::semantics(header.semantics).to_owned(),
        known_at: Some(values::timestamp(entry.system_time())),
        revision: header.revision,
        rows: header.rows,
        schema_version: header.schema_version,
        completeness: Some(claim::completeness(&header.completeness.clone().into())),
        reconciliation: match header.reconciliation {
            Reconciliation::None => "none".to_owned(),
        },
        parent: header.parent.clone().unwrap_or_default(),
        content_root: header.content_root.clone(),
        lineage: header.lineage.clone(),
        commit: entry.id.record.get(),
        entry: entry.id.place,
        principal: said.principal.to_string(),
        reason: said.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests;
