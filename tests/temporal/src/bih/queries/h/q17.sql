-- What small quantities bring (TPC-H Q17).
SELECT sum(l_extendedprice) AS price, count(*) AS n
  FROM {lineitem}, {part}
 WHERE p_partkey = l_partkey AND p_size < 10
   AND l_quantity < (SELECT 0.5 * avg(l_quantity) FROM {lineitem} WHERE l_partkey = p_partkey)
