//! Contexts: created, looked at, changed; import ended, keyframes written.

mod context;
mod definition;

use calotype_proto::v1;
use calotype_proto::v1::context_service_server::{ContextService, ContextServiceServer};
use calotype_storage::evaluate::{AlterContext, CreateContext, Deed, Materialise, Proposal, newest_point};
use calotype_storage::identity::Sequence;
use calotype_storage::name::ContextName;
use calotype_storage::put::PutOptions;
use calotype_storage::refusal::Refusal;
use calotype_storage::{AsOf, Receipt};
use tonic::{Request, Response, Status};

use super::ingest::answered;
use super::page::{Page, digested};
use super::values;
use crate::caller::Caller;
use crate::intake;
use crate::node::Node;
use crate::page_token::page_size;
use crate::status::{self, Field, invalid};

/// What tokens of lists are made for.
const PURPOSE: &str = "ListContexts";
/// All of something, in millionths.
const PPM: u32 = 1_000_000;

/// The service over a node.
pub fn service(node: Node) -> ContextServiceServer<Contexts> {
    let max = node.limits().control_message_bytes_max;
    ContextServiceServer::new(Contexts { node }).max_decoding_message_size(max)
}

/// Keeps contexts.
#[derive(Debug)]
pub struct Contexts {
    node: Node,
}

#[tonic::async_trait]
impl ContextService for Contexts {
    async fn create_context(
        &self,
        request: Request<v1::CreateContextRequest>,
    ) -> Result<Response<v1::CreateContextResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let name = context_name(&request.name)?;
        let deed = deed(caller, &name, &request.reason, "")?;
        let definition = definition::definition(request)?;
        let create = Proposal::Create(CreateContext { deed, definition });
        let receipt = intake::commit(&self.node, create).await?;
        let context = Some(self.context(&name)?);
        let created = !receipt.replayed;
        Ok(Response::new(v1::CreateContextResponse { context, created, receipt: Some(answered(&receipt)) }))
    }

    async fn get_context(
        &self,
        request: Request<v1::GetContextRequest>,
    ) -> Result<Response<v1::GetContextResponse>, Status> {
        let caller = Caller::of(&request)?;
        let name = context_name(&request.get_ref().name)?;
        self.may_read(&caller, &name)?;
        let at_least = request.get_ref().at_least.map(Sequence::new);
        self.node.follower().see(&self.node, at_least, caller.deadline).await?;
        // Who is about to put asks this first, maybe of another server than the one that made the context.
        self.node.follower().know(&self.node, &name).await;
        let context = Some(self.context(&name)?);
        Ok(Response::new(v1::GetContextResponse { context }))
    }

    async fn list_contexts(
        &self,
        request: Request<v1::ListContextsRequest>,
    ) -> Result<Response<v1::ListContextsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let node = &self.node;
        let mut page = Page::new(page_size(request.page_size, node.limits())?, node.limits());
        let digested = digested(&v1::ListContextsRequest::default());
        let last = match request.page_token.as_str() {
            "" => None,
            token => Some(position(&node.tokens().open(PURPOSE, &digested, token)?)?),
        };
        let names = node.database().contexts().map_err(|error| status::of_store(&error))?;
        let mut names = names.into_iter().filter(|name| Some(name) > last.as_ref()).collect::<Vec<_>>();
        names.sort_unstable();
        let mut next_page_token = String::new();
        let mut newest: Option<ContextName> = None;
        for name in names {
            if self.may_read(&caller, &name).is_err() {
                continue;
            }
            if page.is_full() {
                let position = newest.as_ref().map_or("", ContextName::as_str);
                next_page_token = node.tokens().seal(PURPOSE, &digested, position.as_bytes());
                break;
            }
            page.push(self.context(&name)?);
            newest = Some(name);
        }
        Ok(Response::new(v1::ListContextsResponse { contexts: page.into_items(), next_page_token }))
    }

    async fn alter_context(
        &self,
        request: Request<v1::AlterContextRequest>,
    ) -> Result<Response<v1::AlterContextResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let name = context_name(&request.name)?;
        let deed = deed(caller, &name, &request.reason, &request.request_id)?;
        let max_retracted_ppm = share(request.max_retracted_ppm)?;
        let rename = match (request.rename_from.is_empty(), request.rename_to.is_empty()) {
            (true, true) => None,
            (false, false) => Some((request.rename_from, request.rename_to)),
            (true, false) => return Err(invalid(Field("rename_from"), "is missing beside rename_to")),
            (false, true) => return Err(invalid(Field("rename_to"), "is missing beside rename_from")),
        };
        let alter = Proposal::Alter(AlterContext { deed, rename, max_retracted_ppm });
        let (context, receipt) = self.change(&name, alter).await?;
        let commit = receipt.id.record.get();
        let receipt = Some(answered(&receipt));
        Ok(Response::new(v1::AlterContextResponse { context: Some(context), commit, receipt }))
    }

    async fn go_live(
        &self,
        request: Request<v1::GoLiveRequest>,
    ) -> Result<Response<v1::GoLiveResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let name = context_name(&request.name)?;
        let deed = deed(caller, &name, &request.reason, &request.request_id)?;
        let (context, receipt) = self.change(&name, Proposal::GoLive(deed)).await?;
        let commit = receipt.id.record.get();
        let receipt = Some(answered(&receipt));
        Ok(Response::new(v1::GoLiveResponse { context: Some(context), commit, receipt }))
    }

    async fn materialise_context(
        &self,
        request: Request<v1::MaterialiseContextRequest>,
    ) -> Result<Response<v1::MaterialiseContextResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let name = context_name(&request.name)?;
        let deed = deed(caller, &name, &request.reason, "")?;
        let point = values::point(request.point.as_ref())?;
        let context = self.node.database().context(&name).map_err(|error| status::of_store(&error))?;
        let newest = newest_point(&context)
            .ok_or_else(|| status::of_store(&Refusal::NoSchema(context.name().clone()).into()))?;
        let at =
            AsOf { valid: point.valid_at.unwrap_or(newest.0), system: point.known_at.unwrap_or(newest.1) };
        let materialise = Proposal::Materialise(Materialise { deed, valid: at.valid, known: at.system });
        let receipt = intake::commit(&self.node, materialise).await?;
        Ok(Response::new(v1::MaterialiseContextResponse {
            commit: receipt.id.record.get(),
            entry: receipt.id.place,
            point: Some(values::answered_point(at)),
            receipt: Some(answered(&receipt)),
        }))
    }
}

impl Contexts {
    fn may_read(&self, caller: &Caller, name: &ContextName) -> Result<(), Status> {
        self.node.policy().may_read(&caller.principal, name).map_err(|error| status::of_query(&error))
    }

    /// A context as it is now.
    fn context(&self, name: &ContextName) -> Result<v1::Context, Status> {
        let database = self.node.database();
        // Read before the context, so that nothing is said to be settled that it does not show.
        let newest = database.head().map(|head| head.newest_time);
        let context = database.context(name).map_err(|error| status::of_store(&error))?;
        Ok(context::answered(&context, newest))
    }

    async fn change(&self, name: &ContextName, change: Proposal) -> Result<(v1::Context, Receipt), Status> {
        let receipt = intake::commit(&self.node, change).await?;
        Ok((self.context(name)?, receipt))
    }
}

fn context_name(text: &str) -> Result<ContextName, Status> {
    values::context_name(Field("name"), text)
}

/// Who does what to which context, and why.
fn deed(caller: Caller, context: &ContextName, reason: &str, request_id: &str) -> Result<Deed, Status> {
    let options = PutOptions {
        principal: caller.principal,
        reason: values::reason(Field("reason"), reason)?,
        idempotency_key: values::request_id(Field("request_id"), request_id)?,
        ..PutOptions::default()
    };
    Ok(Deed { context: context.clone(), options })
}

/// A share in millionths.
fn share(ppm: Option<u32>) -> Result<Option<u32>, Status> {
    if let Some(found) = ppm.filter(|ppm| *ppm > PPM) {
        let what = format!("is {found}; expected a share in millionths, 0 to {PPM}");
        return Err(invalid(Field("max_retracted_ppm"), what));
    }
    Ok(ppm)
}

/// The context after which a page begins.
fn position(bytes: &[u8]) -> Result<ContextName, Status> {
    let name = std::str::from_utf8(bytes).ok().and_then(|text| ContextName::parse(text).ok());
    name.ok_or_else(|| invalid(Field("page_token"), "is of another version of the server: start again"))
}

#[cfg(test)]
mod tests;
