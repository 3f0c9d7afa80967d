//! Tokens that only their own request is answered for, and the file of their key.

use super::*;
use crate::test_mutants::mutants;

fn key() -> TokenKey {
    TokenKey::new([7; KEY_BYTES])
}

#[test]
fn a_token_opens_to_its_position() {
    for position in [&b""[..], b"17", &[0xff; POSITION_BYTES_MAX]] {
        let token = key().seal("list", b"request", position);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric()), "{token}");
        assert_eq!(key().open("list", b"request", &token).unwrap(), position);
    }
}

#[test]
fn a_token_fits_only_where_it_came_from() {
    let token = key().seal("list", b"request", b"17");
    let refused = |key: &TokenKey, purpose, request: &[u8]| {
        let status = key.open(purpose, request, &token).unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(status.message().contains("page_token"), "{status}");
        assert!(status.message().contains("without a token"), "{status}");
    };
    refused(&TokenKey::new([8; KEY_BYTES]), "list", b"request");
    refused(&key(), "watch", b"request");
    refused(&key(), "list", b"other");
}

#[test]
fn no_changed_token_opens() {
    let token = key().seal("list", b"request", b"17");
    for place in 0..token.len() {
        for with in ["0", "f", "F", "", "00", "g", "é"] {
            let mut changed = token.clone();
            changed.replace_range(place..=place, with);
            if changed != token {
                assert!(key().open("list", b"request", &changed).is_err(), "{changed}");
            }
        }
    }
    for bad in ["", "0", "00", &"0".repeat(64), &"0".repeat(1 << 20)] {
        assert!(key().open("list", b"request", bad).is_err());
    }
}

#[test]
fn no_mutant_of_a_token_opens() {
    for (seed, position) in (1..).zip([&b""[..], b"17", &[0xff; POSITION_BYTES_MAX]]) {
        let token = key().seal("list", b"request", position);
        let (mut same, mut refused) = (0, 0);
        mutants(&token, seed, 10_000, |mutant| {
            // Fields of messages are texts.
            let mutant = String::from_utf8_lossy(mutant);
            let opened = key().open("list", b"request", &mutant);
            assert_eq!(opened.is_ok(), mutant == token, "{mutant:?}");
            same += usize::from(opened.is_ok_and(|found| found == position));
            refused += usize::from(mutant != token);
        });
        assert!(same > 10 && same + refused == 10_000, "{same} unchanged, {refused} refused");
    }
}

#[test]
fn purpose_and_request_do_not_run_into_each_other() {
    assert_ne!(key().seal("ab", b"c", b""), key().seal("a", b"bc", b""));
}

#[test]
fn pages_have_a_default_and_a_limit() {
    let limits = Limits { page_size_max: 500, ..Limits::default() };
    assert_eq!(page_size(0, &limits).unwrap(), PAGE_SIZE_DEFAULT);
    assert_eq!(page_size(1, &limits).unwrap(), 1);
    assert_eq!(page_size(501, &limits).unwrap(), 500);
    assert_eq!(page_size(i32::MAX, &limits).unwrap(), 500);
    assert_eq!(page_size(-1, &limits).unwrap_err().code(), tonic::Code::InvalidArgument);
    assert_eq!(page_size(0, &Limits { page_size_max: 10, ..limits }).unwrap(), 10);
}

#[test]
fn a_key_is_made_once_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.key");
    let first = TokenKey::load_or_create(&path).unwrap();
    let again = TokenKey::load_or_create(&path).unwrap();
    assert_eq!(first.0, again.0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    let other = TokenKey::load_or_create(&folder.path().join("other.key")).unwrap();
    assert_ne!(first.0, other.0);
    assert_eq!(format!("{first:?}"), "TokenKey(..)");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.key");
    TokenKey::load_or_create(&path).unwrap();
    for mode in [0o640, 0o604, 0o620] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = TokenKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, TokenKeyError::Open { found, .. } if found == mode), "{error}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token.key");
    TokenKey::load_or_create(&path).unwrap();
    for text in ["", "00", &"0".repeat(63), &"0".repeat(66), &"G".repeat(64), &"0".repeat(1000)] {
        std::fs::write(&path, text).unwrap();
        let error = TokenKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, TokenKeyError::Malformed { .. }), "{error}");
    }
    let missing = folder.path().join("missing").join("token.key");
    assert!(matches!(TokenKey::load_or_create(&missing), Err(TokenKeyError::Io { .. })));
}
