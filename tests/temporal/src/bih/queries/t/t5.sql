-- T5, ALL: the whole history, the yardstick for the rest.
SELECT count(*) AS n, sum(o_totalprice) AS total, count(_valid_to) AS ended, count(_system_to) AS superseded,
       min(_system_from) AS first, max(_system_from) AS newest
  FROM orders FOR VALID_TIME ALL FOR SYSTEM_TIME ALL
