//! Questions: each is read here field by field, and answered by the query crate.
//!
//! Invariant: what is not understood is refused by its field, never answered otherwise.

mod entity;
mod request;
mod rows;
#[cfg(feature = "sql")]
mod sql;
mod stream;

#[cfg(test)]
mod tests;

use calotype_proto::v1;
use calotype_proto::v1::query_service_server::{QueryService, QueryServiceServer};
use calotype_query::{diff, history, resolve};
use tonic::{Request, Response, Status};

use crate::caller::Caller;
use crate::node::Node;
#[cfg(not(feature = "sql"))]
use crate::status;
#[cfg(feature = "sql")]
use crate::{answer::once, status::HasStatus as _};

pub(crate) use request::row_format;
pub(crate) use stream::{AnswerStream, stream};

/// The service over a node.
pub fn service(node: Node) -> QueryServiceServer<Queries> {
    let max = node.limits().control_message_bytes_max;
    QueryServiceServer::new(Queries { node }).max_decoding_message_size(max)
}

/// Answers questions.
#[derive(Debug)]
pub struct Queries {
    node: Node,
}

#[tonic::async_trait]
impl QueryService for Queries {
    type AsOfStream = AnswerStream<v1::AsOfResponse>;
    type HistoryStream = AnswerStream<v1::HistoryResponse>;
    type DiffStream = AnswerStream<v1::DiffResponse>;
    type SqlStream = AnswerStream<v1::SqlResponse>;

    async fn get_entity(
        &self,
        request: Request<v1::GetEntityRequest>,
    ) -> Result<Response<v1::GetEntityResponse>, Status> {
        let caller = Caller::of(&request)?;
        entity::get(&self.node, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn as_of(&self, request: Request<v1::AsOfRequest>) -> Result<Response<Self::AsOfStream>, Status> {
        let caller = Caller::of(&request)?;
        let format = row_format(request.get_ref().format)?;
        let predicate = request.get_ref().r#where.clone();
        let asked = request::as_of(&self.node, &caller, request.into_inner()).await?;
        let wrap = |part| v1::AsOfResponse { part: Some(part) };
        #[cfg(feature = "sql")]
        if !predicate.is_empty() {
            let ask = async move |node: Node| node.statements().filter(&asked, &predicate).await;
            return stream(&self.node, &caller, format, ask, wrap).await.map(Response::new);
        }
        #[cfg(not(feature = "sql"))]
        if !predicate.is_empty() {
            return Err(status::without_sql());
        }
        let ask = async move |node: Node| resolve(node.database(), node.policy(), &asked).await;
        stream(&self.node, &caller, format, ask, wrap).await.map(Response::new)
    }

    async fn history(
        &self,
        request: Request<v1::HistoryRequest>,
    ) -> Result<Response<Self::HistoryStream>, Status> {
        let caller = Caller::of(&request)?;
        let format = row_format(request.get_ref().format)?;
        let asked = request::history(&self.node, &caller, request.into_inner()).await?;
        let ask = async move |node: Node| history(node.database(), node.policy(), &asked).await;
        let wrap = |part| v1::HistoryResponse { part: Some(part) };
        stream(&self.node, &caller, format, ask, wrap).await.map(Response::new)
    }

    async fn diff(&self, request: Request<v1::DiffRequest>) -> Result<Response<Self::DiffStream>, Status> {
        let caller = Caller::of(&request)?;
        let format = row_format(request.get_ref().format)?;
        let asked = request::diff(&self.node, &caller, request.into_inner()).await?;
        let ask = async move |node: Node| diff(node.database(), node.policy(), &asked).await;
        let wrap = |part| v1::DiffResponse { part: Some(part) };
        stream(&self.node, &caller, format, ask, wrap).await.map(Response::new)
    }

    #[cfg(feature = "sql")]
    async fn sql(&self, request: Request<v1::SqlRequest>) -> Result<Response<Self::SqlStream>, Status> {
        let caller = Caller::of(&request)?;
        let format = row_format(request.get_ref().format)?;
        let asked = sql::request(&self.node, &caller, request.into_inner()).await?;
        let ask = async move |node: Node| node.statements().query(asked).await;
        let wrap = |part| v1::SqlResponse { part: Some(part) };
        stream(&self.node, &caller, format, ask, wrap).await.map(Response::new)
    }

    #[cfg(feature = "sql")]
    async fn explain_sql(
        &self,
        request: Request<v1::ExplainSqlRequest>,
    ) -> Result<Response<v1::ExplainSqlResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = sql::explain_request(&self.node, &caller, request.into_inner()).await?;
        let ask =
            async move |node: Node| node.statements().explain(asked).await.map_err(|error| error.status());
        let plan = once(&self.node, &caller, ask).await?;
        Ok(Response::new(v1::ExplainSqlResponse { plan }))
    }

    #[cfg(not(feature = "sql"))]
    async fn sql(&self, _: Request<v1::SqlRequest>) -> Result<Response<Self::SqlStream>, Status> {
        Err(status::without_sql())
    }

    #[cfg(not(feature = "sql"))]
    async fn explain_sql(
        &self,
        _: Request<v1::ExplainSqlRequest>,
    ) -> Result<Response<v1::ExplainSqlResponse>, Status> {
        Err(status::without_sql())
    }
}
