//! Which contexts a statement reads at the settled time, found before it is planned: the least of their settled times is the
//! one system time that holds for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use calotype_query::fixed::Moment;
use calotype_storage::SystemTime;
use calotype_storage::database::Database;
use calotype_storage::name::ContextName;
use datafusion::sql::sqlparser::ast::{FunctionArg, ObjectName, TableFactor, Visit, Visitor};

use crate::error::SqlError;
use crate::scope::CONTEXTS;
use crate::script::Query;
use crate::table_functions::{OF_CONTEXTS, first_name};

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
    struct Names<'a>(&'a Query, Vec<String>);
    impl Visitor for Names<'_> {
        type Break = std::convert::Infallible;

        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Self::Break> {
            let own = self
                .0
                .clauses
                .peek(relation)
                .is_some_and(|clause| matches!(clause.system, Some(crate::clauses::Times::At(_))));
            let last = relation.0.last().and_then(|part| part.as_ident());
            // Tables of other schemas are no contexts.
            let schema = relation.0.iter().rev().nth(1).and_then(|part| part.as_ident());
            let is_elsewhere = schema.is_some_and(|schema| !schema.value.eq_ignore_ascii_case(CONTEXTS));
            if let Some(identifier) = last.filter(|_| !own && !is_elsewhere) {
                self.1.push(if identifier.quote_style.is_some() {
                    identifier.value.clone()
                } else {
                    identifier.value.to_lowercase()
                });
            }
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
                    self.1.extend(first_name(&arguments.args));
                }
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(query, Vec::new());
    let ControlFlow::Continue(()) = query.statement.visit(&mut names);
    names.1
}
