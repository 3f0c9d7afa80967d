-- Late orders by priority (TPC-H Q4).
SELECT o_orderpriority, count(*) AS n
  FROM {orders}
 WHERE o_orderdate >= $day - INTERVAL '180' DAY AND o_orderdate < $day
   AND EXISTS (SELECT * FROM {lineitem} WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate)
 GROUP BY o_orderpriority
