//! The Python that the demo prints: it works when it is pasted, with pyarrow and nothing else.

/// The line above the snippet.
pub(super) const BEGIN: &str = "# --- paste into python ---";
/// The line below it.
pub(super) const END: &str = "# --- to here ---";

/// Python that asks a server at an address about the day of which the demo tells first.
pub(super) fn python(address: &str) -> String {
    format!(
        r#"{BEGIN}
import json
import pyarrow.flight as flight

client = flight.connect("grpc://{address}")
question = {{
    "context": "regions",
    "valid_at": "2020-06-25T00:00:00Z",
    "known_at": "2020-06-25T16:30:00Z",
    "columns": ["denominazione_regione", "totale_casi", "deceduti"],
}}
ticket = flight.Ticket(json.dumps({{"as_of": question}}))
table = client.do_get(ticket).read_all()
for row in table.slice(0, 5).to_pylist():
    print(row)
claim = json.loads(table.schema.metadata[b"calotype.claim"])
print(table.num_rows, "rows, known on", claim["known_at"], "from commit", claim["record"]["commit"])
{END}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snippet_stands_between_its_lines_and_names_the_address() {
        let text = python("127.0.0.1:7432");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.first(), lines.last()), (Some(&BEGIN), Some(&END)));
        assert!(text.contains("grpc://127.0.0.1:7432\""), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_eq!(text.matches("{{").count(), 0, "{text}");
    }
}
