-- T2: a table that grows, and is changed little.
SELECT avg(o_totalprice) AS average, count(*) AS n
  FROM orders FOR VALID_TIME AS OF $a FOR SYSTEM_TIME AS OF $s
