//! Twelve scripted histories that between them do everything that writes.

use calotype_oracle::{EventsShape, Seed, StatementShape, events_history, statement_history};
use calotype_storage::record::Mode;

use crate::script::{Act, Action, Script, Step, create, delta, events, full, materialise, replace, withdraw};

fn one(action: Action) -> Step {
    Step::Send(vec![action])
}

fn each(actions: impl IntoIterator<Item = Action>) -> Vec<Step> {
    actions.into_iter().map(one).collect()
}

fn script(name: &'static str, steps: Vec<Step>) -> Script {
    Script { name, steps }
}

fn create_events() -> Action {
    let mode = Mode::Events;
    Action::new("events", Act::Create { mode, import: false })
}

fn at(seconds: i64, action: Action) -> Action {
    Action { recorded_at: Some(seconds), ..action }
}

fn labelled(column: &'static str, action: Action) -> Action {
    Action { column, ..action }
}

/// The shortest history: one put.
pub fn one_put() -> Script {
    script("one put", each([create("state"), full(10, &[(1, 1)])]))
}

/// Three commits.
pub fn three_commits() -> Script {
    let steps = [create("state"), full(10, &[(1, 1)]), delta(20, &[(1, None), (2, Some(2))])];
    script("three commits", each(steps))
}

/// All twelve.
pub fn all() -> Vec<Script> {
    vec![
        one_put(),
        three_commits(),
        late_corrections(),
        withdrawals(),
        replacements(),
        facts(),
        groups(),
        two_contexts(),
        import(),
        renaming(),
        keyframes(),
        reopenings(),
    ]
}

/// One of everything, for tests that damage what it leaves.
pub fn everything() -> Script {
    let steps = [
        create("state"),
        create_events(),
        full(10, &[(1, 1), (2, 2), (3, 3)]),
        events(&[(1, 0, Some(30), Some(1)), (2, 5, None, Some(2))]),
        delta(20, &[(1, Some(2)), (2, None)]),
        materialise(20),
        events(&[(1, 10, Some(20), None)]),
        Action::new("state", Act::Rename("v", "w")),
        labelled("w", full(10, &[(1, 5), (4, 4)])),
        withdraw(20),
        labelled("w", delta(30, &[(3, Some(8))])),
    ];
    script("everything", each(steps))
}

/// A history by lot: statements and facts, alone and in groups, keyframes, renamings, reopenings.
pub fn by_lot(mut seed: Seed) -> Script {
    let shape = StatementShape { operations: 10, cutoffs: 4, keys: 3, values: 3 };
    let mut statements = statement_history(Seed::new(seed.bits()), shape).into_iter();
    let shape = EventsShape { puts: 5, rows_max: 3, instants: 12, keys: 2, values: 3 };
    let mut facts = events_history(Seed::new(seed.bits()), shape).into_iter();
    let mut steps = vec![Step::Send(vec![create("state"), create_events()])];
    let (mut column, mut other) = ("v", "w");
    loop {
        let mut group = Vec::new();
        for _ in 0..=seed.below(3) {
            let statement = statements.next().map(|o| labelled(column, Action::new("state", Act::State(o))));
            group.extend(statement);
            let fact = if seed.percent(40) { facts.next() } else { None };
            group.extend(fact.map(|put| Action::new("events", Act::Events(put))));
        }
        if group.is_empty() {
            return script("by lot", steps);
        }
        steps.push(Step::Send(group));
        match seed.below(10) {
            0 => steps.push(Step::Reopen),
            1 | 2 => steps.push(one(materialise(5 + i64::from(seed.below(40))))),
            3 => {
                steps.push(one(Action::new("state", Act::Rename(column, other))));
                std::mem::swap(&mut column, &mut other);
            }
            _ => {}
        }
    }
}

fn late_corrections() -> Script {
    let steps = [
        create("state"),
        full(10, &[(1, 1), (2, 2)]),
        delta(20, &[(1, Some(1))]),
        full(30, &[(1, 3)]),
        full(10, &[(1, 9), (3, 3)]),
        delta(15, &[(2, Some(7)), (3, None)]),
    ];
    script("late corrections", each(steps))
}

fn withdrawals() -> Script {
    let steps = [
        create("state"),
        full(10, &[(1, 1)]),
        delta(20, &[(1, Some(2)), (2, Some(2))]),
        withdraw(20),
        withdraw(20),
        delta(20, &[(2, Some(5))]),
        full(10, &[(1, 9)]),
        withdraw(10),
    ];
    script("withdrawals", each(steps))
}

fn replacements() -> Script {
    let steps = [
        create("state"),
        full(10, &[(1, 1), (2, 1)]),
        delta(20, &[(1, Some(2)), (2, Some(2))]),
        replace(20, &[(2, Some(3))]),
        replace(30, &[(1, None)]),
        full(10, &[(2, 8)]),
    ];
    script("replacements", each(steps))
}

fn facts() -> Script {
    let steps = [
        create_events(),
        events(&[(1, 0, Some(30), Some(1)), (2, 5, None, Some(2))]),
        events(&[(1, 10, Some(20), None), (1, 15, None, Some(4))]),
        events(&[(2, 3, None, Some(6)), (3, 0, None, Some(7))]),
        events(&[(3, 8, Some(9), None)]),
    ];
    script("facts", each(steps))
}

fn groups() -> Script {
    let steps = vec![
        one(create("state")),
        Step::Send(vec![
            full(10, &[(1, 1), (2, 2)]),
            delta(20, &[(1, Some(2))]),
            delta(20, &[(2, None)]),
            full(10, &[(2, 3)]),
        ]),
        Step::Send(vec![
            withdraw(20),
            delta(15, &[(3, Some(3))]),
            withdraw(99),
            delta(15, &[(3, None), (1, Some(1))]),
        ]),
    ];
    script("group commits", steps)
}

fn two_contexts() -> Script {
    let steps = vec![
        Step::Send(vec![create("state"), create_events()]),
        Step::Send(vec![
            full(10, &[(1, 1)]),
            events(&[(1, 0, None, Some(1))]),
            delta(20, &[(2, Some(2))]),
            events(&[(2, 4, Some(9), Some(2))]),
        ]),
        one(events(&[(1, 5, None, None)])),
        one(withdraw(10)),
    ];
    script("two contexts", steps)
}

fn import() -> Script {
    let mode = Mode::State;
    let steps = [
        Action::new("state", Act::Create { mode, import: true }),
        at(-900, full(10, &[(1, 1), (2, 2)])),
        at(-800, delta(20, &[(1, Some(5))])),
        at(-700, full(10, &[(2, 3)])),
        at(-800, delta(20, &[(2, None)])),
        at(-600, withdraw(20)),
        Action::new("state", Act::GoLive),
        delta(30, &[(1, Some(7))]),
    ];
    script("import", each(steps))
}

fn renaming() -> Script {
    let steps = [
        create("state"),
        full(10, &[(1, 1), (2, 2)]),
        Action::new("state", Act::Rename("v", "w")),
        labelled("w", delta(20, &[(1, Some(2))])),
        labelled("w", full(10, &[(1, 4)])),
        Action::new("state", Act::Rename("w", "v")),
        delta(30, &[(2, Some(1))]),
    ];
    script("renaming", each(steps))
}

fn keyframes() -> Script {
    let steps = [
        create("state"),
        full(10, &[(1, 1), (2, 2)]),
        delta(20, &[(1, Some(2)), (2, None)]),
        materialise(20),
        full(10, &[(1, 5), (3, 3)]),
        materialise(12),
        withdraw(20),
        delta(30, &[(3, None)]),
    ];
    script("keyframes", each(steps))
}

fn reopenings() -> Script {
    let mut steps = each([create("state"), full(10, &[(1, 1)])]);
    steps.push(Step::Reopen);
    steps.push(one(delta(20, &[(1, Some(2))])));
    steps.push(Step::Reopen);
    steps.push(one(full(10, &[(2, 2)])));
    script("reopenings", steps)
}
