-- K2: those of K1 within a range.
SELECT c_custkey, c_acctbal, c_address, _valid_from, _valid_to, _system_from, _system_to
  FROM {customer_within}
 WHERE c_custkey = $key
 ORDER BY {axis}
