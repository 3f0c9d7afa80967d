-- R3a: the greatest number of items on their way, of those that a change within a range led to, and since when.
SELECT n, _valid_from
  FROM temporal_aggregate(
         (SELECT l_orderkey, _valid_from, _valid_to
            FROM lineitem FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s),
         period => 'valid', n => count(*))
 WHERE _valid_from >= $a1 AND _valid_from < $a2
 ORDER BY n DESC, _valid_from
 LIMIT 1
