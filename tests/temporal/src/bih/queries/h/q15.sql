-- The supplier with the greatest revenue (TPC-H Q15).
WITH revenues AS (SELECT l_suppkey AS suppkey, sum(l_extendedprice * (1 - l_discount)) AS revenue
                    FROM {lineitem}
                   WHERE l_shipdate >= $day - INTERVAL '90' DAY
                   GROUP BY l_suppkey)
SELECT s_suppkey, s_name, s_address, s_phone, revenue
  FROM {supplier}, revenues
 WHERE s_suppkey = suppkey AND revenue = (SELECT max(revenue) FROM revenues)
