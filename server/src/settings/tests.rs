//! Settings: which of them counts, and what is refused.

use std::io::Write as _;
use std::time::Duration;

use super::*;
use crate::test_mutants::mutants;

/// The settings of a file of this text.
fn of_file(text: &str) -> Result<Settings, SettingsError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Settings::load(Some(file.path()), [], &[])
}

/// The message for a file of this text, without the file's name.
fn refusal(text: &str) -> String {
    let message = of_file(text).unwrap_err().to_string();
    message.split_once(':').unwrap().1.to_owned()
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn the_default_file_says_the_defaults() {
    let text = Settings::default_file();
    assert_eq!(of_file(&text).unwrap(), Settings::default(), "as it is it chooses nothing");

    let is_setting = |line: &str| line.starts_with('#') && !line.starts_with("# ");
    let chosen: String = text
        .lines()
        .map(|line| if is_setting(line) { &line[1..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    let settings = of_file(&chosen).unwrap();
    for (row, default) in settings.table().iter().zip(Settings::default().table()) {
        assert_eq!((&row.value, &row.default), (&default.value, &default.value), "{}", row.name);
        assert!(matches!(row.origin, Origin::File(..)), "{} is not in the file", row.name);
    }
    assert!(text.lines().all(|line| line.len() < 300));
}

#[test]
fn every_field_of_every_section_is_a_setting() {
    // The debug form names all fields, however they came about.
    let shown = format!("{:#?}", Settings::default());
    let fields: Vec<_> = shown
        .lines()
        .filter(|line| line.starts_with("        ") && !line.starts_with("         "))
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, _)| name.to_owned())
        .collect();
    let names: Vec<_> =
        Settings::declarations().iter().map(|declaration| declaration.name.to_owned()).collect();
    assert_eq!(fields, names);
    assert!(names.len() > 50);
    let rows: Vec<_> = Settings::default().table().into_iter().map(|row| row.name).collect();
    assert_eq!(rows, Settings::declarations().iter().map(Declaration::key).collect::<Vec<_>>());
}

#[test]
fn every_default_lies_within_its_bounds_and_every_bound_fits_its_type() {
    use crate::settings::value::Unit;
    for declaration in Settings::declarations() {
        let key = declaration.key();
        let shown = declaration.unit.shown(&declaration.default);
        let file = format!("[{}]\n{} = {shown}", declaration.section, declaration.name);
        assert!(of_file(&file).is_ok(), "{file}");
        if let Unit::Bytes(_, max) | Unit::Count(_, max) = declaration.unit {
            let mut settings = Settings::default();
            assert!(settings.set(&declaration, Value::Number(max)), "{key} does not hold {max}");
        }
        assert!(
            declaration.doc.ends_with('.') && !declaration.doc.contains('\n'),
            "{key}: {}",
            declaration.doc
        );
    }
}

#[test]
fn flags_come_before_the_environment_before_the_file_before_the_default() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"# mine\n[limits]\nputs_max = 1\nkeys_max = 2\noperations_max = 3\n").unwrap();
    let environment =
        [variable("CALOTYPE_LIMITS_PUTS_MAX", "10"), variable("CALOTYPE_LIMITS_KEYS_MAX", "20")];
    let flags = [variable("limits.puts_max", "100")];
    let settings = Settings::load(Some(file.path()), environment, &flags).unwrap();
    let limits = &settings.limits;
    assert_eq!(
        (limits.puts_max, limits.keys_max, limits.operations_max, limits.page_size_max),
        (100, 20, 3, 1000)
    );
    assert_eq!(settings.origin("limits.puts_max"), Origin::Flag("limits.puts_max".into()));
    assert_eq!(settings.origin("limits.keys_max"), Origin::Environment("CALOTYPE_LIMITS_KEYS_MAX".into()));
    let name = file.path().display().to_string();
    assert_eq!(settings.origin("limits.operations_max"), Origin::File(name.clone(), 5));
    assert_eq!(settings.origin("limits.page_size_max"), Origin::Default);
    let row = settings.table().into_iter().find(|row| row.name == "limits.operations_max").unwrap();
    assert_eq!((row.value.as_str(), row.default.as_str(), row.unit), ("3", "2", "count"));
    assert_eq!(row.origin.to_string(), format!("{name}:5"));
}

#[test]
fn a_name_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
    for (text, expected) in [
        ("[limits]\nput_max = 1", "2: there is no setting 'limits.put_max'; did you mean 'limits.puts_max'?"),
        ("\n[limit]\nputs_max = 1", "2: there is no setting '[limit]'; did you mean '[limits]'?"),
        (
            "[server]\nputs_max = 1",
            "2: there is no setting 'server.puts_max'; did you mean 'limits.puts_max'?",
        ),
        ("listen = \"127.0.0.1:1\"", "1: there is no setting 'listen'; did you mean 'server.listen'?"),
        ("listn = \"127.0.0.1:1\"", "1: there is no setting 'listn'; did you mean 'server.listen'?"),
        (
            "[log]\n\"a\\u001b\" = 1",
            "2: there is no setting 'log.a\\u{1b}'; `calotype config default` lists all",
        ),
        ("[log.more]\na = 1", "1: there is no setting 'log.more'; `calotype config default` lists all"),
        ("[[limits]]\nputs_max = 1", "1: there is no setting 'limits'; `calotype config default` lists all"),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    let flag = Settings::load(None, [], &[variable("server.listne", "x")]).unwrap_err().to_string();
    assert_eq!(
        flag,
        "the command line (server.listne): there is no setting 'server.listne'; did you mean 'server.listen'?"
    );
}

#[test]
fn variables_of_the_environment_are_refused_where_they_can_only_be_slips() {
    let load = |name| Settings::load(None, [variable(name, "1")], &[]).map_err(|error| error.to_string());
    for name in ["PATH", "CALOTYPE_PRINCIPAL", "CALOTYPE_TEST_SEED", "CALOTYPE_SERVER"] {
        assert_eq!(load(name).unwrap(), Settings::default(), "{name}");
    }
    for name in ["CALOTYPE_LIMITS_PUT_MAX", "CALOTYPE_LIMIT_PUTS_MAX"] {
        let message = load(name).unwrap_err();
        assert!(message.ends_with("did you mean 'CALOTYPE_LIMITS_PUTS_MAX'?"), "{message}");
    }
}

#[test]
fn the_store_has_a_short_variable_that_gives_way_to_the_long_one() {
    let load = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| variable(name, value));
        Settings::load(None, variables, &[]).unwrap().store.location
    };
    assert_eq!(load(&[("CALOTYPE_STORE", "/a")]).as_deref(), Some("/a"));
    let both = [("CALOTYPE_STORE_LOCATION", "/b"), ("CALOTYPE_STORE", "/a")];
    assert_eq!(load(&both).as_deref(), Some("/b"));
}

#[test]
fn a_value_that_is_not_taken_is_shown_with_its_place_and_what_is_expected() {
    for (text, expected) in [
        ("[limits]\nputs_max = 0", "2: limits.puts_max is 0; expected a number from 1 to 10000"),
        (
            "[limits]\nputs_max = 4294967297",
            "2: limits.puts_max is 4294967297; expected a number from 1 to 10000",
        ),
        (
            "[limits]\n\nquery_time_max = 5",
            "3: limits.query_time_max is 5; expected a duration from 10ms to 1d, such as 10s",
        ),
        (
            "[limits]\nput_bytes_max = \"1 mb\"",
            "2: limits.put_bytes_max is \"1 mb\"; expected bytes from 1MiB to 64GiB, such as 4MiB",
        ),
        ("[server]\nreflection = \"yes\"", "2: server.reflection is \"yes\"; expected true or false"),
        ("[log]\nformat = \"xml\"", "2: log.format is \"xml\"; expected auto, text, json"),
        (
            "[server]\nlisten = \"here\"",
            "2: server.listen is \"here\"; expected an address and a port, such as 127.0.0.1:7432",
        ),
        (
            "[otlp]\nendpoint = \"https://a\"",
            "2: otlp.endpoint is \"https://a\"; expected a URL such as http://127.0.0.1:4317",
        ),
        (
            "[log]\nfilter = \"info,=,x\"",
            "2: log.filter is \"info,=,x\"; expected a level such as info, or levels by module such as info,calotype_server=debug",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_the_line() {
    let message = refusal("[limits]\nputs_max = 1\nputs_max = 2\n");
    assert!(message.starts_with("3: ") && message.contains("duplicate"), "{message}");
    assert!(refusal("[limits]\nputs_max\n").starts_with("2: "));
    let large = of_file(&"#".repeat(2 << 20)).unwrap_err();
    assert!(matches!(large, SettingsError::TooLarge { .. }), "{large}");
    let missing = Settings::load(Some(Path::new("/nowhere/calotype.toml")), [], &[]).unwrap_err();
    assert!(matches!(missing, SettingsError::Read { .. }), "{missing}");
}

#[test]
fn only_this_machine_is_listened_to() {
    for address in ["127.0.0.1:0", "127.8.8.8:1", "[::1]:7432", "localhost:7432"] {
        let flags = [variable("server.listen", address)];
        assert!(Settings::load(None, [], &flags).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:7432", "[::]:7432", "192.168.0.1:7432", "[::ffff:127.0.0.1]:7432"] {
        for name in ["server.listen", "server.metrics_listen"] {
            let error = Settings::load(None, [], &[variable(name, address)]).unwrap_err();
            assert!(matches!(error, SettingsError::NotLoopback { .. }), "{error}");
            assert!(
                error.to_string().contains("choose a loopback address such as 127.0.0.1:7432"),
                "{error}"
            );
        }
    }
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let address = |name| variable(name, "127.0.0.1:7432");
    let error =
        Settings::load(None, [], &[address("server.listen"), address("server.metrics_listen")]).unwrap_err();
    assert!(error.to_string().contains("must be another address than server.listen"), "{error}");
    let error = Settings::load(None, [], &[variable("limits.sent_batch_bytes", "8MiB")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "limits.sent_batch_bytes is 8388608, and must be at most limits.sent_message_bytes_max, which is 3145728"
    );
    let error = Settings::load(None, [], &[variable("limits.put_bytes_max", "1GiB")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "limits.put_bytes_max is 1073741824, and must be at most limits.ingest_bytes_max, which is 536870912"
    );
    let both = ["limits.put_bytes_max", "limits.ingest_bytes_max"].map(|name| variable(name, "1GiB"));
    assert!(Settings::load(None, [], &both).is_ok());
}

#[test]
fn nothing_chosen_is_empty_and_stays_nothing() {
    let flags = ["server.metrics_listen", "otlp.endpoint", "store.location"].map(|name| variable(name, ""));
    let settings = Settings::load(None, [], &flags).unwrap();
    assert_eq!(settings.server, ServerSettings::default());
    assert_eq!((settings.otlp.endpoint, settings.store.location), (None, None));
    assert_eq!(settings.follow.poll_interval, Duration::from_millis(200));
}

/// A file that chooses some of every kind.
const CHOSEN: &str = r#"# a comment
[server]
listen = "127.0.0.1:7000"
reflection = false
work_threads = 4
[store]
location = "/var/lib/calotype/store"
clock_behind_max = "1m30s"
[log]
format = "json"
filter = "info,calotype_server=debug"
[otlp]
sample_ratio = 0.25
[limits]
control_message_bytes_max = "1MiB"
put_bytes_max = 268435456
query_time_max = "1h30m"
"#;

/// The settings of a text, as if it were a file.
fn of_text(text: &str, declarations: &[Declaration]) -> Result<Settings, SettingsError> {
    let mut settings = Settings::default();
    settings.take_file("mutant", text, declarations)?;
    settings.check()?;
    Ok(settings)
}

#[test]
fn mutants_of_a_file_are_refused_or_read_back_as_the_same() {
    let declarations = Settings::declarations();
    let (mut read, mut refused) = (0, 0);
    mutants(CHOSEN, 7, 20_000, |mutant| {
        // A file that is no text is refused where it is read.
        let Ok(text) = std::str::from_utf8(mutant) else { return };
        match of_text(text, &declarations) {
            Ok(settings) => {
                read += 1;
                let chosen = |row: &Row| !matches!(row.origin, Origin::Default);
                let rows: Vec<Row> = settings.table().into_iter().filter(chosen).collect();
                let line = |row: &Row| [row.name.as_str(), " = ", row.value.as_str(), "\n"].concat();
                let written: String = rows.iter().map(line).collect();
                let again = of_text(&written, &declarations);
                let again = again.unwrap_or_else(|error| panic!("{error} in {written}"));
                for (row, other) in settings.table().iter().zip(again.table()) {
                    assert_eq!(row.value, other.value, "{} of {text:?}", row.name);
                }
            }
            Err(error) => {
                refused += 1;
                let names_two = matches!(error, SettingsError::Together { .. });
                assert!(names_two || error.to_string().starts_with("mutant"), "{error} names its place");
            }
        }
    });
    assert!(read > 1000 && refused > 5000, "{read} read, {refused} refused");
}

#[test]
fn mutants_of_a_value_are_refused_or_read_back_as_the_same() {
    let (mut read, mut refused) = (0, 0);
    for (seed, declaration) in (1..).zip(Settings::declarations()) {
        let shown = declaration.unit.shown(&declaration.default);
        let text = shown.trim_matches('"');
        mutants(text, seed, 500, |mutant| {
            let Ok(text) = std::str::from_utf8(mutant) else { return };
            let mut settings = Settings::default();
            if settings.take_text(&declaration, text, Origin::Default).is_err() {
                refused += 1;
                return;
            }
            read += 1;
            let value = settings.value(&declaration).expect("it was set");
            let shown = declaration.unit.shown(&value);
            let key = declaration.key();
            let again = of_text(&format!("{key} = {shown}\n"), std::slice::from_ref(&declaration));
            // Whether settings fit each other is another question.
            if let Ok(again) = again {
                assert_eq!(again.value(&declaration), Some(value), "{key} = {shown} from {text:?}");
            } else {
                let mut alone = Settings::default();
                let file = format!("{key} = {shown}\n");
                alone.take_file("value", &file, std::slice::from_ref(&declaration)).expect(&file);
            }
        });
    }
    assert!(read > 2000 && refused > 10_000, "{read} read, {refused} refused");
}
