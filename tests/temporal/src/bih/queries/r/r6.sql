-- R6: how many of R5's periods there are at a time, and what the orders are worth.
SELECT n, total, _valid_from, _valid_to
  FROM temporal_aggregate(
         (SELECT o_totalprice, _valid_from, _valid_to
            FROM temporal_join(
                   (SELECT c_custkey AS custkey, c_acctbal, _valid_from, _valid_to
                      FROM customer FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s
                     WHERE c_acctbal < 5000),
                   (SELECT o_custkey AS custkey, o_orderkey, o_totalprice, _valid_from, _valid_to
                      FROM orders FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s
                     WHERE o_totalprice > 150000),
                   on => 'custkey', period => 'valid')),
         period => 'valid', n => count(*), total => sum(o_totalprice))
 ORDER BY _valid_from
