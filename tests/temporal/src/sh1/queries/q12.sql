-- By grade: contracts that held on day 166 as known at publication 12 and no longer as known at publication 18, and
-- what they were worth.
SELECT grade, count(*) AS contracts, sum(cost * qty) AS amount
FROM contracts
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-06-29T00:00:00Z' AS earlier
WHERE NOT EXISTS (
    SELECT 1
    FROM contracts
        FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
        FOR SYSTEM_TIME AS OF TIMESTAMP '2024-09-27T00:00:00Z' AS later
    WHERE later.id = earlier.id
)
GROUP BY grade
ORDER BY grade
