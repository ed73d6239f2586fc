-- Processes that share the apps out among themselves.
CREATE TABLE autoscale.member (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    seen_at timestamptz NOT NULL,
    apps integer NOT NULL
);

-- Who runs the apps of a shard: its owner until lease_until. The epoch rises with each claim.
CREATE TABLE autoscale.shard (
    n smallint PRIMARY KEY,
    owner uuid,
    epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO autoscale.shard (n) SELECT n FROM generate_series(0, 1023) AS n;
CREATE INDEX shard_owner ON autoscale.shard (owner);

-- The state of an app, as its last holder saved it: the epoch is that holder's, and its saves are counted, so that one that
-- comes late undoes none that came after it.
CREATE TABLE autoscale.app (
    key text PRIMARY KEY,
    shard smallint NOT NULL,
    ledger bytea,
    epoch bigint NOT NULL DEFAULT 0,
    saves bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The history. `json`, not `jsonb`: a line comes back as it was written.
CREATE TABLE autoscale.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app text NOT NULL,
    at timestamptz NOT NULL,
    event json NOT NULL
);
CREATE INDEX event_app ON autoscale.event (app, id);
CREATE INDEX event_at ON autoscale.event (at);

-- What operators ask of apps that another process holds.
CREATE TABLE autoscale.command (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    command jsonb NOT NULL,
    taken_at timestamptz
);
CREATE INDEX command_waiting ON autoscale.command (id) WHERE taken_at IS NULL;
