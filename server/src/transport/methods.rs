//! The methods that are served, by their paths: what logs and metrics call a request, so that no client's text gets there.

/// What a path that is not served is called.
const UNKNOWN: &str = "unknown";

/// All of them, sorted.
const METHODS: &[&str] = &[
    "/arrow.flight.protocol.FlightService/DoAction",
    "/arrow.flight.protocol.FlightService/DoExchange",
    "/arrow.flight.protocol.FlightService/DoGet",
    "/arrow.flight.protocol.FlightService/DoPut",
    "/arrow.flight.protocol.FlightService/GetFlightInfo",
    "/arrow.flight.protocol.FlightService/GetSchema",
    "/arrow.flight.protocol.FlightService/Handshake",
    "/arrow.flight.protocol.FlightService/ListActions",
    "/arrow.flight.protocol.FlightService/ListFlights",
    "/arrow.flight.protocol.FlightService/PollFlightInfo",
    "/calotype.v1.ContextService/AlterContext",
    "/calotype.v1.ContextService/CreateContext",
    "/calotype.v1.ContextService/GetContext",
    "/calotype.v1.ContextService/GoLive",
    "/calotype.v1.ContextService/ListContexts",
    "/calotype.v1.ContextService/MaterialiseContext",
    "/calotype.v1.IngestService/Put",
    "/calotype.v1.IngestService/PutMany",
    "/calotype.v1.IngestService/PutStream",
    "/calotype.v1.IngestService/WithdrawCutoff",
    "/calotype.v1.LogService/GetHead",
    "/calotype.v1.LogService/ListRecords",
    "/calotype.v1.LogService/WatchContext",
    "/calotype.v1.OperationService/CancelOperation",
    "/calotype.v1.OperationService/GetOperation",
    "/calotype.v1.OperationService/ListOperations",
    "/calotype.v1.OperationService/WatchOperation",
    "/calotype.v1.QueryService/AsOf",
    "/calotype.v1.QueryService/Diff",
    "/calotype.v1.QueryService/ExplainSql",
    "/calotype.v1.QueryService/GetEntity",
    "/calotype.v1.QueryService/History",
    "/calotype.v1.QueryService/Sql",
    "/calotype.v1.SnapshotService/GetSnapshot",
    "/calotype.v1.SnapshotService/ListSnapshots",
    "/calotype.v1.SnapshotService/ReadSnapshot",
    "/calotype.v1.SnapshotService/VerifyStore",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The path as it is served; `unknown` for all others.
pub(super) fn known(path: &str) -> &'static str {
    METHODS.binary_search(&path).map_or(UNKNOWN, |place| METHODS[place])
}

/// Whether a request brings rows, so that its messages are counted as a put's.
pub(super) fn is_upload(path: &str) -> bool {
    path.starts_with("/calotype.v1.IngestService/") || path == "/arrow.flight.protocol.FlightService/DoPut"
}

/// Whether a request is one put and no more, so that all of it must come in time.
pub(super) fn is_one_put(path: &str) -> bool {
    is_upload(path) && path != "/calotype.v1.IngestService/PutMany"
}

#[cfg(test)]
mod tests {
    use calotype_proto::DESCRIPTORS;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_method_of_ours_is_known_and_all_are_sorted() {
        assert!(METHODS.is_sorted());
        let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        for file in &files.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    assert_eq!(known(&path), path);
                }
            }
        }
        assert_eq!(known("/calotype.v1.QueryService/Nothing"), UNKNOWN);
        assert_eq!(METHODS.iter().filter(|path| is_upload(path)).count(), 5);
        assert_eq!(METHODS.iter().filter(|path| is_one_put(path)).count(), 4);
    }
}
