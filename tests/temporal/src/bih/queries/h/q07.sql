-- Volume shipped between two regions' nations, by year (TPC-H Q7).
SELECT supplying, ordering, year, sum(volume) AS revenue
  FROM (SELECT n1.n_name AS supplying, n2.n_name AS ordering, date_part('year', l_shipdate) AS year,
               l_extendedprice * (1 - l_discount) AS volume
          FROM {supplier}, {lineitem}, {orders}, {customer}, {nation} AS n1, {nation} AS n2
         WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND c_custkey = o_custkey
           AND s_nationkey = n1.n_nationkey AND c_nationkey = n2.n_nationkey
           AND n1.n_regionkey = 3 AND n2.n_regionkey = 1) AS shipping
 GROUP BY supplying, ordering, year
