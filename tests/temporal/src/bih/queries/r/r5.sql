-- R5: periods in which a customer had less than 5000 while holding a large order.
SELECT count(*) AS n, sum(o_totalprice) AS total, count(_valid_to) AS ended
  FROM temporal_join(
         (SELECT c_custkey AS custkey, c_acctbal, _valid_from, _valid_to
            FROM customer FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s
           WHERE c_acctbal < 5000),
         (SELECT o_custkey AS custkey, o_orderkey, o_totalprice, _valid_from, _valid_to
            FROM orders FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s
           WHERE o_totalprice > 150000),
         on => 'custkey', period => 'valid')
