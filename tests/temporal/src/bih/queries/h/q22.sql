-- Customers with money and without orders, by the code of their country (TPC-H Q22).
SELECT code, count(*) AS n, sum(c_acctbal) AS balance
  FROM (SELECT substr(c_phone, 1, 2) AS code, c_acctbal
          FROM {customer}
         WHERE substr(c_phone, 1, 2) IN ('13', '31', '23', '29', '30', '18', '17')
           AND c_acctbal > (SELECT avg(c_acctbal) FROM {customer} WHERE c_acctbal > 0.00)
           AND NOT EXISTS (SELECT * FROM {orders} WHERE o_custkey = c_custkey)) AS idle
 GROUP BY code
