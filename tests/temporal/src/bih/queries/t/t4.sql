-- T4: the largest changes of T3.
SELECT o.ps_partkey, o.ps_suppkey, abs(n.ps_supplycost - o.ps_supplycost) AS change
  FROM partsupp FOR VALID_TIME AS OF $a1 FOR SYSTEM_TIME AS OF $s1 AS o
  JOIN partsupp FOR VALID_TIME AS OF $a2 FOR SYSTEM_TIME AS OF $s2 AS n
    ON n.ps_partkey = o.ps_partkey AND n.ps_suppkey = o.ps_suppkey
 WHERE n.ps_supplycost <> o.ps_supplycost
 ORDER BY change DESC, o.ps_partkey, o.ps_suppkey
 LIMIT 10
