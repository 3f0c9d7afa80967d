-- R1: customers whose balance passed a limit within a range.
SELECT DISTINCT p.c_custkey
  FROM customer FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s AS p
  JOIN customer FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s AS q
    ON q.c_custkey = p.c_custkey AND q._valid_from = p._valid_to
 WHERE p.c_acctbal < 5000 AND q.c_acctbal >= 5000 AND q._valid_from >= $a1 AND q._valid_from < $a2
