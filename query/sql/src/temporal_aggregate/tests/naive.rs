//! Random tables against an obvious evaluator: `DataFusion`'s own aggregates at every instant at which anything
//! changes, and then equal neighbours joined.

use arrow_array::{
    BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int64Array,
    StringArray, UInt8Array,
};

use super::*;

/// Numbers from a seed (xorshift64, G. Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap() % limit
    }

    fn nullable<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(5) > 0).then(|| value(self))
    }
}

/// What is computed, in the words of both.
const AGGREGATES: &[&str] = &[
    "count(*)",
    "count(i)",
    "count(s) FILTER (WHERE i > 0)",
    "sum(i)",
    "sum(u)",
    "sum(d)",
    "sum(wide)",
    "sum(f)",
    "sum(r)",
    "sum(i * 2 + u)",
    "avg(i)",
    "avg(u)",
    "avg(d)",
    "avg(wide)",
    "avg(f)",
    "min(i)",
    "max(u)",
    "min(d)",
    "max(wide)",
    "min(f)",
    "max(r)",
    "min(s)",
    "max(s)",
    "max(b)",
    "min(day)",
    "max(_valid_from)",
    "min(upper(s))",
    "min(arrow_cast(s, 'Utf8View'))",
    "max(arrow_cast(s, 'Dictionary(Int8, Utf8)'))",
    "max(arrow_cast(s, 'Binary'))",
    "max(arrow_cast(_valid_from, 'Timestamp(us, \"UTC\")'))",
    "sum(arrow_cast(u, 'Decimal32(5, 1)'))",
    "avg(arrow_cast(u, 'Decimal64(9, 1)'))",
    "min(NULL)",
];

/// Facts with few instants and few values, so that they touch, overlap and repeat often.
fn table(random: &mut Random, rows: usize, instants_to: i64) -> RecordBatch {
    let mut groups = Vec::new();
    let mut columns: [Vec<Option<i64>>; 3] = Default::default();
    let [from, to, small] = &mut columns;
    let (mut text, mut flags) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        groups.push(random.nullable(|random| ["a", "b", "ab"][usize::try_from(random.below(3)).unwrap()]));
        let begin = random.below(instants_to) - instants_to / 2;
        from.push(Some(begin));
        to.push(random.nullable(|random| begin + random.below(6) - 1));
        small.push(random.nullable(|random| random.below(7) - 3));
        text.push(random.nullable(|random| "xyzzy"[..usize::try_from(random.below(4)).unwrap()].to_owned()));
        flags.push(random.nullable(|random| random.below(2) == 0));
    }
    let [from, to, small] = columns;
    let mut numbers = || (0..rows).map(|_| random.nullable(|random| random.below(9))).collect::<Vec<_>>();
    let (bytes, decimals, floats, days) = (numbers(), numbers(), numbers(), numbers());
    #[expect(clippy::cast_precision_loss, reason = "small numbers: every sum is exact in any order")]
    let float = |value: i64| (value - 4) as f64 / 8.0;
    let decimal = |scale, factor: i128| {
        let values = decimals.iter().map(|value| value.map(|value| factor * i128::from(value - 4)));
        values.collect::<Decimal128Array>().with_precision_and_scale(20, scale).unwrap()
    };
    let map = |values: &[Option<i64>]| values.iter().map(|value| value.map(float)).collect::<Vec<_>>();
    #[expect(clippy::cast_possible_truncation, reason = "eighths")]
    let singles =
        map(&floats).into_iter().map(|value| value.map(|value| value as f32)).collect::<Float32Array>();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("g", Arc::new(StringArray::from(groups))),
        ("_valid_from", instants(from)),
        ("_valid_to", instants(to)),
        ("i", Arc::new(small.iter().map(|v| v.map(|v| i16::try_from(v).unwrap())).collect::<Int16Array>())),
        ("u", Arc::new(bytes.iter().map(|v| v.map(|v| u8::try_from(v).unwrap())).collect::<UInt8Array>())),
        ("d", Arc::new(decimal(2, 37))),
        ("big", Arc::new(decimal(3, 10_i128.pow(17) + 1))),
        ("f", Arc::new(Float64Array::from(map(&floats)))),
        ("r", Arc::new(singles)),
        ("s", Arc::new(StringArray::from(text))),
        ("b", Arc::new(BooleanArray::from(flags))),
        ("day", Arc::new(days.iter().map(|v| v.map(|v| i32::try_from(v).unwrap())).collect::<Date32Array>())),
    ];
    let columns = columns.into_iter().map(|(name, column)| (name, column, name != "_valid_from"));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// The answer of the obvious evaluator: each row the group (if asked for), the aggregates, begin and end.
async fn naive(
    context: &SessionContext,
    grouped: bool,
    aggregates: &[&str],
    points: &[i64],
) -> Vec<Vec<String>> {
    let column = Arc::new(Int64Array::from(points.to_vec())) as ArrayRef;
    let table = RecordBatch::try_from_iter([("p", column)]).unwrap();
    context.deregister_table("points").unwrap();
    register(context, "points", vec![table], &[]);
    let group = if grouped { "g, " } else { "" };
    let sql = format!(
        "SELECT p, {group}{} FROM points JOIN s ON cast(_valid_from AS bigint) <= p
         AND (_valid_to IS NULL OR cast(_valid_to AS bigint) > p) GROUP BY {group}p ORDER BY {group}p",
        aggregates.join(", ")
    );
    let mut joined: Vec<Vec<String>> = Vec::new();
    for mut row in rows(context, &sql).await.unwrap() {
        let begin = row.remove(0);
        let place = points.binary_search(&begin.parse().unwrap()).unwrap();
        let end = points.get(place + 1).map_or_else(|| "-".to_owned(), ToString::to_string);
        match joined.last_mut() {
            Some(last) if last[..row.len()] == row && last[row.len() + 1] == begin => {
                last[row.len() + 1] = end;
            }
            _ => {
                row.extend([begin, end]);
                joined.push(row);
            }
        }
    }
    joined
}

async fn check(random: &mut Random, batch_size: usize, rows_in_all: usize, grouped: bool, few: usize) {
    let batch = table(random, rows_in_all, 3 * i64::try_from(rows_in_all).unwrap() / 4 + 2);
    let context = session(batch_size);
    let mut points = Vec::new();
    for name in ["_valid_from", "_valid_to"] {
        let column = batch.column_by_name(name).unwrap();
        let column = column.as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap();
        points.extend(column.iter().flatten());
    }
    points.sort_unstable();
    points.dedup();
    register(&context, "t", vec![batch], &[]);
    context
        .sql("CREATE VIEW s AS SELECT *, cast(big AS decimal(60, 5)) AS wide FROM t")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();

    let start = usize::try_from(random.below(i64::try_from(AGGREGATES.len()).unwrap())).unwrap();
    let aggregates: Vec<&str> = AGGREGATES.iter().cycle().skip(start).take(few).copied().collect();
    let named = aggregates.iter().enumerate().map(|(i, aggregate)| format!("a{i} => {aggregate}"));
    let results = (0..few).map(|i| format!("a{i}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {}{results}, cast(_valid_from AS bigint) AS f, cast(_valid_to AS bigint) AS u
         FROM temporal_aggregate((SELECT * FROM s), {}{})",
        if grouped { "g, " } else { "" },
        if grouped { "by => 'g', " } else { "" },
        named.collect::<Vec<_>>().join(", "),
    );
    let found = rows(&context, &sql).await.unwrap();
    let expected = naive(&context, grouped, &aggregates, &points).await;
    assert_eq!(found, expected, "{rows_in_all} rows, batches of {batch_size}: {aggregates:?}");
}

#[tokio::test]
async fn random_tables_are_answered_as_by_the_obvious_evaluator() {
    let mut random = Random(0x1234_5678_9abc_def1);
    for round in 0..40 {
        for batch_size in [1, 3, 8_192] {
            let rows_in_all = usize::try_from(random.below(25)).unwrap();
            check(&mut random, batch_size, rows_in_all, round % 2 == 0, 1 + round % 4).await;
        }
    }
    for batch_size in [3, 8_192] {
        check(&mut random, batch_size, 150, true, AGGREGATES.len()).await;
        check(&mut random, batch_size, 150, false, AGGREGATES.len()).await;
    }
}

#[tokio::test]
async fn results_have_the_types_of_datafusions_own_aggregates() {
    let context = session(8_192);
    register(&context, "t", vec![table(&mut Random(7), 5, 9)], &[]);
    context
        .sql("CREATE VIEW s AS SELECT *, cast(big AS decimal(60, 5)) AS wide FROM t")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    for aggregate in AGGREGATES {
        let ours = format!("SELECT a FROM temporal_aggregate((SELECT * FROM s), a => {aggregate})");
        let theirs = format!("SELECT {aggregate} AS a FROM s");
        let mut fields = Vec::new();
        for sql in [ours, theirs] {
            fields.push(context.sql(&sql).await.unwrap().schema().field(0).clone());
        }
        assert_eq!(fields[0], fields[1], "{aggregate}");
    }
}
