-- A nation's share of a market, by year (TPC-H Q8).
SELECT year, sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) AS share, sum(volume) AS volume
  FROM (SELECT date_part('year', o_orderdate) AS year, l_extendedprice * (1 - l_discount) AS volume,
               n2.n_name AS nation
          FROM {part}, {supplier}, {lineitem}, {orders}, {customer}, {nation} AS n1, {nation} AS n2, {region}
         WHERE p_partkey = l_partkey AND s_suppkey = l_suppkey AND l_orderkey = o_orderkey
           AND o_custkey = c_custkey AND c_nationkey = n1.n_nationkey AND n1.n_regionkey = r_regionkey
           AND r_name = 'AMERICA' AND s_nationkey = n2.n_nationkey AND p_type LIKE 'ECONOMY%') AS markets
 GROUP BY year
