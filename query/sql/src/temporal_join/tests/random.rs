//! Drawn inputs against a nested loop that looks at one instant after the other.

use datafusion::optimizer::OptimizerRule;

use super::*;

/// An instant after all that are drawn: what holds there holds for ever.
const FAR: i64 = 4_000;

/// `SplitMix64` (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % bound.unsigned_abs()).unwrap()
    }

    /// A period that is now and then open, empty, inverted or long.
    fn bounds(&mut self, instants: i64) -> Bounds {
        let from = self.below(instants);
        match self.below(20) {
            0 => (from, None),
            1 => (from, Some(from)),
            2 => (from, Some(from - 1 - self.below(3))),
            3 => (from, Some(from + 1 + self.below(instants))),
            _ => (from, Some(from + 1 + self.below(8))),
        }
    }

    fn facts(&mut self, rows: i64, keys: i64, instants: i64) -> Vec<Fact> {
        let rows = self.below(rows + 1);
        let mut facts: Vec<Fact> = Vec::new();
        for _ in 0..rows {
            let fact = Fact {
                k: Some(self.below(keys + 1)).filter(|&k| k < keys),
                g: [Some("a"), Some("a"), Some(""), None][usize::try_from(self.below(4)).unwrap()],
                valid: self.bounds(instants),
                system: self.bounds(instants),
            };
            facts.extend(std::iter::repeat_n(fact, if self.below(10) == 0 { 2 } else { 1 }));
        }
        facts
    }
}

fn holds((from, to): Bounds, at: i64) -> bool {
    from <= at && to.is_none_or(|to| at < to)
}

fn overlap(a: Bounds, b: Bounds) -> Option<Bounds> {
    let from = a.0.max(b.0);
    let to = [a.1, b.1].into_iter().flatten().min();
    to.is_none_or(|to| from < to).then_some((from, to))
}

/// The maximal periods in which the fact holds and no other of these does.
fn uncovered(left: Bounds, right: &[Bounds]) -> Vec<Bounds> {
    let mut pieces: Vec<Bounds> = Vec::new();
    let alone = |at: i64| holds(left, at) && !right.iter().any(|&other| holds(other, at));
    for at in left.0..left.1.unwrap_or(FAR + 1) {
        match (alone(at), pieces.last_mut()) {
            (true, Some((_, to))) if *to == Some(at) => *to = Some(at + 1),
            (true, _) => pieces.push((at, Some(at + 1))),
            (false, _) => {}
        }
    }
    if let Some((_, to)) = pieces.last_mut().filter(|(_, to)| *to == Some(FAR + 1)) {
        *to = None;
    }
    pieces
}

/// The answer by definition.
fn naive(left: &[Fact], right: &[Fact], axes: Axes, kind: Kind) -> Vec<Row> {
    let periods = |fact: &Fact| match axes {
        Axes::Valid => vec![fact.valid],
        Axes::System => vec![fact.system],
        Axes::Both => vec![fact.valid, fact.system],
    };
    let mut rows = Vec::new();
    for (l, a) in (0..).zip(left) {
        let row = |r, periods| Row { k: a.k, g: a.g.map(str::to_owned), l, r, periods };
        let mut covered = Vec::new();
        for (r, b) in (0..).zip(right) {
            if a.k.is_none() || a.g.is_none() || (a.k, a.g) != (b.k, b.g) {
                continue;
            }
            let shared: Option<Vec<Bounds>> =
                periods(a).into_iter().zip(periods(b)).map(|(a, b)| overlap(a, b)).collect();
            let not_empty =
                |fact: &Fact| periods(fact).iter().all(|&period| overlap(period, period).is_some());
            if let Some(shared) = shared.filter(|_| not_empty(a) && not_empty(b)) {
                covered.push(shared[0]);
                rows.push(row(Some(r), shared));
            }
        }
        if kind == Kind::Left {
            rows.extend(uncovered(periods(a)[0], &covered).into_iter().map(|piece| row(None, vec![piece])));
        }
    }
    rows.sort();
    rows
}

/// Compares all kinds and axes, and checks the order the plan promises.
async fn check(left: &[Fact], right: &[Fact], batch_rows: usize, seed: u64) {
    let context = session_of(left, right, batch_rows);
    for (axes, kind) in [
        (Axes::Valid, Kind::Inner),
        (Axes::System, Kind::Inner),
        (Axes::Both, Kind::Inner),
        (Axes::Valid, Kind::Left),
        (Axes::System, Kind::Left),
    ] {
        let mut found = rows(&context, &sql(axes, kind)).await;
        let case = format!("seed {seed}, batches of {batch_rows}, {axes}, {kind}, {left:?}, {right:?}");
        let place = |row: &Row| {
            let begin = if kind == Kind::Inner { row.periods[0].0 } else { 0 };
            (row.k.is_none(), row.k, row.g.is_none(), row.g.clone(), begin)
        };
        assert!(found.is_sorted_by_key(place), "{case}: not in order: {found:?}");
        found.sort();
        let expected = naive(left, right, axes, kind);
        assert!(found == expected, "{case}\nfound {found:?}\nexpected {expected:?}");
    }
}

#[tokio::test]
async fn small_inputs_join_as_a_nested_loop_says() {
    for seed in 0..40 {
        let mut draw = Draw(seed);
        let (left, right) = (draw.facts(30, 3, 20), draw.facts(30, 3, 20));
        for batch_rows in [1, 3, 8_192] {
            check(&left, &right, batch_rows, seed).await;
        }
    }
}

#[tokio::test]
async fn one_key_with_many_pieces_joins_as_a_nested_loop_says() {
    for seed in 100..104 {
        let mut draw = Draw(seed);
        let (left, right) = (draw.facts(900, 1, 300), draw.facts(900, 1, 300));
        for batch_rows in [3, 8_192] {
            check(&left, &right, batch_rows, seed).await;
        }
    }
}

#[tokio::test]
async fn predicates_pushed_down_change_no_answer() {
    let predicates = [
        "k = 1",
        "g IS NULL",
        "k IS NULL",
        "l > 5",
        "r > 5",
        "r IS NULL",
        "l < r",
        "k = 1 AND r = 2",
        "k + l > 3",
        "k + r > 3",
        "l > 3 OR r > 3",
        "_valid_from > to_timestamp_micros(5)",
        "k = 0 AND _valid_to IS NULL",
    ];
    for seed in 200..204 {
        let mut draw = Draw(seed);
        let (left, right) = (draw.facts(40, 2, 20), draw.facts(40, 2, 20));
        let context = session_of(&left, &right, 8_192);
        let without = session_of(&left, &right, 8_192);
        assert!(without.remove_optimizer_rule(PushDownTemporalJoinFilter.name()));
        for kind in [Kind::Inner, Kind::Left] {
            for predicate in predicates {
                let sql = format!("{} AS j WHERE {predicate}", sql(Axes::Valid, kind));
                let (mut found, mut expected) = (rows(&context, &sql).await, rows(&without, &sql).await);
                found.sort();
                expected.sort();
                assert_eq!(found, expected, "seed {seed}, {sql}, {left:?}, {right:?}");
            }
        }
    }
}
