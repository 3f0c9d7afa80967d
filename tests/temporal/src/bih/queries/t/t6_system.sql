-- T6: a point of system time, all of valid time.
SELECT count(*) AS n, sum(ps_supplycost) AS cost, count(_valid_to) AS ended
  FROM partsupp FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s
