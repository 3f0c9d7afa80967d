//! The benchmark after TPC-BiH at its smallest scale: every question of classes T, K, R, B and H.

use calotype_temporal::bih::base::Thousandths;
use calotype_temporal::bih::check::check_all;
use calotype_temporal::bih::history::{History, Scale};
use calotype_temporal::bih::load;
use calotype_temporal::bih::oracle::Oracle;
use calotype_temporal::bih::queries::{Instants, questions, states, tpch_questions};

use crate::served::Served;

/// Scenarios that are put in one call.
const TOGETHER: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_question_is_answered_as_the_oracle_answers_it() {
    let served = Served::start().await;
    let scale = "0.001".parse::<Thousandths>().unwrap();
    let history = History::generate(Scale { base: scale, history: scale, seed: 1 });
    let oracle = Oracle::new(&history.facts);
    load::create(&served.client).await.unwrap();
    load::put_scenarios(&served.client, &history, [0].into_iter()).await.unwrap();
    for scenarios in history.scenarios.chunks(TOGETHER) {
        let numbers = scenarios.iter().map(|scenario| scenario.number);
        load::put_scenarios(&served.client, &history, numbers).await.unwrap();
    }
    load::go_live(&served.client).await.unwrap();
    for state in states(Instants::of(&history).unwrap()) {
        load::put_state(&served.client, &oracle, state.point, state.suffix).await.unwrap();
    }
    let mut all = questions(&history, &oracle).unwrap();
    all.extend(tpch_questions(&history).unwrap());
    check_all(&all, async |sql| served.ask(sql).await).await.unwrap();
}
