-- By the product's category: different contracts, least and greatest margin over days 150 to 209 on which both contract
-- and product hold, as known now. Periods begin and end with days, so that every overlap that overlaps the window holds
-- on one of its days.
SELECT category, count(DISTINCT id) AS contracts, min(retail - cost) AS margin_min, max(retail - cost) AS margin_max
FROM temporal_join(
    (
        SELECT id, pid, cost, _valid_from, _valid_to
        FROM contracts
            FOR VALID_TIME FROM TIMESTAMP '2024-05-30T00:00:00Z' TO TIMESTAMP '2024-07-29T00:00:00Z'
            FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
    ),
    (
        SELECT id AS pid, category, retail, _valid_from, _valid_to
        FROM products
            FOR VALID_TIME FROM TIMESTAMP '2024-05-30T00:00:00Z' TO TIMESTAMP '2024-07-29T00:00:00Z'
            FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
    ),
    on => 'pid',
    period => 'valid',
    kind => 'inner'
)
WHERE _valid_from < TIMESTAMP '2024-07-29T00:00:00Z'
    AND (_valid_to IS NULL OR _valid_to > TIMESTAMP '2024-05-30T00:00:00Z')
GROUP BY category
ORDER BY category
