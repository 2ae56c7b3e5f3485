//! The JSON schema that editors complete and check scenario files with (taplo, Even Better TOML), made from the parser's own tables.

use serde_json::{Map, Value, json};

use super::shape::{Key, Kind, ROOT, Shape, VERBS, Verb, WHEN};

/// The schema (JSON Schema draft 7), as committed in `docs/scenario.schema.json`.
pub fn schema() -> Value {
    let mut schema = table(&ROOT);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("sofw-sim scenario");
    schema["definitions"] = json!({ "step": step() });
    schema
}

fn table(shape: &Shape) -> Value {
    let mut schema = object(&shape.keys.iter().collect::<Vec<_>>());
    schema["description"] = json!(shape.about);
    schema
}

fn object(keys: &[&Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = kind(&key.kind);
    schema["description"] = json!(key.about);
    schema
}

fn kind(written: &Kind) -> Value {
    match written {
        Kind::Text => json!({ "type": "string" }),
        Kind::Form(form) if form.pattern.is_empty() => json!({ "type": "string" }),
        Kind::Form(form) => json!({ "type": "string", "pattern": form.pattern }),
        Kind::OneOf(names) => {
            let abouts: Vec<&str> = names.list.iter().map(|(_, about)| *about).collect();
            json!({ "type": "string", "enum": names.names(), "x-taplo": { "docs": { "enumValues": abouts } } })
        }
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Choice(valid) => json!({ "type": "integer", "enum": valid }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::True => json!({ "const": true }),
        Kind::Share => json!({
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$" },
            ]
        }),
        Kind::List(item) => json!({ "anyOf": [{ "type": "array", "items": kind(item) }, kind(item)] }),
        Kind::Table(shape) => table(shape),
        Kind::Tables(shape) => json!({ "type": "array", "items": table(shape) }),
        Kind::Steps => json!({ "type": "array", "items": { "$ref": "#/definitions/step" } }),
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(kind).collect::<Vec<_>>() }),
    }
}

/// A step: one of the verbs with what goes with it.
fn step() -> Value {
    let one = |verb: &Verb| {
        let keys: Vec<&Key> = [&WHEN, &verb.key].into_iter().chain(verb.with).collect();
        let mut schema = object(&keys);
        schema["title"] = json!(verb.key.name);
        schema["description"] = json!(verb.key.about);
        schema["required"]
            .as_array_mut()
            .into_iter()
            .for_each(|required| required.push(json!(verb.key.name)));
        schema
    };
    json!({ "description": "One thing that happens.", "anyOf": VERBS.iter().map(one).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::schema;

    /// `SOFW_UPDATE=1 cargo test -p sofw-sim schema` writes it anew.
    #[test]
    fn the_committed_schema_is_up_to_date() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario.schema.json");
        let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("SOFW_UPDATE").is_some() {
            std::fs::write(file, &text).unwrap();
        }
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed == text,
            "docs/scenario.schema.json is old: SOFW_UPDATE=1 cargo test -p sofw-sim schema"
        );
    }
}
