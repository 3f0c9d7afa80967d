-- B3: other parts offered by the suppliers of a part, by how many pairs of offers, and what these cost.
SELECT q.ps_partkey, count(*) AS pairs, sum(q.ps_supplycost) AS cost
  FROM {partsupp} AS p
  JOIN {partsupp} AS q ON q.ps_suppkey = p.ps_suppkey{correlated}
 WHERE p.ps_partkey = $part AND q.ps_partkey <> $part
 GROUP BY q.ps_partkey
