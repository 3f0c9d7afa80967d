-- R3b: number and value of items on their way, over time.
SELECT n, price, _valid_from, _valid_to
  FROM temporal_aggregate(
         (SELECT l_extendedprice, _valid_from, _valid_to
            FROM lineitem FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s),
         period => 'valid', n => count(*), price => sum(l_extendedprice))
 WHERE _valid_from >= $a1 AND _valid_from < $a2
 ORDER BY _valid_from
