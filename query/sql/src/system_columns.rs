//! The columns that tell the period and the system time of a row. At a point they can be named, and `*` leaves them out.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Cte, ExceptSelectItem, ExcludeSelectItem, Ident, ObjectName, Query, Select, SelectItem, Statement,
    TableFactor, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Token;

/// Their names, in the order in which they stand behind the declared columns.
pub(crate) const NAMES: [&str; 4] = ["_valid_from", "_valid_to", "_system_from", "_system_to"];

/// Whether a word names one of them.
pub(crate) fn is_one(token: &Token) -> bool {
    matches!(token, Token::Word(word) if NAMES.iter().any(|name| word.value.eq_ignore_ascii_case(name)))
}

/// Makes `*` over a single table leave the system columns out, where `is_at_point` says that a table is a context at a
/// point.
pub(crate) fn hide(statement: &mut Statement, is_at_point: impl Fn(&ObjectName) -> bool) {
    let mut hider = Hider { is_at_point, shadowed: BTreeSet::new() };
    let ControlFlow::Continue(()) = statement.visit(&mut hider);
}

struct Hider<F> {
    is_at_point: F,
    /// Names that stand for queries of the statement itself.
    shadowed: BTreeSet<String>,
}

impl<F: Fn(&ObjectName) -> bool> VisitorMut for Hider<F> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let name = |cte: &Cte| cte.alias.name.value.to_lowercase();
        self.shadowed.extend(query.with.iter().flat_map(|with| with.cte_tables.iter().map(name)));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if let [table] = select.from.as_slice()
            && table.joins.is_empty()
            && let TableFactor::Table { name, args: None, .. } = &table.relation
            && !self.shadowed.contains(&name.to_string().replace('"', "").to_lowercase())
            && (self.is_at_point)(name)
        {
            select.projection.iter_mut().for_each(hide_in);
        }
        ControlFlow::Continue(())
    }
}

fn hide_in(item: &mut SelectItem) {
    let (SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options)) = item else {
        return;
    };
    // Those that are left out by name may be among them.
    let mut left_out: Vec<Ident> = Vec::new();
    if let Some(except) = options.opt_except.take() {
        left_out.push(except.first_element);
        left_out.extend(except.additional_elements);
    }
    let is_new =
        |name: &Ident| !left_out.iter().any(|left_out| left_out.value.eq_ignore_ascii_case(&name.value));
    let names: Vec<Ident> = NAMES.map(Ident::new).into_iter().filter(is_new).collect();
    match &mut options.opt_exclude {
        None => {
            left_out.extend(names);
            if let [first, rest @ ..] = left_out.as_slice() {
                options.opt_except = Some(ExceptSelectItem {
                    first_element: first.clone(),
                    additional_elements: rest.to_vec(),
                });
            }
        }
        Some(exclude) => {
            let mut all = match std::mem::replace(exclude, ExcludeSelectItem::Multiple(Vec::new())) {
                ExcludeSelectItem::Single(name) => vec![name],
                ExcludeSelectItem::Multiple(names) => names,
            };
            let is_new = |name: &Ident| {
                !all.iter().any(|left_out| left_out.to_string().eq_ignore_ascii_case(&name.value))
            };
            let names: Vec<ObjectName> =
                names.into_iter().filter(is_new).map(|name| ObjectName::from(vec![name])).collect();
            all.extend(names);
            *exclude = ExcludeSelectItem::Multiple(all);
        }
    }
}
