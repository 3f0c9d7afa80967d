-- K3: K2 with one column only.
SELECT c_acctbal
  FROM {customer_within}
 WHERE c_custkey = $key
 ORDER BY {axis}
