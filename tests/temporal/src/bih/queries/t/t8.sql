-- T8: T2 with valid time in plain predicates.
SELECT avg(o_totalprice) AS average, count(*) AS n
  FROM orders FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s
 WHERE _valid_from <= $a AND (_valid_to IS NULL OR _valid_to > $a)
