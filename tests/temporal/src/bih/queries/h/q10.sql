-- Customers by what they ordered lately (TPC-H Q10).
SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, c_acctbal, n_name, c_address,
       c_phone, c_comment
  FROM {customer}, {orders}, {lineitem}, {nation}
 WHERE c_custkey = o_custkey AND l_orderkey = o_orderkey AND c_nationkey = n_nationkey
   AND o_orderdate >= $day - INTERVAL '90' DAY AND o_orderdate < $day
 GROUP BY c_custkey, c_name, c_acctbal, c_phone, n_name, c_address, c_comment
 ORDER BY revenue DESC, c_custkey
 LIMIT 20
