//! The calls of Arrow Flight, all but DoGet.

use std::pin::Pin;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use calotype_storage::evaluate::Proposal;
use futures::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{action, do_put, info, receipt};
use crate::caller::Caller;
use crate::intake;
use crate::node::Node;
use crate::status;

/// The calls.
#[derive(Clone, Debug)]
pub(super) struct Handlers {
    node: Node,
}

type Several<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn several<T: Send + 'static>(items: Vec<T>) -> Response<Several<T>> {
    Response::new(Box::pin(futures::stream::iter(items.into_iter().map(Ok))))
}

impl Handlers {
    pub(super) fn new(node: Node) -> Self {
        Self { node }
    }

    async fn act(&self, request: Request<Action>) -> Result<Vec<u8>, Status> {
        let caller = Caller::of(&request)?;
        let Action { r#type, body } = request.into_inner();
        let proposal = action::parse(&r#type, &body, caller.principal)?;
        let context = proposal.context().to_string();
        let answer = match &proposal {
            Proposal::Create(_) => receipt::created,
            Proposal::Alter(_) | Proposal::GoLive(_) => receipt::changed,
            Proposal::Put(_) | Proposal::Withdraw(_) | Proposal::Materialise(_) => {
                |_: &str, committed: &_| receipt::put_result(committed)
            }
        };
        let committed = intake::commit(&self.node, proposal).await?;
        Ok(answer(&context, &committed))
    }
}

#[tonic::async_trait]
impl FlightService for Handlers {
    type HandshakeStream = Several<HandshakeResponse>;
    type ListFlightsStream = Several<FlightInfo>;
    type DoGetStream = Several<FlightData>;
    type DoPutStream = Several<PutResult>;
    type DoActionStream = Several<arrow_flight::Result>;
    type ListActionsStream = Several<ActionType>;
    type DoExchangeStream = Several<FlightData>;

    /// Nobody has to prove who he is yet: whatever is said is accepted, and nothing is given back.
    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        Ok(several(vec![HandshakeResponse::default()]))
    }

    async fn list_flights(
        &self,
        request: Request<Criteria>,
    ) -> Result<Response<Self::ListFlightsStream>, Status> {
        let caller = Caller::of(&request)?;
        info::list(&self.node, &caller, &request.into_inner().expression).map(several)
    }

    async fn get_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let caller = Caller::of(&request)?;
        info::info(&self.node, &caller, request.into_inner()).await.map(Response::new)
    }

    /// Complete at once: an answer is computed as it is read.
    async fn poll_flight_info(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<PollInfo>, Status> {
        let caller = Caller::of(&request)?;
        let info = info::info(&self.node, &caller, request.into_inner()).await?;
        Ok(Response::new(PollInfo::new().with_info(info).try_with_progress(1.0).map_err(status::internal)?))
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let caller = Caller::of(&request)?;
        let schema = info::schema(&self.node, &caller, request.get_ref()).await?;
        Ok(Response::new(SchemaResult { schema }))
    }

    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        Err(status::internal("DoGet is answered before it comes here"))
    }

    async fn do_put(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoPutStream>, Status> {
        let receipt = do_put::take(&self.node, request).await?;
        Ok(several(vec![PutResult { app_metadata: receipt::put_result(&receipt).into() }]))
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let body = self.act(request).await?.into();
        Ok(several(vec![arrow_flight::Result { body }]))
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        let describe = |(name, description): &(&str, &str)| ActionType {
            r#type: (*name).to_owned(),
            description: (*description).to_owned(),
        };
        Ok(several(action::ACTIONS.iter().map(describe).collect()))
    }

    async fn do_exchange(
        &self,
        _: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(status::unimplemented("DoExchange is not offered: use DoPut to write and DoGet to read"))
    }
}
