//! `||` of texts as a function, so that it is bounded as functions are. A null on either side gives a null.

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::arrow::compute::kernels::concat_elements::concat_elements_dyn;
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// `left || right`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Concatenation {
    signature: Signature,
}

impl Concatenation {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Concatenation {
    fn name(&self) -> &'static str {
        "||"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|argument| argument.schema_name().to_string()).collect();
        Ok(names.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = types else {
            return datafusion::common::plan_err!("|| has two sides; found {}", types.len());
        };
        let (left, right) = BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_input_types()?;
        Ok(vec![left, right])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [left, right] = types else {
            return datafusion::common::plan_err!("|| has two sides; found {}", types.len());
        };
        BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_result_type()
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_scalar { 1 } else { args.number_rows };
        let sides: Result<Vec<_>> = args.args.into_iter().map(|value| value.into_array(rows)).collect();
        let sides = sides?;
        let [left, right] = sides.as_slice() else {
            return datafusion::common::internal_err!("|| has two sides; found {}", sides.len());
        };
        let joined = concat_elements_dyn(left, right)?;
        if is_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::clone(&joined)))
    }
}
