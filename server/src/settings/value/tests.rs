//! Values of settings: read and written.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[expect(clippy::needless_pass_by_value, reason = "the cases read better")]
fn check(unit: Unit, text: &str, expected: Option<Value>) {
    assert_eq!(unit.read(text), expected, "{text:?} as {unit:?}");
}

#[test]
fn bytes_are_numbers_or_have_a_unit() {
    let unit = Unit::Bytes(0, u64::MAX);
    for (text, expected) in [
        ("0", Some(0)),
        ("1_000", Some(1000)),
        ("4MiB", Some(4 << 20)),
        ("4 MiB", Some(4 << 20)),
        ("3kB", Some(3000)),
        ("2GB", Some(2_000_000_000)),
        ("1TiB", Some(1 << 40)),
        ("18446744073709551616", None),
        ("99999999TiB", None),
        ("4mib", None),
        ("4M", None),
        ("1.5MiB", None),
        ("-1", None),
        ("_1", None),
        ("MiB", None),
        ("", None),
    ] {
        check(unit, text, expected.map(Value::Number));
    }
    check(Unit::Bytes(10, 20), "9", None);
    check(Unit::Bytes(10, 20), "10", Some(Value::Number(10)));
    check(Unit::Bytes(10, 20), "21", None);
}

#[test]
fn durations_always_have_a_unit() {
    let unit = Unit::Duration(Duration::ZERO, Duration::MAX);
    for (text, micros) in [
        ("200ms", Some(200_000)),
        ("10s", Some(10_000_000)),
        ("5m", Some(300_000_000)),
        ("1h30m", Some(5_400_000_000)),
        ("2d", Some(172_800_000_000)),
        ("0s", Some(0)),
        ("7us", Some(7)),
        ("10", None),
        ("", None),
        ("s", None),
        ("30m1h", None),
        ("1m1m", None),
        ("1 s", None),
        ("1.5s", None),
        ("99999999999999d", None),
    ] {
        check(unit, text, micros.map(|micros| Value::Duration(Duration::from_micros(micros))));
    }
    check(Unit::Duration(SECOND, SECOND * 2), "999ms", None);
}

#[test]
fn ratios_are_exact_to_a_millionth() {
    for (text, ppm) in [
        ("0", Some(0)),
        ("1", Some(1_000_000)),
        ("1.0", Some(1_000_000)),
        ("0.1", Some(100_000)),
        ("0.000001", Some(1)),
        ("0.0000001", None),
        ("1.1", None),
        ("-0.1", None),
        (".5", None),
        ("5.", None),
        ("nan", None),
        ("1e-3", None),
    ] {
        check(Unit::Ratio, text, ppm.map(Value::Ratio));
    }
}

#[test]
fn words_and_texts() {
    check(Unit::Choice(&["auto", "json"]), "json", Some(Value::Text("json".into())));
    check(Unit::Choice(&["auto", "json"]), "JSON", None);
    check(Unit::Flag, "true", Some(Value::Flag(true)));
    check(Unit::Flag, "yes", None);
    check(Unit::Text, "a\nb", None);
    check(Unit::Text, &"x".repeat(5000), None);
}

#[test]
fn what_is_shown_is_read_as_the_same() {
    let bytes = Unit::Bytes(0, u64::MAX);
    let time = Unit::Duration(Duration::ZERO, Duration::MAX);
    let numbers = [0, 1, 1000, 1024, 1536, 4 << 20, 10 << 30, (1 << 40) + 1, u64::MAX];
    let mut cases: Vec<_> = numbers.map(|number| (bytes, Value::Number(number))).into();
    cases.extend(numbers.map(|number| (Unit::Count(0, u64::MAX), Value::Number(number))));
    let times = [0, 1, 999, 1000, 1_500_000, 60_000_000, 86_400_000_001];
    cases.extend(times.map(|micros| (time, Value::Duration(Duration::from_micros(micros)))));
    cases.extend([0, 1, 10, 123_456, 999_999, 1_000_000].map(|ppm| (Unit::Ratio, Value::Ratio(ppm))));
    cases.extend(["", "a b", "c:\\d", "\"q\"", "zürich"].map(|text| (Unit::Text, Value::Text(text.into()))));
    cases.extend([true, false].map(|flag| (Unit::Flag, Value::Flag(flag))));
    for (unit, value) in cases {
        let shown = unit.shown(&value);
        // A number beyond 63 bits stands in no TOML file.
        if let Ok(parsed) = DeValue::parse(&shown) {
            assert_eq!(unit.read_toml(parsed.get_ref()), Some(value), "{shown}");
        } else {
            assert_eq!(value, Value::Number(u64::MAX));
        }
    }
}

#[test]
fn a_file_gives_each_unit_its_own_kind_of_value() {
    let second = Unit::Duration(Duration::ZERO, SECOND);
    for (unit, text, is_taken) in [
        (Unit::Count(0, 9), "7", true),
        (Unit::Count(0, 20), "0x10", true),
        (Unit::Count(0, 9), "\"7\"", true),
        (Unit::Count(0, 9), "7.0", false),
        (Unit::Count(0, 9), "true", false),
        (Unit::Count(0, 9), "-7", false),
        (second, "1", false),
        (second, "\"1s\"", true),
        (Unit::Flag, "\"true\"", false),
        (Unit::Ratio, "1", true),
        (Unit::Ratio, "\"1\"", false),
        (Unit::Text, "7", false),
        (Unit::Text, "[]", false),
    ] {
        let value = DeValue::parse(text).unwrap();
        assert_eq!(unit.read_toml(value.get_ref()).is_some(), is_taken, "{text} as {unit:?}");
    }
}
