-- Discounted revenue of parts handled by hand (TPC-H Q19).
SELECT sum(l_extendedprice * (1 - l_discount)) AS revenue
  FROM {lineitem}, {part}
 WHERE p_partkey = l_partkey AND l_shipmode IN ('AIR', 'REG AIR')
   AND ((p_brand LIKE 'Brand#1%' AND p_container LIKE 'SM%' AND l_quantity BETWEEN 1 AND 25
         AND p_size BETWEEN 1 AND 15)
     OR (p_brand LIKE 'Brand#2%' AND p_container LIKE 'MED%' AND l_quantity BETWEEN 10 AND 35
         AND p_size BETWEEN 1 AND 30)
     OR (p_brand LIKE 'Brand#3%' AND p_container LIKE 'LG%' AND l_quantity BETWEEN 20 AND 45
         AND p_size BETWEEN 1 AND 45))
