//! Every statement of docs/sql.md is run.

use super::store::TestStore;

const BOOK: &str = include_str!("../../../../docs/sql.md");

/// The blocks of a page that are in SQL, each with what follows `sql` in its first line.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, begun)) = rest.split_once("```sql") {
        let (kind, begun) = begun.split_once('\n').unwrap();
        let (text, after) = begun.split_once("```").unwrap();
        blocks.push((kind.trim(), text.trim()));
        rest = after;
    }
    blocks
}

#[tokio::test]
async fn every_statement_of_the_book_does_what_it_says() {
    let store = TestStore::loans().await;
    store.create("customers").await;
    store.put("customers", 1, &[(1, Some("new"), 5000, 3, 12), (2, Some("old"), 7550, 1, 0)]).await;
    let blocks = blocks(BOOK);
    assert!(blocks.len() > 20, "the page was not read");
    let mut wrong = Vec::new();
    for (kind, text) in blocks {
        match (kind, store.ask(text).await) {
            ("", Ok(rows)) if !rows.is_empty() => {}
            ("refused", Err(_)) => {}
            (_, Ok(rows)) => wrong.push(format!("{text}\nwas answered:\n{rows}")),
            (_, Err(error)) => wrong.push(format!("{text}\n{error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
