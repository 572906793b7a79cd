CREATE TABLE `heartbeats` (
	`name` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`count` integer DEFAULT 0 NOT NULL
) STRICT, WITHOUT ROWID;
