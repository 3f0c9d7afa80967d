-- R7: suppliers who raised a price by more than 7.5 % at once.
SELECT DISTINCT p.ps_suppkey
  FROM partsupp FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s AS p
  JOIN partsupp FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s AS q
    ON q.ps_partkey = p.ps_partkey AND q.ps_suppkey = p.ps_suppkey AND q._valid_from = p._valid_to
 WHERE q.ps_supplycost * 1000 > p.ps_supplycost * 1075
