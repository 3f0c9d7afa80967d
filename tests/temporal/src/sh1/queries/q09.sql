-- Value of contracts by the supplier's region and the contract's grade on day 166, as known now.
SELECT suppliers.region, contracts.grade, sum(contracts.cost * contracts.qty) AS amount
FROM contracts
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
JOIN suppliers
    FOR VALID_TIME AS OF TIMESTAMP '2024-06-15T00:00:00Z'
    FOR SYSTEM_TIME AS OF TIMESTAMP '2024-12-26T00:00:00Z'
    ON contracts.sid = suppliers.id
GROUP BY suppliers.region, contracts.grade
ORDER BY suppliers.region, contracts.grade
