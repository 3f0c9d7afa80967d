//! Operators as functions: `||`, so that it is bounded as functions are, and integers' `+`, `-` and `*`, which are right or
//! end the statement. A null on either side gives a null.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef};
use datafusion::arrow::compute::kernels::concat_elements::concat_elements_dyn;
use datafusion::arrow::compute::kernels::numeric::{add, mul, sub};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;
use datafusion::scalar::ScalarValue;

/// `left operator right`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    operator: Operator,
    name: &'static str,
    signature: Signature,
}

impl Operation {
    /// `||`, `+`, `-` or `*`; `None` for all others.
    pub(crate) fn new(operator: Operator) -> Option<Self> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others stay as they are")]
        let name = match operator {
            Operator::StringConcat => "||",
            Operator::Plus => "+",
            Operator::Minus => "-",
            Operator::Multiply => "*",
            _ => return None,
        };
        Some(Self { operator, name, signature: Signature::user_defined(Volatility::Immutable) })
    }

    /// Whether it works out a number.
    pub(crate) fn is_arithmetic(&self) -> bool {
        self.operator != Operator::StringConcat
    }

    fn coercer<'a>(&'a self, types: &'a [DataType]) -> Result<BinaryTypeCoercer<'a>> {
        let [left, right] = types else {
            return datafusion::common::plan_err!("{} has two sides; found {}", self.name, types.len());
        };
        Ok(BinaryTypeCoercer::new(left, &self.operator, right))
    }
}

impl ScalarUDFImpl for Operation {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|argument| argument.schema_name().to_string()).collect();
        Ok(names.join(&format!(" {} ", self.name)))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (left, right) = self.coercer(types)?.get_input_types()?;
        Ok(vec![left, right])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.coercer(types)?.get_result_type()
    }

    /// Null where a side can be, as of the operator: plans above keep what they were told of it.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name, self.return_type(&types)?, nullable)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return datafusion::common::internal_err!(
                "{} has two sides; found {}",
                self.name,
                args.args.len()
            );
        };
        #[expect(clippy::wildcard_enum_match_arm, reason = "there is no other: see `new`")]
        match self.operator {
            Operator::Plus => apply(left, right, add),
            Operator::Minus => apply(left, right, sub),
            Operator::Multiply => apply(left, right, mul),
            _ => {
                let is_scalar = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
                let rows = if is_scalar { 1 } else { args.number_rows };
                let side = |side: &ColumnarValue| side.clone().into_array(rows);
                let joined = concat_elements_dyn(&side(left)?, &side(right)?)?;
                if is_scalar {
                    return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?));
                }
                Ok(ColumnarValue::Array(Arc::clone(&joined)))
            }
        }
    }
}
