package sqlite

// migrations are the steps from one version of the file to the next; user_version counts them. A step is never changed once it
// was released: a new version adds one. Times are ms UTC, 0 means none. Locks and checkpoints have no expiry.
func migrations() []string { return []string{version1, version2, versionPause, versionSlot} }

// version2 keeps what a service billed for a run, in its units.
const version2 = `
ALTER TABLE run ADD COLUMN read_units REAL NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN write_units REAL NOT NULL DEFAULT 0`

// versionSlot keeps the slot under which a checkpoint was bound.
const versionSlot = `
ALTER TABLE checkpoint ADD COLUMN slot INTEGER NOT NULL DEFAULT 0`

const version1 = `
CREATE TABLE lock (
	job         TEXT PRIMARY KEY,
	status      TEXT    NOT NULL,
	term        INTEGER NOT NULL,
	epoch       TEXT    NOT NULL,
	holder      TEXT    NOT NULL,
	stop        TEXT    NOT NULL,
	run_id      TEXT    NOT NULL,
	rvn         TEXT    NOT NULL,
	lease_until INTEGER NOT NULL,
	not_before  INTEGER NOT NULL,
	tries       INTEGER NOT NULL,
	progress    INTEGER NOT NULL,
	gen         INTEGER NOT NULL,
	error_code  TEXT    NOT NULL,
	error_text  TEXT    NOT NULL,
	prev_run    TEXT    NOT NULL,
	updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX lock_by_time ON lock (updated_at, job);
CREATE INDEX lock_by_status ON lock (status, updated_at, job);

CREATE TABLE checkpoint (
	job        TEXT    NOT NULL,
	stream     TEXT    NOT NULL,
	partition  TEXT    NOT NULL,
	seq        INTEGER NOT NULL,
	position   TEXT    NOT NULL,
	fence      INTEGER NOT NULL,
	term       INTEGER NOT NULL,
	attempt    TEXT    NOT NULL,
	owner      TEXT    NOT NULL,
	run_id     TEXT    NOT NULL,
	base       TEXT    NOT NULL,
	schema     TEXT    NOT NULL,
	total      INTEGER NOT NULL,
	nack_window TEXT   NOT NULL,
	drained    TEXT    NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (job, stream, partition)
) STRICT;

CREATE TABLE run (
	job          TEXT    NOT NULL,
	id           TEXT    NOT NULL,
	status       TEXT    NOT NULL,
	started_by   TEXT    NOT NULL,
	digest       TEXT    NOT NULL,
	input_sha256 TEXT    NOT NULL,
	input        TEXT    NOT NULL,
	snapshot     TEXT    NOT NULL,
	version      TEXT    NOT NULL,
	holder       TEXT    NOT NULL,
	epoch        TEXT    NOT NULL,
	steps        TEXT    NOT NULL,
	percent      INTEGER NOT NULL,
	error_code   TEXT    NOT NULL,
	error_text   TEXT    NOT NULL,
	notices      TEXT    NOT NULL,
	created_at   INTEGER NOT NULL,
	started_at   INTEGER NOT NULL,
	ended_at     INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL,
	` + counterDefinitions + `,
	PRIMARY KEY (job, id)
) STRICT;
CREATE INDEX run_by_time ON run (created_at, job, id);
CREATE INDEX run_by_job ON run (job, created_at, id);
CREATE INDEX run_by_status ON run (status, created_at, job, id);
CREATE INDEX run_expiry ON run (expires_at);

CREATE TABLE run_partition (
	job        TEXT    NOT NULL,
	run_id     TEXT    NOT NULL,
	stream     TEXT    NOT NULL,
	partition  TEXT    NOT NULL,
	last_seq   INTEGER NOT NULL,
	attempt    TEXT    NOT NULL,
	error_code TEXT    NOT NULL,
	error_text TEXT    NOT NULL,
	updated_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	` + counterDefinitions + `,
	PRIMARY KEY (job, run_id, stream, partition)
) STRICT;
CREATE INDEX run_partition_expiry ON run_partition (expires_at);

CREATE TABLE step (
	job        TEXT    NOT NULL,
	run_id     TEXT    NOT NULL,
	id         TEXT    NOT NULL,
	step       TEXT    NOT NULL,
	stream     TEXT    NOT NULL,
	partition  TEXT    NOT NULL,
	seq        INTEGER NOT NULL,
	attempt    TEXT    NOT NULL,
	status     TEXT    NOT NULL,
	records    INTEGER NOT NULL,
	error_code TEXT    NOT NULL,
	error_text TEXT    NOT NULL,
	started_at INTEGER NOT NULL,
	ended_at   INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	PRIMARY KEY (job, run_id, id)
) STRICT;
CREATE INDEX step_by_time ON step (job, run_id, started_at, id);
CREATE INDEX step_expiry ON step (expires_at);

CREATE TABLE log (
	job        TEXT    NOT NULL,
	run_id     TEXT    NOT NULL,
	id         TEXT    NOT NULL,
	time       INTEGER NOT NULL,
	level      INTEGER NOT NULL,
	step       TEXT    NOT NULL,
	text       TEXT    NOT NULL,
	attrs      TEXT    NOT NULL,
	expires_at INTEGER NOT NULL,
	PRIMARY KEY (job, run_id, id)
) STRICT;
CREATE INDEX log_by_time ON log (job, run_id, time, id);
CREATE INDEX log_expiry ON log (expires_at);

CREATE TABLE failure (
	job         TEXT    NOT NULL,
	id          TEXT    NOT NULL,
	run_id      TEXT    NOT NULL,
	stream      TEXT    NOT NULL,
	partition   TEXT    NOT NULL,
	seq         INTEGER NOT NULL,
	position    INTEGER NOT NULL,
	record_key  TEXT    NOT NULL,
	phase       TEXT    NOT NULL,
	code        TEXT    NOT NULL,
	rule        TEXT    NOT NULL,
	message     TEXT    NOT NULL,
	tries       INTEGER NOT NULL,
	snapshot    TEXT    NOT NULL,
	raw         TEXT    NOT NULL,
	batch       TEXT    NOT NULL,
	status      TEXT    NOT NULL,
	created_at  INTEGER NOT NULL,
	expires_at  INTEGER NOT NULL,
	PRIMARY KEY (job, id)
) STRICT;
CREATE INDEX failure_by_id ON failure (id, job);
CREATE INDEX failure_expiry ON failure (expires_at);
`
