-- What is left of the requests that services allow, for all processes that use the same token; the token cannot be found
-- from its hash.
CREATE TABLE autoscale.budget (
    upstream text NOT NULL,
    token_hash bigint NOT NULL,
    tokens double precision NOT NULL,
    at timestamptz NOT NULL,
    closed_until timestamptz,
    PRIMARY KEY (upstream, token_hash)
);
