//! Which contexts a statement reads at the settled time, found before it is planned: the least of their settled times is the
//! one system time that holds for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use calotype_query::fixed::Moment;
use calotype_storage::SystemTime;
use calotype_storage::database::Database;
use calotype_storage::name::ContextName;
use datafusion::sql::sqlparser::ast::{self, FunctionArg, Ident, ObjectName, TableFactor, Visit, Visitor};

use crate::clauses::Times;
use crate::error::SqlError;
use crate::scope::CONTEXTS;
use crate::script::Query;
use crate::table_functions::{OF_CONTEXTS, first_name, relations_of};

/// The system time up to which nothing can be added to any context that a query reads without naming a system time.
/// `None`: it reads none that has a commit.
pub(crate) fn settled(
    database: &Database,
    moment: Moment,
    query: &Query,
    views: &BTreeMap<String, String>,
) -> Result<Option<SystemTime>, SqlError> {
    let mut names = BTreeSet::new();
    let mut waiting = relations(query);
    while let Some(name) = waiting.pop() {
        if !names.insert(name.clone()) {
            continue;
        }
        if let Some(text) = views.get(&name) {
            waiting.extend(relations(&Query::read(text)?));
        }
    }
    let contexts = names
        .iter()
        .filter(|name| !views.contains_key(*name))
        .filter_map(|name| database.context(&ContextName::parse(name).ok()?).ok());
    Ok(contexts.filter_map(|context| moment.settled(&context)).min())
}

/// The names of tables and of functions' contexts that have no system time of their own.
fn relations(query: &Query) -> Vec<String> {
    let mut names = Names { query, found: Vec::new(), open: Vec::new(), definitions: BTreeMap::new() };
    let ControlFlow::Continue(()) = query.statement.visit(&mut names);
    names.found
}

struct Names<'a> {
    query: &'a Query,
    found: Vec<String>,
    /// Names of `WITH` queries that can be seen where the walk is, the outermost query's first.
    open: Vec<BTreeSet<String>>,
    /// Names of `WITH` queries, by their places in the tree.
    definitions: BTreeMap<*const ast::Query, String>,
}

/// A name as it is looked up.
fn normal(identifier: &Ident) -> String {
    if identifier.quote_style.is_some() { identifier.value.clone() } else { identifier.value.to_lowercase() }
}

impl Names<'_> {
    fn see(&mut self, relation: &ObjectName) {
        let parts: Vec<&Ident> = relation.0.iter().filter_map(|part| part.as_ident()).collect();
        let Some((last, before)) = parts.split_last() else { return };
        let name = normal(last);
        let is_of_the_statement = before.is_empty() && self.open.iter().any(|names| names.contains(&name));
        // Tables of other schemas are no contexts.
        let is_elsewhere = before.last().is_some_and(|schema| !schema.value.eq_ignore_ascii_case(CONTEXTS));
        let clause = self.query.clauses.peek(relation);
        let own = clause.is_some_and(|clause| matches!(clause.system, Some(Times::At(_))));
        if !own && !is_elsewhere && !is_of_the_statement {
            self.found.push(name);
        }
    }
}

impl Visitor for Names<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Self::Break> {
        let mut seen = BTreeSet::new();
        if let Some(with) = &query.with {
            for definition in &with.cte_tables {
                let name = normal(&definition.alias.name);
                if with.recursive {
                    seen.insert(name.clone());
                }
                self.definitions.insert(std::ptr::from_ref(definition.query.as_ref()), name);
            }
        }
        self.open.push(seen);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Self::Break> {
        self.open.pop();
        // It can be named from here on, and not in itself.
        if let Some(name) = self.definitions.remove(&std::ptr::from_ref(query))
            && let Some(seen) = self.open.last_mut()
        {
            seen.insert(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Self::Break> {
        self.see(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table { name, args: Some(arguments), .. } = factor {
            let function = name.to_string().to_lowercase();
            let of_context = OF_CONTEXTS.iter().find(|(name, _)| *name == function);
            let is_named = |time: &&str| {
                arguments.args.iter().any(|argument| {
                    matches!(argument, FunctionArg::Named { name, .. } if name.value.eq_ignore_ascii_case(time))
                })
            };
            if let Some((_, times)) = of_context
                && !times.iter().all(is_named)
            {
                self.found.extend(first_name(&arguments.args));
            }
            for relation in relations_of(factor) {
                self.see(&relation);
            }
        }
        ControlFlow::Continue(())
    }
}
