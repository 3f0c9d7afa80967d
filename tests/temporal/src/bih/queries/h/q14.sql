-- What a promotion brings (TPC-H Q14).
SELECT sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END) AS promotion,
       sum(l_extendedprice * (1 - l_discount)) AS revenue
  FROM {lineitem}, {part}
 WHERE l_partkey = p_partkey AND l_shipdate >= $day - INTERVAL '30' DAY AND l_shipdate < $day + INTERVAL '30' DAY
