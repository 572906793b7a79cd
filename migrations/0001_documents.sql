CREATE TABLE `document_bodies` (
	`study_id` text NOT NULL,
	`participant_id` text NOT NULL,
	`identifier` text NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`study_id`, `participant_id`, `identifier`)
) STRICT;
--> statement-breakpoint
CREATE TABLE `document_schemas` (
	`study_id` text NOT NULL,
	`identifier` text NOT NULL,
	`schema` text NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `identifier`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `documents` (
	`study_id` text NOT NULL,
	`participant_id` text NOT NULL,
	`identifier` text NOT NULL,
	`etag` text NOT NULL,
	`size` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`study_id`, `participant_id`, `identifier`)
) STRICT, WITHOUT ROWID;
