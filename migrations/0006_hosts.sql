CREATE TABLE `hosts` (
	`study_id` text NOT NULL,
	`host` text NOT NULL,
	`participant_id` text NOT NULL,
	PRIMARY KEY(`study_id`, `host`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `hosts_host` ON `hosts` (`host`);--> statement-breakpoint
CREATE INDEX `hosts_participant` ON `hosts` (`study_id`,`participant_id`);--> statement-breakpoint
ALTER TABLE `files` ADD `foreign_data` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `source` text;
