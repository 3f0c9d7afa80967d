//! `temporal_join` and `temporal_aggregate` by lot, worked out over elementary periods.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use calotype_oracle::{Period, Seed};

use super::aggregate::Aggregate;
use super::predicate::{Predicate, pick};
use super::relation::{Column, Relation};
use super::sources::{self, PERIODS};
use super::value::{Row, Value};
use super::world::World;

const VALID: [&str; 2] = [PERIODS[0], PERIODS[1]];
const SYSTEM: [&str; 2] = [PERIODS[2], PERIODS[3]];

/// A query over a context whose rows have periods.
struct Input {
    relation: Relation,
    predicate: Option<Predicate>,
    rows: Vec<Row>,
    /// Columns that come, each with its name in the query.
    picked: Vec<(usize, String)>,
}

impl Input {
    fn random(world: &World, seed: &mut Seed, picked: Vec<(usize, String)>) -> Self {
        let relation = sources::context(world, seed);
        let predicate =
            seed.percent(50).then(|| Predicate::random(seed, &relation.columns, &relation.rows, 1));
        let passes = |row: &&Row| predicate.as_ref().is_none_or(|p| p.holds(row) == Some(true));
        let rows = relation.rows.iter().filter(passes).cloned().collect();
        Self { relation, predicate, rows, picked }
    }

    fn columns(&self) -> String {
        let column =
            |(place, name): &(usize, String)| format!("{} AS {name}", self.relation.columns[*place].name);
        self.picked.iter().map(column).collect::<Vec<_>>().join(", ")
    }

    fn filter(&self) -> String {
        self.predicate.as_ref().map_or_else(|| "true".into(), |p| p.plain(&self.relation.columns))
    }

    /// The query with some periods.
    fn plain(&self, periods: &[[&str; 2]]) -> String {
        let periods = periods.concat().join(", ");
        format!("SELECT {}, {periods} FROM {} WHERE {}", self.columns(), self.relation.plain(), self.filter())
    }

    /// The same with its rows in another order.
    fn reordered(&self, periods: &[[&str; 2]]) -> String {
        format!("{} ORDER BY {} DESC, 1 DESC", self.plain(periods), periods[0][0])
    }

    /// The same with each period parted at an instant.
    fn split(&self, [begin, end]: [&str; 2], at: i64) -> String {
        let (columns, from, filter) = (self.columns(), self.relation.plain(), self.filter());
        let at = Value::Time(at).literal();
        format!(
            "SELECT {columns}, {begin}, CASE WHEN {end} IS NULL OR {end} > {at} THEN {at} ELSE {end} END AS {end} FROM {from} \
             WHERE ({filter}) AND {begin} < {at} UNION ALL SELECT {columns}, CASE WHEN {begin} < {at} THEN {at} ELSE {begin} \
             END AS {begin}, {end} FROM {from} WHERE ({filter}) AND ({end} IS NULL OR {end} > {at})"
        )
    }

    fn period(&self, row: &Row, [begin, end]: [&str; 2]) -> Period {
        let bound = |name: &str| match &row[self.relation.place(name)] {
            Value::Time(at) => Some(*at),
            _ => None,
        };
        Period::new(bound(begin).unwrap(), bound(end)).unwrap()
    }
}

/// A statement in several spellings, which have one answer.
pub(super) struct Spellings {
    pub(super) texts: Vec<String>,
    pub(super) expected: Vec<Row>,
}

fn ends(period: Period) -> [Value; 2] {
    [Value::Time(period.from()), period.to().map_or(Value::Null, Value::Time)]
}

fn places(columns: &[Column], names: &[String]) -> Vec<usize> {
    names.iter().map(|name| columns.iter().position(|column| column.name == *name).unwrap()).collect()
}

/// What several periods are cut into, with the periods that hold there; joined where `label` stays the same.
fn swept<T: PartialEq>(periods: &[Period], label: impl Fn(&[usize]) -> Option<T>) -> Vec<(Period, T)> {
    let bounds: BTreeSet<i64> =
        periods.iter().flat_map(|period| [Some(period.from()), period.to()]).flatten().collect();
    let bounds: Vec<i64> = bounds.into_iter().collect();
    let mut swept: Vec<(Period, T)> = Vec::new();
    for (place, from) in bounds.iter().enumerate() {
        let holding: Vec<usize> = (0..periods.len()).filter(|at| periods[*at].holds(*from)).collect();
        let Some(label) = label(&holding) else { continue };
        let to = bounds.get(place + 1).copied();
        match swept.last_mut() {
            Some((last, same)) if last.to() == Some(*from) && *same == label => {
                *last = Period::new(last.from(), to).unwrap();
            }
            _ => swept.push((Period::new(*from, to).unwrap(), label)),
        }
    }
    swept
}

/// A `temporal_aggregate` by lot.
pub(super) fn aggregate(world: &World, seed: &mut Seed) -> Spellings {
    let declared = 0..world.columns.len();
    let picked = declared.map(|place| (place, world.columns[place].name.clone())).collect();
    let input = Input::random(world, seed, picked);
    let names: Vec<String> = world.columns.iter().map(|column| column.name.clone()).collect();
    let mut by: Vec<String> = (0..seed.below(3)).map(|_| pick(seed, &names)).collect();
    by.dedup();
    let calls: Vec<Aggregate> =
        (0..=seed.below(3)).map(|_| Aggregate::random(seed, &world.columns, false)).collect();
    let system = seed.percent(35);
    let axis = if system { SYSTEM } else { VALID };
    let mut arguments = String::new();
    if !by.is_empty() {
        arguments.push_str(&format!(", by => {}", list(&by)));
    }
    if system {
        arguments.push_str(", period => 'system'");
    }
    for (place, call) in calls.iter().enumerate() {
        arguments.push_str(&format!(", x{place} => {}", call.text(&world.columns)));
    }
    let by = places(&world.columns, &by);
    let mut groups: BTreeMap<Row, Vec<&Row>> = BTreeMap::new();
    for row in &input.rows {
        groups.entry(by.iter().map(|place| row[*place].clone()).collect()).or_default().push(row);
    }
    let mut expected = Vec::new();
    for (group, rows) in groups {
        let periods: Vec<Period> = rows.iter().map(|row| input.period(row, axis)).collect();
        let told = swept(&periods, |holding| {
            let rows: Vec<&Row> = holding.iter().map(|at| rows[*at]).collect();
            (!rows.is_empty()).then(|| calls.iter().map(|call| call.over(&rows)).collect::<Row>())
        });
        expected.extend(
            told.into_iter().map(|(period, values)| [group.as_slice(), &values, &ends(period)].concat()),
        );
    }
    let at = if system { pick(seed, &world.known) } else { pick(seed, &world.valid) };
    let sources = [input.plain(&[axis]), input.reordered(&[axis]), input.split(axis, at)];
    let texts = sources
        .iter()
        .map(|source| format!("SELECT * FROM temporal_aggregate(({source}){arguments})"))
        .collect();
    Spellings { texts, expected }
}

fn list(names: &[String]) -> String {
    match names {
        [one] => format!("'{one}'"),
        _ => format!("[{}]", names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")),
    }
}

/// A `temporal_join` by lot.
pub(super) fn join(world: &World, seed: &mut Seed) -> Spellings {
    let keys: Vec<String> = world.key().into_iter().map(|column| column.name).collect();
    let on: Vec<String> = match seed.below(4) {
        0 => vec!["status".into()],
        1 => vec!["since".into(), "flag".into()],
        2 => keys[..1].to_vec(),
        _ => keys,
    };
    let on_places = places(&world.columns, &on);
    let mut side = |prefix: &str| {
        let mut picked: Vec<(usize, String)> = on_places.iter().copied().zip(on.iter().cloned()).collect();
        for name in ["status", "amount", "n"] {
            if seed.percent(70) {
                picked.push((places(&world.columns, &[name.to_owned()])[0], format!("{prefix}_{name}")));
            }
        }
        Input::random(world, seed, picked)
    };
    let (left, right) = (side("l"), side("r"));
    let (axes, words): (Vec<[&str; 2]>, &str) = match seed.below(3) {
        0 => (vec![VALID], ""),
        1 => (vec![SYSTEM], ", period => 'system'"),
        _ => (vec![VALID, SYSTEM], ", period => 'both'"),
    };
    let outer = axes.len() == 1 && seed.percent(50);
    let kind = if outer { ", kind => 'left'" } else { "" };
    let same = |a: &Row, b: &Row| {
        on_places.iter().all(|place| a[*place].compare(&b[*place]) == Some(Ordering::Equal))
    };
    let rest = |input: &Input, row: &Row| -> Row {
        input.picked[on.len()..].iter().map(|(place, _)| row[*place].clone()).collect()
    };
    let nothing = vec![Value::Null; right.picked.len() - on.len()];
    let mut expected: Vec<Row> = Vec::new();
    for a in &left.rows {
        let key: Row = on_places.iter().map(|place| a[*place].clone()).collect();
        let matches: Vec<&Row> = right.rows.iter().filter(|b| same(a, b)).collect();
        for b in &matches {
            let overlaps: Option<Vec<Value>> = axes
                .iter()
                .map(|axis| {
                    let (a, b) = (left.period(a, *axis), right.period(b, *axis));
                    let to = [a.to(), b.to()].into_iter().flatten().min();
                    Period::new(a.from().max(b.from()), to).map(ends)
                })
                .collect::<Option<Vec<_>>>()
                .map(|all| all.concat());
            if let Some(overlaps) = overlaps {
                expected.push([key.as_slice(), &rest(&left, a), &rest(&right, b), &overlaps].concat());
            }
        }
        if outer {
            let mut periods = vec![left.period(a, axes[0])];
            periods.extend(matches.iter().map(|b| right.period(b, axes[0])));
            for (period, ()) in swept(&periods, |holding| (holding == [0]).then_some(())) {
                expected.push([key.as_slice(), &rest(&left, a), &nothing, &ends(period)].concat());
            }
        }
    }
    let text = |left: String, right: String| {
        format!("SELECT * FROM temporal_join(({left}), ({right}), on => {}{words}{kind})", list(&on))
    };
    let texts = vec![
        text(left.plain(&axes), right.plain(&axes)),
        text(left.reordered(&axes), right.reordered(&axes)),
    ];
    let mut spellings = Spellings { texts, expected };
    if axes.len() == 1 {
        spellings.coalesce(world, seed, (&left, &right), axes[0], text);
    }
    spellings
}

impl Spellings {
    /// Splits the periods of both sides: coalesced again, the answer is that of whole periods coalesced.
    fn coalesce(
        &mut self,
        world: &World,
        seed: &mut Seed,
        (left, right): (&Input, &Input),
        axis: [&str; 2],
        text: impl Fn(String, String) -> String,
    ) {
        if seed.percent(60) {
            return;
        }
        let at = if axis == VALID { pick(seed, &world.valid) } else { pick(seed, &world.known) };
        let mut names: Vec<String> = left.picked.iter().map(|(_, name)| name.clone()).collect();
        names.extend(right.picked.iter().map(|(_, name)| name.clone()).filter(|name| name.starts_with("r_")));
        let period = if axis == VALID { "" } else { ", period => 'system'" };
        let coalesced = |query: String| {
            format!(
                "SELECT * FROM temporal_aggregate(({query}), by => {}{period}, rows => count(*))",
                list(&names)
            )
        };
        let mut groups: BTreeMap<Row, Vec<Period>> = BTreeMap::new();
        for row in &self.expected {
            let (group, ends) = row.split_at(row.len() - 2);
            let [Value::Time(from), to] = ends else { panic!("a period is {ends:?}") };
            let to = if let Value::Time(to) = to { Some(*to) } else { None };
            groups.entry(group.to_vec()).or_default().push(Period::new(*from, to).unwrap());
        }
        self.expected = groups
            .iter()
            .flat_map(|(group, periods)| {
                let told = swept(periods, |holding| (!holding.is_empty()).then_some(holding.len()));
                told.into_iter().map(move |(period, count)| {
                    let count = [Value::Int(i64::try_from(count).unwrap())];
                    [group.as_slice(), &count, &ends(period)].concat()
                })
            })
            .collect();
        self.texts = vec![
            coalesced(self.texts[0].clone()),
            coalesced(text(left.split(axis, at), right.split(axis, at))),
        ];
    }
}
