-- Least, greatest and number of different costs of contract 1 over days 150 to 209, as known now. Periods begin and end
-- with days, so that every piece that overlaps the window holds on one of its days.
SELECT min(cost) AS cost_min, max(cost) AS cost_max, count(DISTINCT cost) AS costs
FROM contracts
    FOR VALID_TIME FROM TIMESTAMP '2024-05-30T00:00:00Z' TO TIMESTAMP '2024-07-29T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
WHERE id = 1
