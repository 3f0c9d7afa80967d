//! What is counted, as Prometheus reads it.

use tonic::Code;

use super::*;

/// The value of a series.
fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let text = metrics.encode();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

fn check(metrics: &Metrics, series: &str, expected: f64) {
    let found = value(metrics, series).unwrap_or_else(|| panic!("no {series} in\n{}", metrics.encode()));
    assert!((found - expected).abs() < 1e-9, "{series} is {found}; expected {expected}");
}

#[test]
fn every_limit_has_a_series_from_the_start() {
    let metrics = Metrics::new();
    for declaration in Limits::declarations() {
        check(&metrics, &format!("calotype_refusals_total{{limit=\"{}\"}}", declaration.name), 0.0);
    }
    metrics.refused("puts_max");
    metrics.refused("puts_max");
    check(&metrics, "calotype_refusals_total{limit=\"puts_max\"}", 2.0);
    check(&metrics, "calotype_refusals_total{limit=\"keys_max\"}", 0.0);
}

#[test]
fn a_request_is_in_flight_until_it_ends_and_then_counted_with_its_time() {
    let metrics = Arc::new(Metrics::new());
    let request = metrics.request_started(Door::Grpc, "QueryService/AsOf");
    check(&metrics, "calotype_requests_in_flight{door=\"grpc\"}", 1.0);
    check(&metrics, "calotype_requests_in_flight{door=\"flight\"}", 0.0);
    request.finish(Code::NotFound);
    check(&metrics, "calotype_requests_in_flight{door=\"grpc\"}", 0.0);
    let labels = "door=\"grpc\",method=\"QueryService/AsOf\"";
    check(&metrics, &format!("calotype_requests_total{{{labels},code=\"NOT_FOUND\"}}"), 1.0);
    check(&metrics, &format!("calotype_request_duration_seconds_count{{{labels}}}"), 1.0);
    check(&metrics, &format!("calotype_request_duration_seconds_bucket{{le=\"+Inf\",{labels}}}"), 1.0);
    let seconds = value(&metrics, &format!("calotype_request_duration_seconds_sum{{{labels}}}")).unwrap();
    assert!(seconds > 0.0 && seconds < 60.0, "{seconds}");
}

#[test]
fn a_request_that_is_dropped_was_cancelled() {
    let metrics = Arc::new(Metrics::new());
    drop(metrics.request_started(Door::Flight, "DoGet"));
    check(&metrics, "calotype_requests_total{door=\"flight\",method=\"DoGet\",code=\"CANCELLED\"}", 1.0);
    check(&metrics, "calotype_requests_in_flight{door=\"flight\"}", 0.0);
}

#[test]
fn what_is_held_is_counted_until_it_is_dropped() {
    let metrics = Metrics::new();
    let held = (metrics.connection_opened(), metrics.watch_opened(), metrics.operation_started());
    let another = metrics.connection_opened();
    check(&metrics, "calotype_connections", 2.0);
    check(&metrics, "calotype_watches", 1.0);
    check(&metrics, "calotype_operations", 1.0);
    drop((held, another));
    check(&metrics, "calotype_connections", 0.0);
    check(&metrics, "calotype_watches", 0.0);
    check(&metrics, "calotype_operations", 0.0);
    check(&metrics, "calotype_connections_opened_total", 2.0);
}

#[test]
fn rows_bytes_puts_and_the_state_of_the_store_are_counted() {
    let metrics = Metrics::new();
    metrics.sent(3, 100);
    metrics.sent(4, 200);
    metrics.received(5, 300);
    metrics.committed(false);
    metrics.committed(true);
    metrics.put_failed();
    metrics.panicked();
    metrics.set_head(Some(Sequence::new(17)));
    metrics.set_poisoned(true);
    for (series, expected) in [
        ("calotype_rows_sent_total", 7.0),
        ("calotype_batches_sent_bytes_total", 300.0),
        ("calotype_rows_received_total", 5.0),
        ("calotype_batches_received_bytes_total", 300.0),
        ("calotype_puts_total{outcome=\"committed\"}", 1.0),
        ("calotype_puts_total{outcome=\"replayed\"}", 1.0),
        ("calotype_puts_total{outcome=\"failed\"}", 1.0),
        ("calotype_panics_total", 1.0),
        ("calotype_head_commit", 17.0),
        ("calotype_poisoned", 1.0),
    ] {
        check(&metrics, series, expected);
    }
    metrics.set_poisoned(false);
    check(&metrics, "calotype_poisoned", 0.0);
}

#[test]
fn two_servers_in_one_process_count_apart() {
    let (one, other) = (Metrics::new(), Metrics::new());
    one.panicked();
    check(&one, "calotype_panics_total", 1.0);
    check(&other, "calotype_panics_total", 0.0);
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_says_what_it_takes() {
    let metrics = Metrics::new();
    assert!(value(&metrics, "process_resident_memory_bytes").unwrap() > 1e5);
    let before = value(&metrics, "process_open_fds").unwrap();
    assert!(before > 2.0);
    assert!(value(&metrics, "process_threads").unwrap() >= 1.0);
}

#[test]
fn the_text_is_whole_and_names_its_units() {
    let metrics = Arc::new(Metrics::new());
    metrics.request_started(Door::Grpc, "AsOf").finish(Code::Ok);
    let text = metrics.encode();
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("# TYPE calotype_request_duration_seconds histogram"), "{text}");
    assert!(text.contains("# UNIT calotype_request_duration_seconds seconds"), "{text}");
    assert!(
        text.contains(concat!("calotype_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")),
        "{text}"
    );
}

#[test]
fn a_path_tells_its_door() {
    assert_eq!(Door::of_path("/arrow.flight.protocol.FlightService/DoGet"), Door::Flight);
    assert_eq!(Door::of_path("/calotype.v1.QueryService/AsOf"), Door::Grpc);
}
