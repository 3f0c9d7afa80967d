-- How many contracts of each grade hold on day 166 and their quantities, as each of the 25 publications knew them: one
-- sweep over the rectangles gives the totals for all system times, which are then looked at when something was published.
WITH publications AS (
    SELECT publication, CAST(DATE '2024-01-01' + 15 * publication AS TIMESTAMP) AS published_at
    FROM (SELECT value AS publication FROM range(0, 25))
),
totals AS (
    SELECT grade, contracts, quantity, _system_from, _system_to
    FROM temporal_aggregate(
        (
            SELECT grade, qty, _system_from, _system_to
            FROM contracts
                FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
                FOR SYSTEM_TIME ALL
        ),
        by => 'grade',
        period => 'system',
        contracts => count(*),
        quantity => sum(qty)
    )
)
SELECT publication, grade, contracts, quantity
FROM publications
JOIN totals
    ON _system_from <= published_at AND (_system_to IS NULL OR published_at < _system_to)
ORDER BY publication, grade
