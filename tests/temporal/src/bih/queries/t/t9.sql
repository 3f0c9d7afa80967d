-- T9: T6 at a point of valid time, with valid time in plain predicates.
SELECT count(*) AS n, sum(ps_supplycost) AS cost, count(_system_to) AS superseded
  FROM partsupp FOR VALID_TIME ALL FOR SYSTEM_TIME ALL
 WHERE _valid_from <= $a AND (_valid_to IS NULL OR _valid_to > $a)
