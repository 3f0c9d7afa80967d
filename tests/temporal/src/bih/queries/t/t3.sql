-- T3: a table at one point against itself at another.
SELECT o.ps_partkey, o.ps_suppkey, o.ps_supplycost AS cost_then, n.ps_supplycost AS cost_now
  FROM partsupp FOR VALID_TIME AS OF $a1 FOR SYSTEM_TIME AS OF $s1 AS o
  JOIN partsupp FOR VALID_TIME AS OF $a2 FOR SYSTEM_TIME AS OF $s2 AS n
    ON n.ps_partkey = o.ps_partkey AND n.ps_suppkey = o.ps_suppkey
 WHERE n.ps_supplycost <> o.ps_supplycost
