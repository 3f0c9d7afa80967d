//! How many relations a statement reads, with each `WITH` query counted wherever it is named.
//!
//! A name is short and what it stands for is planned again at each place: twenty lines, each of which names the one before
//! it twice, are a million relations. So they are counted before anything is planned.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement, TableFactor, Visit, Visitor};

use crate::error::SqlError;
use crate::table_functions::relations_of;

/// Relations that a statement reads.
pub(crate) const RELATIONS_MAX: usize = 400;

/// Checks a statement.
///
/// # Errors
/// It reads more relations than may be read.
pub(crate) fn check(statement: &Statement) -> Result<(), SqlError> {
    let mut expansion = Expansion { open: vec![0], named: BTreeMap::new(), definitions: BTreeMap::new() };
    match statement.visit(&mut expansion) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Refuses a statement that reads so many relations.
pub(crate) fn too_many() -> SqlError {
    SqlError::refused(format!(
        "the statement reads more than {RELATIONS_MAX} relations, with WITH queries and views counted wherever they are named"
    ))
}

struct Expansion {
    /// Relations of the queries that are being walked through, the outermost first.
    open: Vec<usize>,
    /// Relations of `WITH` queries, by name.
    named: BTreeMap<String, usize>,
    /// Names of `WITH` queries, by their places in the tree.
    definitions: BTreeMap<*const Query, String>,
}

impl Expansion {
    fn add(&mut self, relations: usize) -> ControlFlow<SqlError> {
        let Some(open) = self.open.last_mut() else { return ControlFlow::Continue(()) };
        *open = open.saturating_add(relations);
        if *open > RELATIONS_MAX { ControlFlow::Break(too_many()) } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Expansion {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        for definition in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = definition.alias.name.value.to_lowercase();
            self.definitions.insert(std::ptr::from_ref(definition.query.as_ref()), name);
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        let relations = self.open.pop().unwrap_or_default();
        match self.definitions.remove(&std::ptr::from_ref(query)) {
            Some(name) => {
                // Of two with one name, in different queries, the larger one counts.
                let named = self.named.entry(name).or_default();
                *named = relations.saturating_add(1).max(*named);
                ControlFlow::Continue(())
            }
            None => self.add(relations),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlError> {
        for relation in relations_of(factor) {
            self.pre_visit_relation(&relation)?;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<SqlError> {
        let name = relation.0.last().and_then(|part| part.as_ident()).map(|name| name.value.to_lowercase());
        let relations = name.and_then(|name| self.named.get(&name).copied()).unwrap_or(1);
        self.add(relations)
    }
}
