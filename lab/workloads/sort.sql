-- A report that sorts 400,000 rows, as one of several users asks for at once.
SELECT count(*), max(length(name)) FROM (
    SELECT md5(number::text) || md5((number + 1)::text) AS name
    FROM generate_series(1, 400000) AS number ORDER BY 1 OFFSET 0
) AS report;
