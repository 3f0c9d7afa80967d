//! What is served on the one port. A new service is one line in [`router`].

use calotype_proto::DESCRIPTORS;
use tonic_reflection::server::Builder;

use super::health::Health;
use super::{Options, ServeError};
use crate::node::Node;
use crate::transport::Router;
use crate::{flight, grpc};

/// Answers without end: they end when the server stops, and take no place among the requests that are worked on.
const ENDLESS: &[&str] = &[
    "/calotype.v1.LogService/WatchContext",
    "/calotype.v1.OperationService/WatchOperation",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// All services of a node.
pub(super) fn router(node: &Node, health: &Health, options: Options) -> Result<Router, ServeError> {
    let router = Router::new(ENDLESS)
        .mount(health.service())
        .mount(grpc::contexts::service(node.clone()))
        .mount(grpc::ingest::service(node.clone()))
        .mount(grpc::query::service(node.clone()))
        .mount(grpc::snapshots::service(node.clone()))
        .mount(grpc::operations::service(node.clone()))
        .mount(grpc::log::service(node.clone()))
        .mount(flight::service(node.clone()));
    if options.reflection { with_reflection(router) } else { Ok(router) }
}

/// Adds both versions of reflection: newer tools ask for one, older ones for the other.
fn with_reflection(router: Router) -> Result<Router, ServeError> {
    let builder = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let newer = builder().build_v1().map_err(ServeError::Descriptors)?;
    let older = builder().build_v1alpha().map_err(ServeError::Descriptors)?;
    Ok(router.mount(newer).mount(older))
}
