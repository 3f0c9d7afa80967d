//! What the optimizer makes of the join: sorts, predicates, columns.

use super::*;

/// A session whose tables say that they come in order.
fn ordered(left: &[Fact], right: &[Fact]) -> SessionContext {
    let context = session(SessionConfig::new(), Arc::default());
    for (name, facts) in [("l", left), ("r", right)] {
        let table = table(name, facts, 8_192).with_sort_order(by_key_and_begin());
        context.register_table(name, Arc::new(table)).unwrap();
    }
    context
}

#[tokio::test]
async fn inputs_are_sorted_only_where_they_are_not_yet() {
    let facts = [fact(1, 0, 10)];
    for (context, sorts) in [(session_of(&facts, &facts, 8_192), 2), (ordered(&facts, &facts), 0)] {
        for kind in [Kind::Inner, Kind::Left] {
            let plan = physical(&context, &sql(Axes::Valid, kind)).await;
            assert_eq!(plan.matches("SortExec").count(), sorts, "{plan}");
        }
    }
}

#[tokio::test]
async fn the_order_of_the_result_is_known_above() {
    let facts = [fact(1, 0, 10)];
    for (kind, order, sorts) in [
        (Kind::Inner, "k, g", 0),
        (Kind::Inner, "k, g, _valid_from", 0),
        (Kind::Inner, "k, g, _valid_to", 1),
        (Kind::Left, "k, g", 0),
        (Kind::Left, "k, g, _valid_from", 1),
    ] {
        let sql = format!("{} ORDER BY {order}", sql(Axes::Valid, kind));
        let plan = physical(&ordered(&facts, &facts), &sql).await;
        assert_eq!(plan.matches("SortExec").count(), sorts, "{kind} {order}: {plan}");
    }
}

#[tokio::test]
async fn a_chain_of_joins_sorts_each_input_once() {
    let facts = [fact(1, 0, 10)];
    let sql = "SELECT * FROM temporal_join((SELECT * FROM temporal_join((SELECT * FROM l), (SELECT * FROM r), on => ['k', 'g'])), \
               (SELECT k, g, l AS m, _valid_from, _valid_to FROM l), on => ['k', 'g'])";
    let plan = physical(&session_of(&facts, &facts, 8_192), sql).await;
    assert_eq!(plan.matches("SortExec").count(), 3, "{plan}");
}

/// The part of an optimized plan below the join, and that above it.
async fn optimized(sql: &str) -> (String, String) {
    let facts = [fact(1, 0, 10)];
    let context = session_of(&facts, &facts, 8_192);
    let plan = context.sql(sql).await.unwrap().into_optimized_plan().unwrap();
    let plan = plan.display_indent().to_string();
    let (above, below) = plan.split_once("TemporalJoin:").unwrap();
    (below.to_owned(), above.to_owned())
}

#[tokio::test]
async fn predicates_go_to_the_sides_that_can_answer_them() {
    for (kind, predicate, shown, below) in [
        (Kind::Inner, "k = 7", "k = Int64(7)", 2),
        (Kind::Left, "k = 7", "k = Int64(7)", 2),
        (Kind::Inner, "l = 7", "l = Int64(7)", 1),
        (Kind::Left, "l = 7", "l = Int64(7)", 1),
        (Kind::Inner, "r = 7", "r = Int64(7)", 1),
        (Kind::Left, "r = 7", "r = Int64(7)", 0),
        (Kind::Inner, "r > l", "r > l", 0),
        (Kind::Inner, "_valid_from > to_timestamp_micros(7)", "_valid_from > ", 0),
        (Kind::Inner, "k > 7 * random()", "random()", 0),
    ] {
        for alias in ["", " AS j"] {
            let sql = format!("{}{alias} WHERE {predicate}", sql(Axes::Valid, kind));
            let (under, over) = optimized(&sql).await;
            let filters: Vec<&str> = under.lines().filter(|line| line.contains("Filter:")).collect();
            assert_eq!(filters.iter().filter(|line| line.contains(shown)).count(), below, "{sql}: {under}");
            assert_eq!(over.contains(shown), below == 0, "{sql}: {over}");
        }
    }
}

#[tokio::test]
async fn columns_nobody_reads_are_not_read() {
    for (columns, left, right) in [
        ("k", "k, g, _valid_from, _valid_to", "k, g, _valid_from, _valid_to"),
        ("l", "k, g, l, _valid_from, _valid_to", "k, g, _valid_from, _valid_to"),
        ("r, _valid_to", "k, g, _valid_from, _valid_to", "k, g, r, _valid_from, _valid_to"),
    ] {
        let sql = sql(Axes::Valid, Kind::Inner)
            .replace("SELECT * FROM temporal", &format!("SELECT {columns} FROM temporal"));
        let (below, _) = optimized(&sql).await;
        for (table, read) in [("l", left), ("r", right)] {
            assert!(below.contains(&format!("TableScan: {table} projection=[{read}]")), "{sql}: {below}");
        }
    }
}

#[tokio::test]
async fn an_explanation_shows_the_join_and_counts_its_rows() {
    let context = session_of(&[fact(1, 0, 10)], &[fact(1, 4, 20)], 8_192);
    let plan =
        context.sql(&sql(Axes::Valid, Kind::Inner)).await.unwrap().create_physical_plan().await.unwrap();
    datafusion::physical_plan::collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
    let shown = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
    assert!(shown.contains("TemporalJoinExec: on=[k, g], period=valid, kind=inner"), "{shown}");
    let mut join = plan;
    while join.name() != "TemporalJoinExec" {
        join = Arc::clone(join.children()[0]);
    }
    assert_eq!(join.metrics().unwrap().output_rows(), Some(1));
}
