//! Which schema a put has: the context's, a new version of it, or its first.

use std::sync::Arc;

use arrow_schema::Schema as ArrowSchema;

use super::flatten::kept_type;
use crate::context::Context;
use crate::name::FieldName;
use crate::refusal::Refusal;
use crate::schema::{FIELDS_MAX, Field, FieldId, FieldType, Schema, SchemaError, SchemaVersion};

/// Finds the schema of a put, and whether it is a new version. Names that begin with `_` are not
/// columns and are left to the caller.
///
/// # Errors
/// [`Refusal`] names the column that does not fit.
pub fn evolve(
    context: &Context,
    columns: &ArrowSchema,
    evolve: bool,
) -> Result<(Arc<Schema>, bool), Refusal> {
    if columns.fields().len() > FIELDS_MAX + 5 {
        return Err(SchemaError::TooWide(columns.fields().len()).into());
    }
    let mut offered: Vec<(&str, Option<FieldType>, bool)> = Vec::new();
    for column in columns.fields().iter().filter(|column| !column.name().starts_with('_')) {
        let name = column.name().as_str();
        if offered.iter().any(|(other, ..)| *other == name) {
            return Err(Refusal::ColumnTwice(name.to_owned()));
        }
        offered.push((name, kept_type(name, column.data_type())?, column.is_nullable()));
    }
    match context.schema() {
        None => first(context, &offered).map(|schema| (Arc::new(schema), true)),
        Some(schema) => next(context, schema, &offered, evolve),
    }
}

fn field_name(name: &str) -> Result<FieldName, Refusal> {
    FieldName::parse(name).map_err(|_| Refusal::ColumnName(name.chars().take(128).collect()))
}

fn first(context: &Context, offered: &[(&str, Option<FieldType>, bool)]) -> Result<Schema, Refusal> {
    let mut fields = Vec::with_capacity(offered.len());
    for (id, (name, field_type, nullable)) in (1..).zip(offered) {
        let field_type = field_type.ok_or_else(|| Refusal::TypeNotKept {
            column: (*name).to_owned(),
            found: "null".into(),
            hint: "a first put must say what a column is: declare its type",
        })?;
        let name = field_name(name)?;
        fields.push(Field { id: FieldId::new(id), name, field_type, nullable: *nullable, class: None });
    }
    Ok(Schema::new(SchemaVersion::FIRST, fields, context.key_names())?)
}

fn next(
    context: &Context,
    schema: &Arc<Schema>,
    offered: &[(&str, Option<FieldType>, bool)],
    evolve: bool,
) -> Result<(Arc<Schema>, bool), Refusal> {
    refuse_missing(context, schema, offered, evolve)?;
    let mut fields = schema.fields().to_vec();
    let mut next_id = context.next_field_id().get();
    for (name, offered_type, _) in offered {
        if let Some(place) = schema.place_of(name) {
            // A column of nulls alone fits every type.
            if let Some(offered_type) = *offered_type {
                widen(&mut fields[place], offered_type, evolve)?;
            }
            continue;
        }
        if !evolve {
            let (context, column) = (context.name().clone(), (*name).to_owned());
            return Err(Refusal::UnknownColumn { context, column });
        }
        if let Some(field_type) = *offered_type {
            let name = field_name(name)?;
            fields.push(Field { id: FieldId::new(next_id), name, field_type, nullable: true, class: None });
            next_id += 1;
        }
    }
    if fields == schema.fields() {
        return Ok((Arc::clone(schema), false));
    }
    let version = SchemaVersion::new(schema.version().get() + 1);
    Ok((Arc::new(Schema::new(version, fields, &schema.key_names())?), true))
}

/// Lets a field hold what is offered: narrower types fit as they are, wider ones by a new version.
fn widen(field: &mut Field, offered: FieldType, evolve: bool) -> Result<(), Refusal> {
    if offered.widens_to(field.field_type) {
        return Ok(());
    }
    let (expected, found) = (field.field_type, offered);
    if !expected.widens_to(found) {
        let (expected, found) = (expected.to_string(), found.to_string());
        return Err(Refusal::ColumnType { column: field.name.to_string(), expected, found });
    }
    if !evolve {
        return Err(Refusal::Wider { column: field.name.clone(), expected, found });
    }
    field.field_type = offered;
    Ok(())
}

/// Columns may be left out if they are nullable and the put may evolve the schema.
fn refuse_missing(
    context: &Context,
    schema: &Schema,
    offered: &[(&str, Option<FieldType>, bool)],
    evolve: bool,
) -> Result<(), Refusal> {
    for (place, field) in schema.fields().iter().enumerate() {
        let hint = match (schema.is_key(place), field.nullable, evolve) {
            (false, true, true) => continue,
            (true, ..) => "it belongs to the key",
            (false, false, _) => "it is not nullable",
            (false, true, false) => "allow the put to evolve the schema, and it is null in these rows",
        };
        if !offered.iter().any(|(name, ..)| *name == field.name.as_str()) {
            let (context, column) = (context.name().clone(), field.name.to_string());
            return Err(Refusal::MissingColumn { context, column, hint });
        }
    }
    Ok(())
}
