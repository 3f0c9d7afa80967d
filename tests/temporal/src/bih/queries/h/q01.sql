-- Pricing summary (TPC-H Q1).
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS quantity, sum(l_extendedprice) AS price,
       sum(l_extendedprice * (1 - l_discount)) AS discounted,
       sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS charged,
       avg(l_extendedprice) AS mean_price, avg(l_discount) AS mean_discount, count(*) AS n
  FROM {lineitem}
 WHERE l_shipdate <= $day - INTERVAL '5' DAY
 GROUP BY l_returnflag, l_linestatus
