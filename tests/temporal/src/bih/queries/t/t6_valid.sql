-- T6: a point of valid time, all of system time.
SELECT count(*) AS n, sum(ps_supplycost) AS cost, count(_system_to) AS superseded
  FROM partsupp FOR VALID_TIME AS OF $a FOR SYSTEM_TIME ALL
