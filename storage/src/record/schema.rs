//! A schema as it stands in a record.

use serde::{Deserialize, Serialize};

use crate::manifest::FIRST_SYSTEM_FIELD;
use crate::name::FieldName;
use crate::schema::{Field, FieldClass, FieldId, FieldType, Schema, SchemaVersion};

/// The columns of a context in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaWire {
    /// The version, from 1.
    pub version: u32,
    /// Key columns by their labels in this version.
    pub key: Vec<String>,
    /// The columns in declared order.
    pub fields: Vec<FieldWire>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldWire {
    /// Its permanent number.
    pub id: u32,
    /// Its label.
    pub name: String,
    /// Its type as pyarrow prints it.
    pub r#type: String,
    /// Whether a row may lack it.
    pub nullable: bool,
    /// Its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ClassWire>,
}

/// A field's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the same as FieldClass, where they are described")]
pub enum ClassWire {
    Skeleton,
    Financial,
    Personal,
    Secret,
    Operational,
}

impl From<FieldClass> for ClassWire {
    fn from(class: FieldClass) -> Self {
        match class {
            FieldClass::Skeleton => Self::Skeleton,
            FieldClass::Financial => Self::Financial,
            FieldClass::Personal => Self::Personal,
            FieldClass::Secret => Self::Secret,
            FieldClass::Operational => Self::Operational,
        }
    }
}

impl From<ClassWire> for FieldClass {
    fn from(class: ClassWire) -> Self {
        match class {
            ClassWire::Skeleton => Self::Skeleton,
            ClassWire::Financial => Self::Financial,
            ClassWire::Personal => Self::Personal,
            ClassWire::Secret => Self::Secret,
            ClassWire::Operational => Self::Operational,
        }
    }
}

impl SchemaWire {
    /// The schema as a record keeps it.
    pub fn of(schema: &Schema) -> Self {
        let fields = schema.fields().iter().map(|field| FieldWire {
            id: field.id.get(),
            name: field.name.to_string(),
            r#type: field.field_type.to_string(),
            nullable: field.nullable,
            class: field.class.map(Into::into),
        });
        Self { version: schema.version().get(), key: schema.key_names(), fields: fields.collect() }
    }

    /// The schema, if it is one.
    pub fn to_schema(&self) -> Option<Schema> {
        let field = |wire: &FieldWire| {
            Some(Field {
                id: FieldId::new(wire.id),
                name: FieldName::parse(&wire.name).ok()?,
                field_type: FieldType::parse(&wire.r#type)?,
                nullable: wire.nullable,
                class: wire.class.map(Into::into),
            })
        };
        let fields = self.fields.iter().map(field).collect::<Option<Vec<_>>>()?;
        let mut ids: Vec<u32> = self.fields.iter().map(|field| field.id).collect();
        ids.sort_unstable();
        let are_distinct = ids.windows(2).all(|pair| pair[0] < pair[1]);
        let in_range = |id: &u32| (1..FIRST_SYSTEM_FIELD.get()).contains(id);
        if !are_distinct || !ids.iter().all(in_range) {
            return None;
        }
        Schema::new(SchemaVersion::new(self.version), fields, &self.key).ok()
    }
}
