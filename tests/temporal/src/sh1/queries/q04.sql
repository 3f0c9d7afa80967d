-- Contracts that hold on day 166 both as known at publication 12 and as known now, with another cost or quantity.
SELECT earlier.id
FROM contracts
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-06-29T00:00:00Z' AS earlier
JOIN contracts
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z' AS later
    ON earlier.id = later.id
WHERE earlier.cost <> later.cost OR earlier.qty <> later.qty
ORDER BY earlier.id
