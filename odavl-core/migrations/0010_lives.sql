-- When this life of the database server began: nothing is in it where the server lost its last moments.

CREATE TABLE lives (began BIGINT PRIMARY KEY);
