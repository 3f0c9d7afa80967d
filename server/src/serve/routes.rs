//! What is served on the one port. A new service is one line in [`router`].

use calotype_proto::DESCRIPTORS;
use tonic_reflection::server::Builder;

use super::health::Health;
use super::{Options, ServeError};
use crate::flight;
use crate::grpc::{contexts, ingest, log, operations, query, snapshots};
use crate::node::Node;
use crate::transport::Router;

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
        .mount(contexts::service(node.clone()))
        .mount(ingest::service(node.clone()))
        .mount(query::service(node.clone()))
        .mount(snapshots::service(node.clone()))
        .mount(log::service(node.clone()))
        .mount(operations::service(node.clone()))
        .mount(flight::service(node.clone()));
    if options.reflection { with_reflection(router) } else { Ok(router) }
}

/// Adds both versions of reflection: newer tools ask for one, older ones for the other.
fn with_reflection(router: Router) -> Result<Router, ServeError> {
    let builder = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // What errors carry.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    let newer = builder().build_v1().map_err(ServeError::Descriptors)?;
    let older = builder().build_v1alpha().map_err(ServeError::Descriptors)?;
    Ok(router.mount(newer).mount(older))
}
