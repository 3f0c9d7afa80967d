-- Stock that matters in a nation (TPC-H Q11).
SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS price
  FROM {partsupp}, {supplier}, {nation}
 WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey AND n_regionkey = 3
 GROUP BY ps_partkey
HAVING sum(ps_supplycost * ps_availqty) > (SELECT sum(ps_supplycost * ps_availqty) * 0.001
                                             FROM {partsupp}, {supplier}, {nation}
                                            WHERE ps_suppkey = s_suppkey AND s_nationkey = n_nationkey
                                              AND n_regionkey = 3)
