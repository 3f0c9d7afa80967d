//! Class K: a key through time, as an auditor asks for it, along either axis and along both.

use anyhow::{Context as _, Result};

use super::{Expected, Instants, Question, fill, system, valid};
use crate::bih::cell::{Cell, Cells, Cents};
use crate::bih::oracle::{Oracle, Piece, Point};
use crate::bih::tables::{Customer, Key, Row};

/// How many versions K4 answers.
const LAST_VERSIONS: usize = 3;
/// Balances that few customers exceed, and that many do.
const BALANCES: [(&str, i64); 2] = [("few", 9000), ("many", 4000)];

type Version = Piece<Customer>;

/// Along which axis a key is followed; the other one is fixed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Valid,
    System,
    Both,
}

/// A key, the point at which what is not followed is fixed, and the range of what is.
struct Case {
    key: Key,
    axis: Axis,
    fixed: Point,
    from: Point,
    to: Point,
}

pub(super) fn questions(oracle: &Oracle, instants: Instants) -> Result<Vec<Question>> {
    let key = oracle.customer.busiest().context("no customer is known")?;
    let Instants { past, mid, now, .. } = instants;
    let mut questions = Vec::new();
    for (form, axis) in [("app", Axis::Valid), ("sys", Axis::System), ("both", Axis::Both)] {
        for (when, fixed) in [("", now), (" past", mid)] {
            let case = Case { key, axis, fixed, from: past, to: mid };
            let mut ask = |id: &str, text: &str, balance: i64, expected| -> Result<()> {
                let name = format!("{id}.{form}{when}");
                questions.push(Question { name, sql: case.fill(text, balance)?, expected });
                Ok(())
            };
            let versions = case.in_order(case.versions(oracle));
            let of_key = |version: &&Version| version.row.key() == key;
            let mine: Vec<_> = versions.iter().filter(of_key).cloned().collect();
            let within: Vec<_> =
                case.in_order(case.versions_within(oracle)).into_iter().filter(|v| of_key(&v)).collect();
            ask("K1", include_str!("k/k1.sql"), 0, ordered(&mine, whole))?;
            ask("K2", include_str!("k/k2.sql"), 0, ordered(&within, whole))?;
            ask("K3", include_str!("k/k3.sql"), 0, ordered(&within, |v| vec![v.row.acctbal.into()]))?;
            let last: Vec<_> = mine.iter().rev().take(LAST_VERSIONS).cloned().collect();
            ask("K4", include_str!("k/k4.sql"), 0, ordered(&last, whole))?;
            let before = case.just_before(&mine).into_iter().map(without_names);
            ask("K5", include_str!("k/k5.sql"), 0, Expected::Rows(before.collect()))?;
            for (selectivity, balance) in BALANCES {
                let rich: Vec<_> =
                    versions.iter().filter(|v| v.row.acctbal > Cents(balance * 100)).cloned().collect();
                let id = format!("K6 {selectivity}");
                ask(&id, include_str!("k/k6.sql"), balance, ordered(&rich, whole))?;
            }
        }
    }
    Ok(questions)
}

impl Case {
    fn fill(&self, text: &str, balance: i64) -> Result<String> {
        let (a, s) = (valid(self.fixed.valid), system(self.fixed.known));
        let (a1, a2) = (valid(self.from.valid), valid(self.to.valid));
        let (s1, s2) = (system(self.from.known), system(self.to.known));
        let valid_range = format!("FOR VALID_TIME FROM {a1} TO {a2}");
        let system_range = format!("FOR SYSTEM_TIME FROM {s1} TO {s2}");
        let (valid_point, system_point) =
            (format!("FOR VALID_TIME AS OF {a}"), format!("FOR SYSTEM_TIME AS OF {s}"));
        let holds = format!("p._valid_from <= {a} AND (p._valid_to IS NULL OR p._valid_to > {a})");
        let known = format!("p._system_from <= {s} AND (p._system_to IS NULL OR p._system_to > {s})");
        let overlap = "(p._valid_to IS NULL OR q._valid_from < p._valid_to) \
             AND (q._valid_to IS NULL OR p._valid_from < q._valid_to)";
        let (clauses, within, axis, axis_down, just_before, given) = match self.axis {
            Axis::Valid => (
                format!("FOR VALID_TIME ALL {system_point}"),
                format!("{valid_range} {system_point}"),
                "_valid_from",
                "_valid_from DESC",
                "q._valid_to = p._valid_from".to_owned(),
                holds,
            ),
            Axis::System => (
                format!("{valid_point} FOR SYSTEM_TIME ALL"),
                format!("{valid_point} {system_range}"),
                "_system_from",
                "_system_from DESC",
                "q._system_to = p._system_from".to_owned(),
                known,
            ),
            Axis::Both => (
                "FOR VALID_TIME ALL FOR SYSTEM_TIME ALL".to_owned(),
                format!("{valid_range} {system_range}"),
                "_system_from, _valid_from",
                "_system_from DESC, _valid_from DESC",
                format!("q._system_to = p._system_from AND {overlap}"),
                format!("{holds} AND {known}"),
            ),
        };
        let places = [
            ("customer", format!("customer {clauses}")),
            ("customer_within", format!("customer {within}")),
            ("axis", axis.to_owned()),
            ("axis_down", axis_down.to_owned()),
            ("just_before", just_before),
            ("given", given),
            ("key", self.key.0.to_string()),
            ("balance", balance.to_string()),
        ];
        fill(text, &places.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    fn versions(&self, oracle: &Oracle) -> Vec<Version> {
        let Point { valid, known } = self.fixed;
        match self.axis {
            Axis::Valid => oracle.customer.pieces(known),
            Axis::System => retained(oracle.customer.rectangles(), |version| version.holds(valid)),
            Axis::Both => oracle.customer.rectangles(),
        }
    }

    fn versions_within(&self, oracle: &Oracle) -> Vec<Version> {
        let Self { fixed, from, to, .. } = self;
        let rectangles = || oracle.customer.rectangles_within(from.known, to.known);
        let reaches = |version: &Version| version.reaches(from.valid, to.valid);
        match self.axis {
            Axis::Valid => retained(oracle.customer.pieces(fixed.known), reaches),
            Axis::System => retained(rectangles(), |version| version.holds(fixed.valid)),
            Axis::Both => retained(rectangles(), reaches),
        }
    }

    fn in_order(&self, mut versions: Vec<Version>) -> Vec<Version> {
        let axis = self.axis;
        versions.sort_by_key(|version| {
            let valid = (axis != Axis::System).then_some(version.valid_from);
            let system = (axis != Axis::Valid).then_some(version.system_from);
            (system, valid, version.row.custkey)
        });
        versions
    }

    /// What ends where the version that holds at the fixed point begins.
    fn just_before<'a>(&self, versions: &'a [Version]) -> Vec<&'a Version> {
        let Point { valid, known } = self.fixed;
        let given = |version: &&Version| match self.axis {
            Axis::Valid => version.holds(valid),
            Axis::System => version.is_known(known),
            Axis::Both => version.holds(valid) && version.is_known(known),
        };
        let is_before = |before: &Version, version: &Version| match self.axis {
            Axis::Valid => before.valid_to == Some(version.valid_from),
            Axis::System => before.system_to == Some(version.system_from),
            Axis::Both => {
                before.system_to == Some(version.system_from) && before.valid_overlap(version).is_some()
            }
        };
        let mut found = Vec::new();
        for version in versions.iter().filter(given) {
            found.extend(versions.iter().filter(|before| is_before(before, version)));
        }
        found
    }
}

fn retained(mut versions: Vec<Version>, keep: impl Fn(&Version) -> bool) -> Vec<Version> {
    versions.retain(keep);
    versions
}

fn ordered(versions: &[Version], cells: impl Fn(&Version) -> Cells) -> Expected {
    Expected::Ordered(versions.iter().map(cells).collect())
}

fn without_names(version: &Version) -> Cells {
    let Piece { row, valid_from, valid_to, system_from, system_to } = version;
    let times: [Cell; 4] =
        [(*valid_from).into(), (*valid_to).into(), (*system_from).into(), (*system_to).into()];
    [Cell::from(row.acctbal)].into_iter().chain(times).collect()
}

fn whole(version: &Version) -> Cells {
    let Piece { row, valid_from, valid_to, system_from, system_to } = version;
    vec![
        row.custkey.into(),
        row.acctbal.into(),
        Cell::from(&row.address),
        (*valid_from).into(),
        (*valid_to).into(),
        (*system_from).into(),
        (*system_to).into(),
    ]
}
