//! Columns of answers and of contexts.

use arrow_schema::Schema as ArrowSchema;
use calotype_proto::v1::Column;
use calotype_storage::schema::{FieldType, Schema};

/// The columns of an answer; the schema of the context says what it knows of them by name.
pub fn columns(answer: &ArrowSchema, schema: Option<&Schema>) -> Vec<Column> {
    let column = |field: &arrow_schema::FieldRef| {
        let declared = schema.and_then(|schema| Some((schema, schema.place_of(field.name())?)));
        let mut column = Column {
            name: field.name().clone(),
            r#type: FieldType::from_arrow(field.data_type())
                .map_or_else(|| field.data_type().to_string(), |field_type| field_type.to_string()),
            nullable: field.is_nullable(),
            ..Column::default()
        };
        if let Some((schema, place)) = declared {
            let declared = &schema.fields()[place];
            declared.class.map_or("", |class| class.as_str()).clone_into(&mut column.class);
            column.key = schema.is_key(place);
            column.field_id = declared.id.get();
        }
        column
    };
    answer.fields().iter().map(column).collect()
}

/// The columns of a version of a context.
pub fn schema_columns(schema: &Schema) -> Vec<Column> {
    columns(&schema.to_arrow(), Some(schema))
}
