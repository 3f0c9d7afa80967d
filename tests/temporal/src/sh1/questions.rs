//! The twelve questions in SQL.

/// A question: its SQL, and what its answer looks like.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// `Q1` to `Q12`.
    pub name: &'static str,
    /// One statement.
    pub sql: &'static str,
    /// The answer's columns, in order; all are whole numbers of 64 bits.
    pub columns: &'static [&'static str],
}

/// All of them, in order.
pub const QUESTIONS: [Question; 12] = [
    Question { name: "Q1", sql: include_str!("queries/q01.sql"), columns: CONTRACT },
    Question { name: "Q2", sql: include_str!("queries/q02.sql"), columns: CONTRACT },
    Question {
        name: "Q3",
        sql: include_str!("queries/q03.sql"),
        columns: &["cost_min", "cost_max", "costs"],
    },
    Question { name: "Q4", sql: include_str!("queries/q04.sql"), columns: &["id"] },
    Question {
        name: "Q5",
        sql: include_str!("queries/q05.sql"),
        columns: &["publication", "pid", "sid", "cost", "qty", "grade"],
    },
    Question {
        name: "Q6",
        sql: include_str!("queries/q06.sql"),
        columns: &["publication", "grade", "contracts", "quantity"],
    },
    Question {
        name: "Q7",
        sql: include_str!("queries/q07.sql"),
        columns: &["grade", "contracts", "quantity", "amount"],
    },
    Question {
        name: "Q8",
        sql: include_str!("queries/q08.sql"),
        columns: &["sid", "grade", "contracts", "cost_min", "cost_max"],
    },
    Question { name: "Q9", sql: include_str!("queries/q09.sql"), columns: &["region", "grade", "amount"] },
    Question {
        name: "Q10",
        sql: include_str!("queries/q10.sql"),
        columns: &["category", "contracts", "margin_min", "margin_max"],
    },
    Question {
        name: "Q11",
        sql: include_str!("queries/q11.sql"),
        columns: &["day", "grade", "contracts", "amount"],
    },
    Question {
        name: "Q12",
        sql: include_str!("queries/q12.sql"),
        columns: &["grade", "contracts", "amount"],
    },
];

const CONTRACT: &[&str] = &["pid", "sid", "cost", "qty", "grade"];
