-- Orders of a shop: 320 MiB in a table and its index, written once and read twice.
CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY, customer INT, text CHAR(240), KEY (customer)) ENGINE=InnoDB;
INSERT INTO shop.orders SELECT seq, seq % 977, REPEAT(CHAR(65 + seq % 26), 240) FROM shop.seq_1_to_300000;
INSERT INTO shop.orders SELECT seq, seq % 977, REPEAT(CHAR(65 + seq % 26), 240) FROM shop.seq_300001_to_600000;
INSERT INTO shop.orders SELECT seq, seq % 977, REPEAT(CHAR(65 + seq % 26), 240) FROM shop.seq_600001_to_900000;
SELECT COUNT(*), SUM(LENGTH(text)) FROM shop.orders;
SELECT COUNT(*), SUM(LENGTH(text)) FROM shop.orders;
