//! Tables about the store and about names.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Int32Array, RecordBatch, StringArray};
use calotype_query::{Policy, QueryError};
use calotype_storage::evaluate::{CreateContext, Deed, Proposal};
use calotype_storage::name::{ContextName, IdempotencyKey, Principal, Reason};
use calotype_storage::put::{Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode, Position};
use calotype_storage::{SystemTime, ValidTime};

use super::statements::{check, check_refused};
use super::store::{TestStore, day};
use crate::{Limits, SqlEngine, SqlRequest};

/// Loans, and a context of accounts with two fulls, the second of which brings another column.
async fn store() -> TestStore {
    let store = TestStore::loans().await;
    let context = ContextName::parse("accounts").unwrap();
    let create = CreateContext {
        deed: Deed { context: context.clone(), options: PutOptions::default() },
        definition: CreateEntry {
            mode: Mode::State,
            key: vec!["branch".into(), "number".into()],
            import: true,
            max_retracted_ppm: Some(500_000),
            schema: None,
        },
    };
    store.database.commit(Proposal::Create(create)).await.unwrap();
    for (known, rows) in [(5, 2), (6, 1)] {
        let mut columns: Vec<(&str, arrow_array::ArrayRef, bool)> = vec![
            ("number", Arc::new((0..rows).collect::<Int32Array>()), false),
            ("branch", Arc::new(StringArray::from_iter_values((0..rows).map(|_| "a"))), false),
        ];
        if known == 6 {
            columns.push(("open", Arc::new(arrow_array::BooleanArray::from(vec![true; 1])), true));
        }
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let put = Put {
            context: context.clone(),
            kind: PutKind::Full { cutoff: ValidTime::from_micros(day(known)).unwrap() },
            schema: batch.schema(),
            batches: vec![batch],
            options: PutOptions {
                recorded_at: SystemTime::from_micros(day(31 + known)),
                reason: Some(Reason::parse("month's end").unwrap()),
                idempotency_key: Some(IdempotencyKey::parse(&format!("put-{known}")).unwrap()),
                evolve: true,
                expected_rows: Some(u64::try_from(rows).unwrap()),
                positions: vec![Position {
                    source: "core".into(),
                    partition: "p0".into(),
                    epoch: 1,
                    from: 10 * (known - 1),
                    to: 10 * known,
                }],
                ..PutOptions::default()
            },
        };
        store.database.commit(Proposal::Put(Arc::new(put))).await.unwrap();
    }
    store
}

#[tokio::test]
async fn contexts_and_their_columns_are_listed() {
    let store = store().await;
    check(
        &store,
        &[
            (
                "SELECT context, mode, key, importing, max_retracted_ppm, schema_version, entries, newest_system_time, settled_to, \
                 watermark, newest_cutoff, positions FROM calotype.contexts",
                &[
                    "accounts|state|branch, number|true|500000|2|3|2024-02-06|2024-02-06|-|2024-01-06|1",
                    "loans|events|id|true|-|1|4|2024-02-03|2024-02-03|-|-|0",
                ],
            ),
            (
                "SELECT schema_version, column_name, position, data_type, nullable, key_position, known_from FROM \
                 calotype.schema_versions WHERE context = 'accounts'",
                &[
                    "1|number|1|int32|false|2|2024-02-05",
                    "1|branch|2|string|false|1|2024-02-05",
                    "2|number|1|int32|false|2|2024-02-06",
                    "2|branch|2|string|false|1|2024-02-06",
                    "2|open|3|bool|true|-|2024-02-06",
                ],
            ),
            (
                "SELECT schema_version, count(*), max(field_id) FROM calotype.schema_versions WHERE context = 'accounts' GROUP BY \
                 schema_version ORDER BY 1",
                &["1|2|2", "2|3|3"],
            ),
            (
                "SELECT context, source, partition, epoch, \"to\" FROM calotype.positions",
                &["accounts|core|p0|1|60"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_log_is_listed() {
    let store = store().await;
    check(
        &store,
        &[
            (
                "SELECT context, commit, entry, kind, system_time, cutoff, reason, idempotency_key, rows, asserted, retracted FROM \
                 calotype.entries WHERE kind <> 'create'",
                &[
                    "accounts|5|0|full|2024-02-05|2024-01-05|month's end|put-5|2|2|0",
                    "accounts|6|0|full|2024-02-06|2024-01-06|month's end|put-6|1|1|1",
                    "loans|1|0|facts|2024-02-01|-|-|-|3|3|0",
                    "loans|2|0|facts|2024-02-02|-|-|-|1|1|0",
                    "loans|3|0|facts|2024-02-03|-|-|-|2|1|1",
                ],
            ),
            ("SELECT context, kind FROM calotype.entries WHERE commit >= 2 AND commit < 5", &["accounts|create", "loans|facts", "loans|facts"]),
            (
                "SELECT context, cutoff, known_at, semantics, kind, revision, schema_version, rows, completeness, commit FROM \
                 calotype.snapshots",
                &[
                    "accounts|2024-01-05|2024-02-05|event_time|full|1|1|2|complete|5",
                    "accounts|2024-01-06|2024-02-06|event_time|full|1|2|1|complete|6",
                ],
            ),
            (
                "SELECT s.cutoff FROM calotype.snapshots AS s JOIN calotype.entries AS e ON s.snapshot = e.snapshot WHERE e.commit = 6",
                &["2024-01-06"],
            ),
            ("SELECT commit, entries, contexts FROM calotype.records WHERE commit > 3", &["4|1|accounts", "5|1|accounts", "6|1|accounts"]),
            ("SELECT count(*), count(DISTINCT hash) FROM calotype.records", &["7|7"]),
            // Each record names the one before.
            ("SELECT count(*) FROM calotype.records AS a JOIN calotype.records AS b ON a.hash = b.previous_hash AND a.commit + 1 = b.commit", &["6"]),
            ("SELECT commit FROM calotype.records WHERE commit IN (2, 4, 99)", &["2", "4"]),
            ("SELECT commit FROM calotype.records WHERE commit = -1 OR commit > 100", &[]),
            ("SELECT commit FROM calotype.records WHERE commit < -5", &[]),
            // Equalities over different columns are no list.
            ("SELECT max(commit) FROM calotype.entries WHERE commit = 5 OR entry = 0", &["6"]),
            ("SELECT commit FROM calotype.records ORDER BY commit DESC LIMIT 2", &["6", "5"]),
        ],
    )
    .await;
    let plan = store
        .engine
        .explain(&SqlRequest::new("SELECT hash FROM calotype.records WHERE commit BETWEEN 2 AND 4"))
        .await;
    let plan = plan.unwrap();
    assert!(plan.contains("commits=2..=4"), "{plan}");
}

#[tokio::test]
async fn at_a_set_system_time_what_was_known_then_is_listed() {
    let store = store().await;
    check(
        &store,
        &[
            (
                "SET calotype.system_time = '2024-02-05'; SELECT context, schema_version, entries, newest_system_time, newest_cutoff \
                 FROM calotype.contexts",
                &["accounts|1|2|2024-02-05|2024-01-05", "loans|1|4|2024-02-03|-"],
            ),
            (
                "SET calotype.system_time = '2024-02-02'; SELECT context, schema_version, newest_system_time FROM calotype.contexts \
                 WHERE context = 'loans'",
                &["loans|1|2024-02-02"],
            ),
            ("SET calotype.system_time = '2024-02-05'; SELECT \"to\" FROM calotype.positions", &["50"]),
            ("SET calotype.system_time = '2024-02-05'; SELECT count(*) FROM calotype.snapshots", &["1"]),
            ("SET calotype.system_time = '2024-02-05'; SELECT max(schema_version) FROM calotype.schema_versions", &["1"]),
            ("SET calotype.system_time = '2024-02-02'; SELECT count(*) FROM calotype.entries WHERE kind = 'facts'", &["2"]),
            // Records were written later than what they say was known.
            ("SET calotype.system_time = '2024-02-02'; SELECT count(*) FROM calotype.records", &["0"]),
            (
                "SET calotype.system_time = '2024-02-05'; SELECT column_name FROM information_schema.columns WHERE table_name = \
                 'accounts'",
                &["number", "branch"],
            ),
            // What the statement reads of contexts does not narrow it.
            ("SELECT count(*) FROM calotype.snapshots, (SELECT count(*) FROM loans)", &["2"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn names_are_listed_as_programs_look_for_them() {
    let store = store().await;
    check(
        &store,
        &[
            ("SELECT schema_name FROM information_schema.schemata", &["calotype", "information_schema", "public"]),
            (
                "SELECT table_catalog, table_name, table_type FROM information_schema.tables WHERE table_schema = 'public'",
                &["calotype|accounts|BASE TABLE", "calotype|loans|BASE TABLE"],
            ),
            (
                "SELECT column_name, ordinal_position, is_nullable, data_type, numeric_precision, numeric_scale FROM \
                 information_schema.columns WHERE table_schema = 'public' AND table_name = 'loans' ORDER BY ordinal_position",
                &["id|1|NO|bigint|-|-", "status|2|YES|text|-|-", "balance|3|YES|numeric|12|2"],
            ),
            (
                "CREATE TEMPORARY VIEW v AS SELECT id AS n FROM loans; CREATE TEMPORARY VIEW w AS SELECT column_name FROM \
                 information_schema.columns WHERE table_name = 'v'; CREATE TEMPORARY VIEW wrong AS SELECT x FROM loans; SELECT \
                 table_name, column_name FROM information_schema.columns WHERE table_name IN ('v', 'w', 'wrong') UNION ALL SELECT \
                 'w', column_name FROM w",
                &["v|n", "w|column_name", "w|n"],
            ),
            (
                "CREATE TEMPORARY VIEW v AS SELECT id AS n FROM loans; SELECT table_name, view_definition FROM \
                 information_schema.views",
                &["v|SELECT id AS n FROM loans"],
            ),
            (
                "SELECT routine_name, function_type FROM information_schema.routines WHERE routine_name IN ('history', 'sum', 'abs', \
                 'rank', 'random')",
                &["abs|SCALAR", "history|TABLE", "rank|WINDOW", "sum|AGGREGATE"],
            ),
            ("SELECT data_type FROM information_schema.columns WHERE table_name = 'records' AND column_name = 'wall_time'", &["timestamp with time zone"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn tables_and_columns_are_shown() {
    let store = store().await;
    check(
        &store,
        &[
            (
                "SHOW TABLES",
                &[
                    "public|accounts|BASE TABLE",
                    "public|loans|BASE TABLE",
                    "calotype|contexts|BASE TABLE",
                    "calotype|entries|BASE TABLE",
                    "calotype|positions|BASE TABLE",
                    "calotype|records|BASE TABLE",
                    "calotype|schema_versions|BASE TABLE",
                    "calotype|snapshots|BASE TABLE",
                ],
            ),
            // A view hides a context of its name.
            (
                "CREATE TEMPORARY VIEW accounts AS SELECT 1 AS x; SELECT table_name, table_type FROM information_schema.tables WHERE \
                 table_schema = 'public'",
                &["loans|BASE TABLE", "accounts|VIEW"],
            ),
            ("SHOW COLUMNS FROM loans", &["id|bigint|-|-|NO", "status|text|-|-|YES", "balance|numeric|12|2|YES"]),
            ("DESCRIBE accounts", &["number|integer|-|-|NO", "branch|text|-|-|NO", "open|boolean|-|-|YES"]),
            ("DESC calotype.positions;", &["context|text|-|-|YES", "source|text|-|-|YES", "partition|text|-|-|YES", "epoch|bigint|-|-|YES", "to|bigint|-|-|YES"]),
            ("CREATE TEMPORARY VIEW v AS SELECT id AS n FROM loans; DESCRIBE v", &["n|bigint|-|-|NO"]),
        ],
    )
    .await;
    check_refused(
        &store,
        &[
            ("SHOW COLUMNS FROM lonas", "did you mean 'loans'?"),
            ("DESCRIBE nothing", "no context"),
            ("DESCRIBE a.b.c", "expected a table's name"),
            ("SHOW TABLES LIKE 'l%'", "information_schema.tables"),
            ("SHOW FULL TABLES", "information_schema.tables"),
            ("SHOW COLUMNS", "information_schema"),
            ("SHOW DATABASES", "only read"),
            ("DESCRIBE SELECT 1", "only read"),
            ("SELECT * FROM calotype.contexts FOR SYSTEM_TIME AS OF '2024-02-01'", "not a context"),
        ],
    )
    .await;
}

/// Lets nobody read loans.
#[derive(Debug)]
struct NoLoans;

impl Policy for NoLoans {
    fn may_read(&self, principal: &Principal, context: &ContextName) -> Result<(), QueryError> {
        if context.as_str() == "loans" {
            return Err(QueryError::Denied { principal: principal.clone(), context: context.clone() });
        }
        Ok(())
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_left_out() {
    let mut store = store().await;
    let limits =
        Limits { memory_bytes_max: 256 << 20, spill_bytes_max: 1 << 20, spill_folder: std::env::temp_dir() };
    store.engine = SqlEngine::new(Arc::clone(&store.database), Arc::new(NoLoans), limits);
    check(
        &store,
        &[
            ("SELECT context FROM calotype.contexts", &["accounts"]),
            ("SELECT DISTINCT context FROM calotype.entries", &["accounts"]),
            ("SELECT DISTINCT context FROM calotype.schema_versions", &["accounts"]),
            ("SELECT sum(entries), count(*), max(contexts) FROM calotype.records", &["3|7|accounts"]),
            ("SELECT count(*) FROM information_schema.tables WHERE table_name = 'loans'", &["0"]),
            ("SELECT count(*) FROM information_schema.columns WHERE table_name = 'loans'", &["0"]),
        ],
    )
    .await;
    check_refused(
        &store,
        &[
            ("SELECT * FROM changes(loans)", "may not read"),
            ("SELECT * FROM history(loans)", "may not read"),
            ("SELECT * FROM diff(loans, from_valid_at => '2024-01-01')", "may not read"),
        ],
    )
    .await;
    // Nor is it named as what was perhaps meant.
    let error = store.ask("SELECT * FROM lonas").await.unwrap_err().to_string();
    assert!(!error.contains("did you mean"), "{error}");
}

#[tokio::test]
async fn parameters_reach_arguments() {
    let store = TestStore::loans().await;
    let mut request = SqlRequest::new(
        "SELECT balance FROM history($context, key => $1, known_at => $at) WHERE _system_to IS NULL",
    );
    request.parameters.positional = vec![crate::Value::Integer(3)];
    request.parameters.named = BTreeMap::from([
        ("context".to_owned(), crate::Value::Text("loans".into())),
        ("at".to_owned(), crate::Value::Text("2024-02-02".into())),
    ]);
    assert_eq!(store.request(&request).await.unwrap(), "300.00\n");
}
