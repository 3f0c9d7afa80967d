-- Contracts, least and greatest cost by supplier and grade on day 166, as known at publication 12.
SELECT sid, grade, count(*) AS contracts, min(cost) AS cost_min, max(cost) AS cost_max
FROM contracts
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-06-29T00:00:00Z'
GROUP BY sid, grade
ORDER BY sid, grade
