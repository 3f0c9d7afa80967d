-- K4: the last versions.
SELECT c_custkey, c_acctbal, c_address, _valid_from, _valid_to, _system_from, _system_to
  FROM {customer}
 WHERE c_custkey = $key
 ORDER BY {axis_down}
 LIMIT 3
