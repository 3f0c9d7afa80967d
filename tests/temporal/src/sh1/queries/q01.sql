-- Contract 1 as it holds on day 166, as known now (publication 24).
SELECT pid, sid, cost, qty, grade
FROM contracts
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
WHERE id = 1
