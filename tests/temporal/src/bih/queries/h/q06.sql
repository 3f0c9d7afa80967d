-- What discounts cost (TPC-H Q6).
SELECT sum(l_extendedprice * l_discount) AS revenue
  FROM {lineitem}
 WHERE l_shipdate >= $day - INTERVAL '1' YEAR AND l_shipdate < $day + INTERVAL '1' YEAR
   AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24
