//! Errors as gRPC carries them.

use calotype_storage::name::{ContextName, Principal};
use calotype_storage::refusal::DuplicateKey;
use calotype_storage::time::SystemTime;
use tonic_types::pb;

use super::*;

fn loans() -> ContextName {
    ContextName::parse("loans").unwrap()
}

/// The value of a variable.
fn value(status: &Status, name: &str) -> Option<String> {
    status.get_details_error_info()?.metadata.get(name).cloned()
}

/// The bytes of all headers of a status, as HTTP/2 counts them.
fn header_bytes(status: &Status) -> usize {
    let response = status.clone().into_http::<()>();
    response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

#[test]
fn each_status_has_one_error_info_of_our_domain() {
    let statuses = [
        invalid(Field("put.cutoff"), "is no instant"),
        exhausted("puts_max", "64 puts are being taken", Some(Duration::from_secs(1))),
        not_found("snapshot", "abc"),
        aborted("OVERTAKEN", "lost"),
        unavailable("RECOVERING", "the store is being opened", None),
        deadline_exceeded("5 s have passed"),
        too_long("query_time_max", "300 s have passed"),
        cancelled("the server stops"),
        unimplemented("sql"),
        internal("no"),
        of_library(Code::NotFound, "service not registered"),
        of_store(&Error::ReadOnly),
        of_query(&QueryError::NoOffsets(loans())),
    ];
    for status in statuses {
        let details = status.get_error_details_vec();
        let infos = details.iter().filter(|detail| matches!(detail, tonic_types::ErrorDetail::ErrorInfo(_)));
        assert_eq!(infos.count(), 1, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().domain, DOMAIN);
        assert_ne!(status.code(), Code::Unknown);
        assert!(reason(&status).unwrap().len() > 3);
        // The code and the message stand in the details as well: clients that look only there find them.
        let whole = <pb::Status as prost::Message>::decode(status.details()).unwrap();
        assert_eq!((whole.code, whole.message.as_str()), (status.code() as i32, status.message()));
    }
}

#[test]
fn a_field_at_fault_is_named_three_times_over() {
    let status = invalid(Field("keys[3]"), "is no int64");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "keys[3]: is no int64");
    assert_eq!(value(&status, "field").unwrap(), "keys[3]");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(
        (violations[0].field.as_str(), violations[0].description.as_str()),
        ("keys[3]", "is no int64")
    );
}

#[test]
fn a_limit_says_its_name_and_when_to_come_again() {
    let status = exhausted("queries_queued_max", "32 questions wait", Some(Duration::from_millis(250)));
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(value(&status, "limit").unwrap(), "queries_queued_max");
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_millis(250)));
    assert!(exhausted("keys_max", "too many", None).get_details_retry_info().is_none());
}

#[test]
fn the_limit_of_a_status_is_one_of_the_settings() {
    assert_eq!(limit(&exhausted("keys_max", "too many", None)), Some("keys_max"));
    assert_eq!(limit(&too_long("query_time_max", "too long")), Some("query_time_max"));
    assert_eq!(limit(&exhausted("no_such_limit", "too many", None)), None);
    assert_eq!(limit(&deadline_exceeded("too long")), None);
    assert_eq!(limit(&Status::resource_exhausted("another's")), None);
}

#[test]
fn what_gets_better_by_waiting_says_when() {
    let failed = |action| Error::Store { action, path: "log/1".into(), reason: "503".into(), full: false };
    let retry = |status: Status| status.get_details_retry_info().and_then(|info| info.retry_delay);
    assert_eq!(retry(of_store(&failed("read"))), Some(STORE_RETRY));
    assert_eq!(retry(of_store(&failed("write"))), None, "its outcome may be unknown");
    assert_eq!(retry(of_store(&Error::Overtaken { attempts: 3 })), Some(RACE_RETRY));
    assert_eq!(retry(of_store(&Error::Poisoned("sync".into()))), None);
    assert_eq!(retry(of_query(&QueryError::Behind { wanted: 9, found: "8".into() })), Some(BEHIND_RETRY));
}

#[test]
fn errors_of_the_store_keep_their_code_reason_and_variables() {
    let time = |text| SystemTime::parse(text).unwrap();
    let asked = time("2027-01-01T00:00:00Z");
    let now = time("2026-01-01T00:00:00Z");
    let cases = [
        (Error::from(Refusal::NoContext(loans())), Code::NotFound, "NO_CONTEXT"),
        (
            Refusal::ContextExists { context: loans(), what: "key" }.into(),
            Code::AlreadyExists,
            "CONTEXT_EXISTS",
        ),
        (Refusal::NotImporting(loans()).into(), Code::FailedPrecondition, "NOT_IMPORTING"),
        (Refusal::EmptyFull.into(), Code::InvalidArgument, "EMPTY_FULL"),
        (
            Refusal::TooLarge { what: "rows", found: 2, limit: 1 }.into(),
            Code::ResourceExhausted,
            "PUT_TOO_LARGE",
        ),
        (Error::Future { asked, now }, Code::OutOfRange, "KNOWN_AT_IN_FUTURE"),
        (Error::Overtaken { attempts: 3 }, Code::Aborted, "OVERTAKEN"),
        (Error::Damaged { object: "pack".into(), what: "no".into() }, Code::DataLoss, "DAMAGED"),
        (Error::Poisoned("sync".into()), Code::Unavailable, "POISONED"),
        (Error::ClockBehind { clock: now, newest: asked }, Code::Unavailable, "CLOCK_BEHIND"),
        (Error::OutcomeUnknown, Code::Unavailable, "OUTCOME_UNKNOWN"),
        (Error::NotFound { what: "snapshot", name: "x".into() }, Code::NotFound, "NOT_FOUND"),
    ];
    for (error, code, word) in cases {
        let status = of_query(&QueryError::Storage(error.clone()));
        assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(word)));
        assert_eq!(status.message(), reasons(&error));
        for (name, expected) in error.variables() {
            assert_eq!(value(&status, name), Some(expected), "{name} of {word}");
        }
    }
    let resource = of_store(&Refusal::NoContext(loans()).into()).get_details_resource_info().unwrap();
    assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("context", "loans"));
}

#[test]
fn errors_of_a_question_keep_theirs() {
    let denied = QueryError::Denied { principal: Principal::local(), context: loans() };
    let column = QueryError::NoColumn { context: loans(), column: "a".into(), version: 2 };
    let behind = QueryError::Behind { wanted: 9, found: "8".into() };
    assert_eq!(of_query(&denied).code(), Code::FailedPrecondition);
    assert_eq!(of_query(&column).code(), Code::InvalidArgument);
    assert_eq!(of_query(&behind).code(), Code::Unavailable);
    assert_eq!(value(&of_query(&column), "schema_version").unwrap(), "2");
    assert_eq!(value(&of_query(&behind), "wanted").unwrap(), "9");
}

#[test]
fn the_largest_status_fits_the_headers_that_clients_take() {
    for character in ["x", " ", "é", "\u{1b}", "日", "%", "\u{1f600}"] {
        let long = character.repeat(1 << 16);
        let key = |_| DuplicateKey { key: long.clone(), rows: vec![u64::MAX; 10] };
        let statuses = [
            of_store(&Refusal::DuplicateKeys { count: 10, examples: (0..10).map(key).collect() }.into()),
            of_store(&Error::Damaged { object: long.clone(), what: long.clone() }),
            of_store(&Error::NotFound { what: "snapshot", name: long.clone() }),
            of_query(&QueryError::Key { context: loans(), expected: long.clone(), found: long.clone() }),
            invalid(Field(&long), &long),
            not_found("snapshot", &long),
            exhausted("keys_max", &long, Some(Duration::MAX)),
        ];
        for status in statuses {
            let bytes = header_bytes(&status);
            assert!(bytes < (8 << 10) - 128, "{bytes} bytes of headers for {character:?}: {}", status.code());
            assert!(status.message().ends_with('…'), "{}", status.message());
            assert!(!status.message().contains(char::is_control));
            assert!(reason(&status).is_some());
        }
    }
}
