//! Arguments of a function in `FROM`: a context, then named ones.

use calotype_query::{Fixed, Point};
use calotype_storage::name::ContextName;
use calotype_storage::time::Instant;
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident, Value,
};

use crate::catalog;
use crate::error::SqlError;
use crate::nearest::suggest;
use crate::scope::{CONTEXTS, Scope};

/// The arguments of a question about a context.
pub(super) struct Arguments<'a> {
    function: &'static str,
    /// The context.
    pub(super) context: ContextName,
    /// Each of the known names at most once.
    named: Vec<(String, &'a Expr)>,
}

/// A name as it is written, or as it stands in text: its parts.
pub(super) fn written_name(
    argument: &FunctionArgExpr,
    identifier: impl FnMut(&Ident) -> String,
) -> Option<Vec<String>> {
    let FunctionArgExpr::Expr(expression) = argument else { return None };
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are no names")]
    match expression {
        Expr::Value(value) => {
            if let Value::SingleQuotedString(text) = &value.value {
                Some(vec![text.clone()])
            } else {
                None
            }
        }
        Expr::Identifier(name) => Some([name].into_iter().map(identifier).collect()),
        Expr::CompoundIdentifier(parts) => Some(parts.iter().map(identifier).collect()),
        _ => None,
    }
}

impl<'a> Arguments<'a> {
    /// Reads the arguments of a function that takes a context and these named arguments.
    ///
    /// # Errors
    /// Names what is missing, unknown or written twice.
    pub(super) fn read(
        scope: &Scope,
        function: &'static str,
        known: &[&str],
        arguments: &'a [FunctionArg],
        planner: &mut dyn RelationPlannerContext,
    ) -> Result<Self> {
        let expected = format!("{function}(context, {} => ..)", known.join(" => .., "));
        let wrong = |found: &dyn std::fmt::Display| {
            SqlError::refused(format!("{function} expected {expected}; found {found}"))
        };
        let Some((FunctionArg::Unnamed(first), rest)) = arguments.split_first() else {
            let found =
                arguments.first().map_or("no argument".to_owned(), |first| format!("'{first}' first"));
            return Err(wrong(&found).into());
        };
        let parts = written_name(first, |name| planner.normalize_ident(name.clone()))
            .ok_or_else(|| wrong(&format_args!("'{first}' in the place of a context's name")))?;
        let context = context_name(scope, function, &parts)?;
        let mut named: Vec<(String, &Expr)> = Vec::with_capacity(rest.len());
        for argument in rest {
            let FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(value),
                operator: FunctionArgOperator::RightArrow,
            } = argument
            else {
                return Err(
                    wrong(&format_args!("'{argument}', which is not of the form name => value")).into()
                );
            };
            let name = planner.normalize_ident(name.clone());
            if !known.contains(&name.as_str()) {
                return Err(wrong(&format_args!("an argument '{name}'")).into());
            }
            if named.iter().any(|(other, _)| *other == name) {
                return Err(wrong(&format_args!("the argument '{name}' twice")).into());
            }
            named.push((name, value));
        }
        Ok(Self { function, context, named })
    }

    /// Whether no named argument is there.
    pub(super) fn are_missing(&self) -> bool {
        self.named.is_empty()
    }

    /// A named argument.
    pub(super) fn get(&self, name: &str) -> Option<&'a Expr> {
        self.named.iter().find(|(other, _)| other == name).map(|(_, value)| *value)
    }

    /// The instant that an argument names.
    ///
    /// # Errors
    /// It is no instant.
    pub(super) fn instant<T: Instant>(
        &self,
        name: &str,
        scope: &Scope,
        planner: &mut dyn RelationPlannerContext,
    ) -> Result<Option<T>> {
        self.get(name).map(|value| scope.folder.instant(value, planner)).transpose()
    }

    /// Fixes the context at a point.
    ///
    /// # Errors
    /// There is no such context, it may not be read, or the system time has not come.
    pub(super) fn fix(&self, scope: &Scope, point: Point) -> Result<Fixed, SqlError> {
        scope.shared.fix(&self.context, point).map_err(|error| suggest(scope, error, self.context.as_str()))
    }

    /// An argument that has another value than it may have.
    pub(super) fn wrong(&self, name: &str, expected: &str, found: &dyn std::fmt::Display) -> SqlError {
        SqlError::refused(format!("{}: {name} expected {expected}; found {found}", self.function))
    }
}

fn context_name(scope: &Scope, function: &str, parts: &[String]) -> Result<ContextName, SqlError> {
    let name = match parts {
        [name] => name,
        [schema, name] if schema == CONTEXTS => name,
        [catalog, schema, name] if catalog == catalog::CATALOG && schema == CONTEXTS => name,
        _ => {
            let found = parts.join(".");
            return Err(SqlError::refused(format!("{function} expected a context's name; found '{found}'")));
        }
    };
    if scope.views.contains_key(name) {
        return Err(SqlError::refused(format!(
            "{function} expected a context's name; found the view '{name}'"
        )));
    }
    ContextName::parse(name).map_err(|error| {
        SqlError::refused(format!("{function} expected a context's name; found '{name}': {error}"))
    })
}
