//! Actions: what changes contexts, as JSON.

use calotype_storage::ValidTime;
use calotype_storage::evaluate::{AlterContext, CreateContext, Deed, Proposal, Withdraw};
use calotype_storage::name::{ContextName, FieldName, Principal};
use calotype_storage::put::PutOptions;
use calotype_storage::record::{ClassWire, CreateEntry, FieldWire, Listed, Mode, SchemaWire};
use calotype_storage::schema::{FieldClass, FieldType, SchemaVersion};

use super::descriptor::{idempotency_key, reason, recorded_at};
use super::json::{Malformed, Object, Value, advice, shown};
use super::ticket::context;

/// What can be done, each with its description.
pub(super) const ACTIONS: &[(&str, &str)] = &[
    (
        "create_context",
        "creates a context: {\"name\",\"key\":[..],\"mode\":\"state|events\",\"import\":false,\"max_retracted\":null,\
         \"columns\":[{\"name\",\"type\",\"nullable\":true,\"class\":null}]}; columns may be left out: taken from the \
         first put",
    ),
    (
        "alter_context",
        "renames a column, or changes the share of keys that a full may retract: \
         {\"context\",\"rename\":{\"from\",\"to\"},\"max_retracted\"}",
    ),
    ("go_live", "ends import for good: {\"context\"}"),
    (
        "withdraw_cutoff",
        "takes back all that was said at a cutoff: \
         {\"context\",\"cutoff\",\"recorded_at\",\"idempotency_key\",\"reason\"}",
    ),
];

const CREATE: &[&str] = &["name", "key", "mode", "import", "max_retracted", "columns"];
const COLUMN: &[&str] = &["name", "type", "nullable", "class"];
const ALTER: &[&str] = &["context", "rename", "max_retracted"];
const WITHDRAW: &[&str] = &["context", "cutoff", "recorded_at", "idempotency_key", "reason"];
const CLASSES: &[(&str, FieldClass)] = &[
    ("skeleton", FieldClass::Skeleton),
    ("financial", FieldClass::Financial),
    ("personal", FieldClass::Personal),
    ("secret", FieldClass::Secret),
    ("operational", FieldClass::Operational),
];

/// Reads an action as what is to be committed.
///
/// # Errors
/// [`Malformed`] names the field, or the actions that there are.
pub(super) fn parse(action: &str, text: &[u8], principal: Principal) -> Result<Proposal, Malformed> {
    match action {
        "create_context" => create(Object::parse(action, text, CREATE)?, principal),
        "alter_context" => alter(Object::parse(action, text, ALTER)?, principal),
        "go_live" => {
            let context = context(&mut Object::parse(action, text, &["context"])?)?;
            Ok(Proposal::GoLive(deed(context, principal)))
        }
        "withdraw_cutoff" => withdraw(Object::parse(action, text, WITHDRAW)?, principal),
        other => {
            let advice = advice(other, ACTIONS.iter().map(|(name, _)| *name));
            Err(Value::new("action".into(), super::json::Json::Null)
                .wrong(format_args!("no action '{}'; {advice}", shown(other))))
        }
    }
}

fn deed(context: ContextName, principal: Principal) -> Deed {
    Deed { context, options: PutOptions { principal, ..PutOptions::default() } }
}

fn create(mut object: Object, principal: Principal) -> Result<Proposal, Malformed> {
    let name = object.require("name", "a context's name")?.parsed(ContextName::parse)?;
    let mut key = Vec::new();
    for column in object.require("key", "a list of the key columns' names")?.list()? {
        key.push(column.parsed(FieldName::parse)?.to_string());
    }
    let mode = object.require("mode", "state or events")?;
    let mode = mode.word(&[("state", Mode::State), ("events", Mode::Events)])?;
    let import = object.take("import").map_or(Ok(false), |value| value.flag())?;
    let max_retracted_ppm = object.take("max_retracted").map(|value| value.share_ppm()).transpose()?;
    let schema = object.take("columns").map(|columns| schema(columns, &key)).transpose()?;
    let definition = CreateEntry { mode, key, import, max_retracted_ppm, schema: schema.map(Listed::Inline) };
    Ok(Proposal::Create(CreateContext { deed: deed(name, principal), definition }))
}

fn schema(columns: Value, key: &[String]) -> Result<SchemaWire, Malformed> {
    let mut fields = Vec::new();
    for (column, id) in columns.list()?.into_iter().zip(1..) {
        fields.push(field(column, id)?);
    }
    Ok(SchemaWire { version: SchemaVersion::FIRST.get(), key: key.to_vec(), fields })
}

fn field(column: Value, id: u32) -> Result<FieldWire, Malformed> {
    let mut object = column.object(COLUMN)?;
    let name = object.require("name", "a column's name")?.parsed(FieldName::parse)?;
    let type_text = object.require("type", "a type as pyarrow prints it")?;
    let field_type = FieldType::parse(type_text.text()?).ok_or_else(|| {
        let found = shown(type_text.text().unwrap_or_default());
        type_text.wrong(format_args!(
            "'{found}' is not a type; use bool, int8 to int64, uint8 to uint64, float, double, decimal128(18, 2), \
             date32[day], timestamp[us, tz=UTC], string or binary"
        ))
    })?;
    let class = object.take("class").map(|value| value.word(CLASSES)).transpose()?;
    Ok(FieldWire {
        id,
        name: name.to_string(),
        r#type: field_type.to_string(),
        nullable: object.take("nullable").map_or(Ok(true), |value| value.flag())?,
        class: class.map(ClassWire::from),
    })
}

fn alter(mut object: Object, principal: Principal) -> Result<Proposal, Malformed> {
    let context = context(&mut object)?;
    let rename = match object.take("rename") {
        None => None,
        Some(value) => {
            let mut names = value.object(&["from", "to"])?;
            let mut name = |which| -> Result<String, Malformed> {
                names.require(which, "a column's name")?.text().map(str::to_owned)
            };
            Some((name("from")?, name("to")?))
        }
    };
    let max_retracted_ppm = object.take("max_retracted").map(|value| value.share_ppm()).transpose()?;
    Ok(Proposal::Alter(AlterContext { deed: deed(context, principal), rename, max_retracted_ppm }))
}

fn withdraw(mut object: Object, principal: Principal) -> Result<Proposal, Malformed> {
    let mut deed = deed(context(&mut object)?, principal);
    deed.options.recorded_at = recorded_at(&mut object)?;
    deed.options.idempotency_key = idempotency_key(&mut object)?;
    deed.options.reason = reason(&mut object)?;
    let cutoff = object.require("cutoff", "the cutoff's instant")?.parsed(ValidTime::parse)?;
    Ok(Proposal::Withdraw(Withdraw { deed, cutoff }))
}

#[cfg(test)]
mod tests;
