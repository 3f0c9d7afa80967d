-- Contracts, quantity and value by grade on day 166, as known now.
SELECT grade, count(*) AS contracts, sum(qty) AS quantity, sum(cost * qty) AS amount
FROM contracts
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
GROUP BY grade
ORDER BY grade
