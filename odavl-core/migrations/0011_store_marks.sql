-- Of the store, one row each.

-- What it was marked with last, and before that: by it the store is known to be this database's.
CREATE TABLE store_marks (id BIGINT PRIMARY KEY, mark TEXT NOT NULL, replaced TEXT);

-- When the walk through its keys began that finds those that no row names, and past which key it goes on.
CREATE TABLE store_walks (id BIGINT PRIMARY KEY, begun BIGINT NOT NULL, past TEXT);
