//! A defect in one statement is that statement's alone.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};

use super::store::TestStore;
use crate::{SqlError, SqlRequest};

#[tokio::test]
async fn a_panic_is_the_error_of_one_statement() {
    let mut store = TestStore::loans().await;
    let planted = |_: &[ColumnarValue]| -> datafusion::error::Result<ColumnarValue> { panic!("planted") };
    let planted = std::sync::Arc::new(planted);
    store.engine.plant(create_udf(
        "planted",
        vec![DataType::Int64],
        DataType::Int64,
        Volatility::Volatile,
        planted,
    ));
    for text in [
        "SELECT planted(id) FROM loans",
        "SELECT id FROM loans ORDER BY planted(id)",
        "SELECT sum(planted(value)) FROM generate_series(1, 100000)",
        "SELECT a.id FROM loans a JOIN loans b ON planted(a.id) = b.id",
    ] {
        let error = match store.engine.query(&SqlRequest::new(text)).await {
            Err(error) => error,
            Ok(answer) => answer.collect().await.map(drop).unwrap_err(),
        };
        assert!(matches!(&error, SqlError::Internal(what) if what.contains("planted")), "{text}: {error}");
        assert_eq!((store.engine.memory_held(), store.spilled_files()), (0, 0), "{text}");
        assert_eq!(store.ask("SELECT count(*) FROM loans").await.unwrap(), "2\n");
    }
}
