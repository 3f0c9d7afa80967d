-- Contracts and value by grade on each of days 150 to 209, as known now: one sweep over the pieces gives the totals for
-- all of the window, which are then looked at on each day.
WITH days AS (
    SELECT day, CAST(DATE '2024-01-01' + day AS TIMESTAMP) AS begins_at
    FROM (SELECT value AS day FROM range(150, 210))
),
totals AS (
    SELECT grade, contracts, amount, _valid_from, _valid_to
    FROM temporal_aggregate(
        (
            SELECT grade, cost, qty, _valid_from, _valid_to
            FROM contracts
                FOR VALID_TIME FROM TIMESTAMP '2024-05-30T00:00:00Z' TO TIMESTAMP '2024-07-29T00:00:00Z'
                FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
        ),
        by => 'grade',
        period => 'valid',
        contracts => count(*),
        amount => sum(cost * qty)
    )
)
SELECT day, grade, contracts, amount
FROM days
JOIN totals
    ON _valid_from <= begins_at AND (_valid_to IS NULL OR begins_at < _valid_to)
ORDER BY day, grade
