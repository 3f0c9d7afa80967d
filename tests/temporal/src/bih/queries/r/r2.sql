-- R2: how long items took from order to delivery, by the way they are shipped.
SELECT l_shipmode, count(*) AS n, sum(days) AS days, max(days) AS longest
  FROM (SELECT l_shipmode,
               CAST((date_part('epoch', _valid_to) - date_part('epoch', _valid_from)) / 86400 AS BIGINT) AS days
          FROM lineitem FOR VALID_TIME ALL FOR SYSTEM_TIME AS OF $s
         WHERE l_linestatus = 'F' AND _valid_to IS NOT NULL) AS delivered
 GROUP BY l_shipmode
