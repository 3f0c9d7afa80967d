//! Relations by lot: every temporal form of a context, with the rows that the oracle says it has.

use calotype_oracle::{Piece, Seed, TimeRange};

use super::predicate::{any, pick};
use super::relation::{Column, Kind, Relation};
use super::value::{Row, Value};
use super::world::World;

pub(super) const PERIODS: [&str; 4] = ["_valid_from", "_valid_to", "_system_from", "_system_to"];

fn time(micros: Option<i64>) -> Value {
    micros.map_or(Value::Null, Value::Time)
}

/// One axis: what is written, which instants it names, what it means.
struct Axis {
    text: String,
    instants: Vec<i64>,
    range: Option<TimeRange>,
}

impl Axis {
    fn random(seed: &mut Seed, instants: &[i64], ranges: bool) -> Self {
        let (a, b) = (pick(seed, instants), pick(seed, instants));
        let (from, to) = (a.min(b), a.max(b));
        let (text, instants, range) = match seed.below(100) {
            0..20 => ("", vec![], None),
            20..40 if ranges && from < to => {
                ("FROM {} TO {}", vec![from, to], Some(TimeRange::FromTo { from, to }))
            }
            40..55 if ranges => ("BETWEEN {} AND {}", vec![from, to], Some(TimeRange::Between { from, to })),
            55..75 if ranges => ("ALL", vec![], Some(TimeRange::All)),
            _ => ("AS OF {}", vec![a], Some(TimeRange::At(a))),
        };
        Self { text: text.into(), instants, range }
    }

    fn clause(&self, axis: &str, first: usize) -> String {
        let mut text = self.text.clone();
        for place in 0..self.instants.len() {
            text = text.replacen("{}", &format!("{{{}}}", first + place), 1);
        }
        match (text.as_str(), axis) {
            ("", _) => String::new(),
            // The standard's other spelling.
            ("ALL", axis) if first % 2 == 1 => format!(" FOR ALL {axis}"),
            (text, axis) => format!(" FOR {axis} {text}"),
        }
    }
}

/// System times that statements may name: of the entries with rows, and beside them.
fn system_instants(world: &World) -> Vec<i64> {
    let beside = |(place, at): (usize, &i64)| {
        if place == 0 { vec![*at, at + 1] } else { vec![at - 1, *at, at + 1] }
    };
    world.known.iter().enumerate().flat_map(beside).collect()
}

fn with_periods(world: &World) -> Vec<Column> {
    let periods = PERIODS.iter().map(|name| Column::new(*name, Kind::Time));
    world.columns.iter().cloned().chain(periods).collect()
}

/// A piece as a row of a range: declared columns and both periods.
fn with_times(world: &World, piece: &Piece<Row, Row>) -> Row {
    let mut row = world.declared(&piece.key, Some(&piece.value));
    row.extend([
        Value::Time(piece.valid_from),
        time(piece.valid_to),
        Value::Time(piece.system_from),
        time(piece.system_to),
    ]);
    row
}

/// The context with clauses.
pub(super) fn context(world: &World, seed: &mut Seed) -> Relation {
    context_over(world, seed, true)
}

fn context_over(world: &World, seed: &mut Seed, ranges: bool) -> Relation {
    let valid = Axis::random(seed, &world.valid, ranges);
    let system = Axis::random(seed, &system_instants(world), ranges);
    let (first, second) = (("VALID_TIME", &valid), ("SYSTEM_TIME", &system));
    let clauses = if seed.percent(50) { [first, second] } else { [second, first] };
    let instants: Vec<i64> = clauses.iter().flat_map(|(_, axis)| axis.instants.clone()).collect();
    let mut from = world.table.clone();
    let mut place = 0;
    for (name, axis) in clauses {
        from.push_str(&axis.clause(name, place));
        place += axis.instants.len();
    }
    let range = |axis: &Axis| axis.range.unwrap_or(TimeRange::At(world.now()));
    let rows = world.pieces(range(&valid), range(&system)).into_iter().map(|piece| with_times(world, &piece));
    let rows = rows.collect();
    let mut bare = None;
    if clauses.iter().all(|(_, axis)| matches!(axis.range, None | Some(TimeRange::At(_)))) {
        let set = |(name, axis): &(&str, &Axis)| {
            axis.instants.iter().fold(String::new(), |_, at| {
                let at = super::value::instant(*at);
                format!("SET calotype.{} = '{at}'; ", name.to_lowercase())
            })
        };
        bare = Some((clauses.iter().map(set).collect(), world.table.clone()));
    }
    Relation { from, instants, columns: with_periods(world), rows, bare }
}

fn known_at(world: &World, seed: &mut Seed) -> Option<i64> {
    seed.percent(60).then(|| pick(seed, &system_instants(world)))
}

/// `history`, in either form.
pub(super) fn history(world: &World, seed: &mut Seed) -> Relation {
    let known = known_at(world, seed);
    let facts = seed.percent(50);
    let one = seed.percent(30);
    let key: Option<Row> = {
        let keys: Vec<&Row> = world.facts().map(|fact| &fact.key).collect();
        (one && !keys.is_empty()).then(|| (*keys[any(seed, keys.len())]).clone())
    };
    let mut from = format!("history('{}'", world.table.trim_matches('"'));
    if let Some(key) = &key {
        let values: Vec<String> = key.iter().map(Value::literal).collect();
        if values.len() == 1 && seed.percent(50) {
            from.push_str(&format!(", key => {}", values[0]));
        } else {
            from.push_str(&format!(", key => [{}]", values.join(", ")));
        }
    }
    if facts {
        from.push_str(", form => 'facts'");
    } else if seed.percent(30) {
        from.push_str(", form => 'rectangles'");
    }
    if known.is_some() {
        from.push_str(", known_at => {0}");
    }
    from.push(')');
    let system = known.unwrap_or(world.now());
    let asked = |of: &Row| key.as_ref().is_none_or(|key| key == of);
    let mut columns = with_periods(world);
    let rows = if facts {
        columns.push(Column::new("_op", Kind::Text));
        facts_between(world, i64::MIN, system, asked)
    } else {
        let all = world.pieces(TimeRange::All, TimeRange::Between { from: i64::MIN, to: system });
        let asked = all.into_iter().filter(|piece| asked(&piece.key));
        asked.map(|piece| with_times(world, &piece)).collect()
    };
    Relation { from, instants: known.into_iter().collect(), columns, rows, bare: None }
}

/// The facts that became known after one instant and not after another.
fn facts_between(world: &World, after: i64, until: i64, asked: impl Fn(&Row) -> bool) -> Vec<Row> {
    let known = |system: i64| after < system && system <= until;
    let facts = world.facts().filter(|fact| known(fact.system) && asked(&fact.key));
    facts
        .map(|fact| {
            let mut row = world.declared(&fact.key, fact.value.as_ref());
            let op = if fact.value.is_some() { "assert" } else { "retract" };
            row.extend([
                Value::Time(fact.valid_from),
                time(fact.valid_to),
                Value::Time(fact.system),
                Value::Null,
                Value::Text(op.into()),
            ]);
            row
        })
        .collect()
}

/// `changes`.
pub(super) fn changes(world: &World, seed: &mut Seed) -> Relation {
    let (a, b) = (known_at(world, seed), known_at(world, seed));
    let (since, until) = match (a, b) {
        (Some(a), Some(b)) => (Some(a.min(b)), Some(a.max(b))),
        // What is asked about ends at the settled time, that of the last entry.
        (Some(a), None) => (Some(a.min(world.known[world.known.len() - 1])), None),
        other => other,
    };
    let mut from = format!("changes({}", world.table);
    let mut instants = Vec::new();
    for (name, at) in [("since_known_at", since), ("until_known_at", until)] {
        if let Some(at) = at {
            from.push_str(&format!(", {name} => {{{}}}", instants.len()));
            instants.push(at);
        }
    }
    from.push(')');
    let mut columns = with_periods(world);
    columns.push(Column::new("_op", Kind::Text));
    let rows = facts_between(world, since.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX), |_| true);
    Relation { from, instants, columns, rows, bare: None }
}

/// `diff`.
pub(super) fn diff(world: &World, seed: &mut Seed) -> Relation {
    let mut from = format!("diff({}", world.table);
    let mut instants = Vec::new();
    let mut points = [(world.now(), world.now()); 2];
    let systems = system_instants(world);
    for (name, point) in ["from", "to"].into_iter().zip(&mut points) {
        if seed.percent(80) || name == "to" {
            point.0 = pick(seed, &world.valid);
            from.push_str(&format!(", {name}_valid_at => {{{}}}", instants.len()));
            instants.push(point.0);
        }
        if seed.percent(70) {
            point.1 = pick(seed, &systems);
            from.push_str(&format!(", {name}_known_at => {{{}}}", instants.len()));
            instants.push(point.1);
        }
    }
    from.push(')');
    let [before, after] = points.map(|(valid, system)| world.state(valid, system));
    let mut rows = Vec::new();
    let mut tell = |change: &str, key: &Row, content: &Row| {
        let mut row = vec![Value::Text(change.into())];
        row.extend(world.declared(key, Some(content)));
        rows.push(row);
    };
    for (key, content) in &before {
        match after.get(key) {
            None => tell("removed", key, content),
            Some(other) if other != content => {
                tell("changed_from", key, content);
                tell("changed_to", key, other);
            }
            Some(_) => {}
        }
    }
    for (key, content) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        tell("added", key, content);
    }
    let mut columns = vec![Column::new("_change", Kind::Text)];
    columns.extend(world.columns.iter().cloned());
    Relation { from, instants, columns, rows, bare: None }
}

/// The context joined with itself at another instant, by key or by a column that may be null.
pub(super) fn join(world: &World, seed: &mut Seed) -> Relation {
    let (left, right) = (context(world, seed), context(world, seed));
    let on: Vec<Column> = match seed.below(3) {
        0 => vec![Column::new("status", Kind::Text)],
        1 => world.key()[..1].to_vec(),
        _ => world.key(),
    };
    let outer = seed.percent(40);
    let mut right_from = right.from.clone();
    for place in (0..right.instants.len()).rev() {
        right_from =
            right_from.replace(&format!("{{{place}}}"), &format!("{{{}}}", place + left.instants.len()));
    }
    let conditions: Vec<String> = on.iter().map(|column| format!("a.{0} = b.{0}", column.name)).collect();
    let from = format!(
        "{} AS a {}JOIN {right_from} AS b ON {}",
        left.from,
        if outer { "LEFT " } else { "" },
        conditions.join(" AND ")
    );
    let alias =
        |alias: &str, column: &Column| Column { name: format!("{alias}.{}", column.name), ..column.clone() };
    let columns: Vec<Column> = left
        .columns
        .iter()
        .map(|column| alias("a", column))
        .chain(right.columns.iter().map(|column| alias("b", column)))
        .collect();
    let places: Vec<usize> = on.iter().map(|column| left.place(&column.name)).collect();
    let mut rows = Vec::new();
    for a in &left.rows {
        let matches = right.rows.iter().filter(|b| {
            places.iter().all(|place| a[*place].compare(&b[*place]) == Some(std::cmp::Ordering::Equal))
        });
        let before = rows.len();
        rows.extend(matches.map(|b| [a.as_slice(), b.as_slice()].concat()));
        if outer && rows.len() == before {
            rows.push([a.as_slice(), &vec![Value::Null; right.columns.len()]].concat());
        }
    }
    let instants = left.instants.iter().chain(&right.instants).copied().collect();
    Relation { from, instants, columns, rows, bare: None }
}

/// Any of the plain forms.
pub(super) fn any_form(world: &World, seed: &mut Seed) -> Relation {
    match seed.below(100) {
        0..50 => context(world, seed),
        50..62 => history(world, seed),
        62..72 => changes(world, seed),
        72..84 => diff(world, seed),
        _ => join(world, seed),
    }
}

/// A point of the context alone, without the columns of periods.
pub(super) fn point(world: &World, seed: &mut Seed) -> Relation {
    context_over(world, seed, false)
}
