-- K6: versions by a value in place of a key.
SELECT c_custkey, c_acctbal, c_address, _valid_from, _valid_to, _system_from, _system_to
  FROM {customer}
 WHERE c_acctbal > $balance
 ORDER BY {axis}, c_custkey
