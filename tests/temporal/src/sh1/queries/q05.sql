-- Contract 1 on day 166 as each of the 25 publications knew it; nulls where it was absent. Its rectangles are read once.
WITH publications AS (
    SELECT publication, CAST(DATE '2024-01-01' + 15 * publication AS TIMESTAMP) AS published_at
    FROM (SELECT value AS publication FROM range(0, 25))
),
known AS (
    SELECT pid, sid, cost, qty, grade, _system_from, _system_to
    FROM contracts
        FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
        FOR SYSTEM_TIME ALL
    WHERE id = 1
)
SELECT publication, pid, sid, cost, qty, grade
FROM publications
LEFT JOIN known
    ON _system_from <= published_at AND (_system_to IS NULL OR published_at < _system_to)
ORDER BY publication
