-- T1: a table of which the rows stay and the values move.
SELECT avg(ps_supplycost) AS average, count(*) AS n
  FROM partsupp FOR VALID_TIME AS OF $a FOR SYSTEM_TIME AS OF $s
