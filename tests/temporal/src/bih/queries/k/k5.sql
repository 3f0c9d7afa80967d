-- K5: what was just before the version that holds at a point, by its end.
SELECT q.c_acctbal, q._valid_from, q._valid_to, q._system_from, q._system_to
  FROM {customer} AS p
  JOIN {customer} AS q ON q.c_custkey = p.c_custkey AND {just_before}
 WHERE p.c_custkey = $key AND {given}
