-- Profit by nation and year (TPC-H Q9).
SELECT nation, year, sum(amount) AS profit
  FROM (SELECT n_name AS nation, date_part('year', o_orderdate) AS year,
               l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity AS amount
          FROM {part}, {supplier}, {lineitem}, {partsupp}, {orders}, {nation}
         WHERE s_suppkey = l_suppkey AND ps_suppkey = l_suppkey AND ps_partkey = l_partkey
           AND p_partkey = l_partkey AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey
           AND p_name LIKE '%green%') AS profits
 GROUP BY nation, year
