-- T7: what is known now, by saying nothing.
SELECT avg(o_totalprice) AS average, count(*) AS n
  FROM orders FOR VALID_TIME AS OF $a
