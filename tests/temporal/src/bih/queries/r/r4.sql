-- R4: the offers whose stock moved least, of those whose stock or price changed.
SELECT ps_partkey, ps_suppkey, max(ps_availqty) - min(ps_availqty) AS spread
  FROM partsupp FOR VALID_TIME FROM $a1 TO $a2 FOR SYSTEM_TIME AS OF $s
 GROUP BY ps_partkey, ps_suppkey
HAVING count(*) > 1
 ORDER BY spread, ps_partkey, ps_suppkey
 LIMIT 10
